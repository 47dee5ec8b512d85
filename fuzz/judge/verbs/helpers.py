"""The oracle's word on calls that OpenZFS composes of others, and on those that read ahead."""

from __future__ import annotations

import errno
from collections.abc import Callable

from fuzz.execution.result import DONE, Result
from fuzz.judge.checks import CHECKS, Stepwise, in_steps
from fuzz.judge.keys import refused_form
from fuzz.judge.room import make_room
from fuzz.judge.state import State, Value, widen
from fuzz.judge.verbs.entries import increment, remove, write
from fuzz.judge.wrong_answers import Wrong, expect, expect_value
from fuzz.language.program import U64, Key, Op


@CHECKS.of("prefetch")
def prefetch(state: State, op: Op, result: Result) -> Wrong | None:
    """It tells nothing but whether a name has a form, and is asked of fat ZAPs only."""
    if state.entries[op.subject] is None:
        return expect(result.errno, errno.ENOENT)
    if not (state.fat[op.subject] or op.extra):
        return expect(result.errno, errno.ENOTSUP)
    return expect(result.errno, 0)


@CHECKS.of("prefetch_object")
def prefetch_object(state: State, op: Op, result: Result) -> Wrong | None:
    """It tells whether the object is there, in releases that have it."""
    there = 0 if state.release.prefetches_objects else errno.ENOTSUP
    return expect(result.errno, errno.ENOENT if state.entries[op.subject] is None else there)


def _named(op: Op, verb: str, value: int) -> Op:
    """What an op on an id means as one on a name."""
    return Op(verb, op.subject, format(op.fill, "x").encode(), 8, 1, value)


@CHECKS.of("add_int", "add_int_key", "update_int_key", "remove_int")
def change_int(state: State, op: Op, result: Result) -> Wrong | None:
    """As add, update and remove of the digits."""
    if refused := state.has_no_names(op.subject):
        return expect(result.errno, refused)
    if op.verb == "remove_int":
        return remove(state, _named(op, "remove", 0), result)
    verb = op.verb.partition("_")[0]
    return write(state, _named(op, verb, op.fill if op.verb == "add_int" else op.extra), result)


@CHECKS.of("lookup_int", "lookup_int_key")
def lookup_int(state: State, op: Op, result: Result) -> Wrong | None:
    """As a lookup of the digits into one integer, of which only success gives the value."""
    if refused := state.has_no_names(op.subject):
        return expect(result.errno, refused)
    asked = _named(op, "lookup", 0)
    entries = state.entries[op.subject]
    assert asked.key is not None and entries is not None
    value = entries.get(asked.key)
    if value is None:
        return expect(result.errno, errno.ENOENT)
    if value.length > 1:
        return expect(result.errno, errno.EOVERFLOW)
    if result.errno or op.verb == "lookup_int":
        return expect(result.errno, 0)
    return expect_value(result.value, int.from_bytes(widen(value, 8, 1), "little"))


@in_steps("increment_int")
def increment_int(state: State, op: Op, result: Result) -> Stepwise:
    """As increment of the digits."""
    if refused := state.has_no_names(op.subject):
        return expect(result.errno, refused)
    if not state.release.joins:
        return expect(result.errno, errno.ENOTSUP)
    return (yield from increment(state, _named(op, "increment", op.extra), result))


def _join(state: State, op: Op, result: Result, put: Callable[[Key, Value], Op | int]) -> Wrong | None:
    """Every entry in order, up to the first that cannot be put. `put` says which op puts it, or which errno
    ends the call before that."""
    for name in (op.subject, op.other):
        if refused := state.has_no_names(name):
            return expect(result.errno, refused)
    source = state.entries[op.subject]
    assert source is not None
    if not state.release.joins:
        return expect(result.errno, errno.ENOTSUP)
    for key in state.orders[op.subject].keys():  # noqa: SIM118  (no mapping)
        value = source[key]
        if (value.size, value.length) != (8, 1):
            return expect(result.errno, errno.EINVAL)
        todo = put(key, value)
        if isinstance(todo, int):
            return expect(result.errno, todo)
        if _do(state, todo, DONE) is not None:
            return _do(state, todo, result)
    return expect(result.errno, 0)


def _do(state: State, op: Op, result: Result) -> Wrong | None:
    """An add or update that a call makes."""
    if refused := state.refused(op):
        make_room(state, op.subject)
        return expect(result.errno, refused)
    return write(state, op, result)


@CHECKS.of("join", "join_key")
def join(state: State, op: Op, result: Result) -> Wrong | None:
    """As an add of each entry of the one ZAP to the other."""

    def put(key: Key, value: Value) -> Op:
        fill = op.fill if op.verb == "join_key" else int.from_bytes(value.data, "little")
        return Op("add", op.other, key, 8, 1, fill)

    return _join(state, op, result, put)


@CHECKS.of("join_increment")
def join_increment(state: State, op: Op, result: Result) -> Wrong | None:
    """As a lookup and an update of each entry."""

    def put(key: Key, value: Value) -> Op | int:
        into, entries = op.other, state.entries[op.other]
        assert entries is not None and isinstance(key, bytes)
        if refused := refused_form(state.headers[into], key, 0, state.release.long_names):
            return refused
        if state.too_long(into, key):
            return errno.ENAMETOOLONG
        there = entries.get(key, Value(8, 1, b""))
        if there.length > 1:
            return errno.EOVERFLOW
        total = int.from_bytes(there.data, "little") + int.from_bytes(value.data, "little")
        return Op("update", into, key, 8, 1, total & U64)

    return _join(state, op, result, put)
