"""Linearizability: the results of ops that ran at the same time must be those of some order of them.

The checker is Wing and Gong's search, with Lowe's memory of what was tried before. It takes any op that may
come next (no other op that is left has ended before it began), asks the oracle whether the op may answer so,
and goes on with the rest. An op that is several calls of the ZAP is several such steps. Two states of the
search are the same if the same ops are done and the oracles are in the same state.

The result has every state in which the oracle may end, because what the object holds afterwards decides
between them. The search takes time that is exponential in the number of ops that overlap, so `MAX_OPS` bounds
a section.
"""

from __future__ import annotations

import copy
import errno
from collections.abc import Hashable, Sequence
from types import GeneratorType
from typing import NamedTuple

from fuzz.execution.result import Result
from fuzz.judge.checks import STEPS, Stepwise
from fuzz.judge.keys import form
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure, Signature
from fuzz.judge.state import State
from fuzz.language.program import Key, Op
from fuzz.language.verb_sets import DIRECTORIES, READING, key_of
from zapcore.zap.compare import compare

MAX_OPS = 16
"""Ops of one parallel section whose results can be judged."""


HIDDEN = "a name is there for whoever looks, whatever other names are worked on"


class Event(NamedTuple):
    """One op that ran: its place in the program, when it began and ended (ticks), and its result."""

    place: int
    op: Op
    began: int
    ended: int
    result: Result


def copy_oracle(oracle: Oracle) -> Oracle:
    """An oracle in the same state, independent of the first."""
    twin = copy.copy(oracle)
    twin.state = copy.copy(oracle.state)
    twin.history = oracle.history.copy()
    for name in State.CHANGING:
        setattr(twin.state, name, _copied(getattr(oracle.state, name)))
    return twin


def _attributes(value: object) -> tuple[str, ...]:
    """The attributes of an object that may change. A number, a text or a tuple has none."""
    if isinstance(value, tuple | int | bytes | str) or value is None:
        return ()
    return tuple(getattr(type(value), "__slots__", ()) or vars(value))


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, set | list):
        return value.copy()
    names = _attributes(value)
    if not names:
        return value
    twin = copy.copy(value)
    for name in names:
        setattr(twin, name, _copied(getattr(value, name)))
    return twin


def fingerprint(oracle: Oracle) -> Hashable:
    """A value that is equal for oracles in the same state."""
    return tuple(_frozen(getattr(oracle.state, name)) for name in State.CHANGING)


def _frozen(value: object) -> Hashable:
    if isinstance(value, dict):
        return frozenset((key, _frozen(each)) for key, each in value.items())
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    names = _attributes(value)
    if names:  # an attribute whose name begins with _ is computed from the others
        return tuple(_frozen(getattr(value, name)) for name in names if not name.startswith("_"))
    assert isinstance(value, Hashable)
    return value


def _moving(before: Oracle, ops: Sequence[Op]) -> dict[str, frozenset[Key]]:
    """The keys of each ZAP that ops write which run at the same time; where names are normalized, all of that
    hash."""
    found: dict[str, set[Key]] = {}
    for op in ops:
        if op.verb not in READING and (key := key_of(op)) is not None:
            found.setdefault(op.subject, set()).add(key)
            if op.to is not None:
                found.setdefault(op.other, set()).add(op.to)
    for zap, keys in found.items():
        if before.state.headers[zap].norm:
            buckets = [before.state.orders[zap].bucket(key) for key in keys if _has_form(before, zap, key)]
            keys.update(name for bucket in buckets for _, name in bucket)
    return {zap: frozenset(keys) for zap, keys in found.items()}


def _has_form(before: Oracle, zap: str, key: Key) -> bool:
    return isinstance(key, bytes) and form(key, before.state.headers[zap].norm) is not None


def explanations(before: Oracle, history: Sequence[Event]) -> list[Oracle]:
    """The states that the oracle may be in after the history, each once; none if no order explains it."""
    start = copy_oracle(before)
    start.state.moving = _moving(before, [event.op for event in history])
    if any(event.op.verb in STEPS for event in history):
        return _StepByStep(start, history).ends()
    ends: dict[Hashable, Oracle] = {}
    tried: set[tuple[frozenset[int], Hashable]] = set()

    def search(left: frozenset[int], oracle: Oracle) -> None:
        if not left:
            oracle.state.moving = {}
            ends.setdefault(fingerprint(oracle), oracle)
            return
        first_end = min(history[place].ended for place in left)
        for place in sorted(left):
            event = history[place]
            if event.began > first_end:
                continue
            after = copy_oracle(oracle)
            if after.check(event.op, event.result) is not None:
                continue
            rest = left - {place}
            state = (rest, fingerprint(after))
            if state not in tried:
                tried.add(state)
                search(rest, after)

    search(frozenset(range(len(history))), start)
    return list(ends.values())


class _StepByStep:
    """The same search where ops are several calls, between which those of others may come. An op that has
    begun is a generator of the oracle's, which cannot be copied: so each way is gone from the start."""

    def __init__(self, start: Oracle, history: Sequence[Event]) -> None:
        self.start = start
        self.history = history
        self.found: dict[Hashable, Oracle] = {}
        self.tried: set[Hashable] = set()

    def ends(self) -> list[Oracle]:
        """The states after the history, each once."""
        self._search([], frozenset(range(len(self.history))), frozenset())
        return list(self.found.values())

    def _search(self, way: list[int], left: frozenset[int], begun: frozenset[int]) -> None:
        """`way` has the events whose calls came, one for each; `left` are not at their end, `begun` some of
        them."""
        first_end = min((self.history[place].ended for place in left), default=0)
        for place in sorted(left):
            if place not in begun and self.history[place].began > first_end:
                continue
            gone = self._go([*way, place])
            if gone is None:
                continue
            oracle, ended, stands = gone
            rest = left - {place} if ended else left
            state = (rest, fingerprint(oracle), stands)
            if state in self.tried:
                continue
            self.tried.add(state)
            if rest:
                self._search([*way, place], rest, begun | {place})
            else:
                oracle.state.moving = {}
                self.found.setdefault(fingerprint(oracle), oracle)

    def _go(self, way: Sequence[int]) -> tuple[Oracle, bool, Hashable] | None:
        """Go a way: the oracle then, whether the last op has ended, and where those stand that have begun.
        None if the last call cannot answer so."""
        oracle = copy_oracle(self.start)
        begun: dict[int, Stepwise] = {}
        ended = False
        for place in way:
            event = self.history[place]
            stepwise = begun.setdefault(place, oracle.steps(event.op, event.result))
            ended = False
            try:
                next(stepwise)
            except StopIteration as end:
                if end.value is not None:
                    return None
                ended = True
                del begun[place]
        return oracle, ended, tuple((place, _stands(begun[place])) for place in sorted(begun))


_NOT_ITS_OWN = frozenset(("self", "state", "steps", "entries"))
"""Names of what a check looks at, and does not remember."""


def _stands(stepwise: Stepwise) -> Hashable:
    """Where a generator stands, and what it remembers."""
    stands: list[Hashable] = []
    inner: object = stepwise
    while isinstance(inner, GeneratorType) and (frame := inner.gi_frame) is not None:
        known = [(name, each) for name, each in frame.f_locals.items() if name not in _NOT_ITS_OWN]
        stands.append((frame.f_lasti, repr(sorted(known))))
        inner = inner.gi_yieldfrom
    return tuple(stands)


def _may_be_hidden(event: Event, history: Sequence[Event], before: Oracle) -> bool:
    """Whether an op may have been told that there is no such name because it cannot be compared with that of
    another op (`zapcore.name_locks`)."""
    if event.result.errno != errno.ENOENT or event.op.verb not in DIRECTORIES:
        return False
    names: dict[str, set[Key]] = {}
    for op in (each.op for each in history if each is not event and each.op.verb in DIRECTORIES):
        for zap, name in ((op.subject, op.key), (op.other, op.to)):
            if isinstance(name, bytes):
                names.setdefault(zap, set()).add(name)
    headers = before.state.headers
    ours = ((event.op.subject, event.op.key), (event.op.other, event.op.to))
    return any(
        compare(name, other, headers[zap].norm).broken
        for zap, name in ours
        if isinstance(name, bytes)
        for other in names.get(zap, ())
        if isinstance(other, bytes)
    )


def unexplained(before: Oracle, history: Sequence[Event]) -> Failure:
    """The failure of a history that no order explains; what `before` was. Where some order explains all but
    the ops that a name which cannot be compared may have hidden names from, that is the failure."""
    lines = [f"  op {event.place}: {event.op.verb}: {event.result}" for event in history]
    told = "no order of these ops, which ran at the same time, explains their results:\n" + "\n".join(lines)
    seen = [event for event in history if not _may_be_hidden(event, history, before)]
    if len(seen) < len(history) and explanations(before, seen):
        return Failure(Signature("linearizability", "zfs_dir.c:zfs_dirent_lock", HIDDEN), told)
    return Failure(Signature("linearizability", "zap", "some order explains the results"), told)
