"""Linearizability: the results of ops that ran at the same time must be those of some order of them.

The checker is Wing and Gong's search, with Lowe's memory of what was tried before. It takes any op that may
come next (no other op that is left has ended before it began), asks the oracle whether the op may answer so,
and goes on with the rest. Two states of the search are the same if the same ops are done and the oracles are
in the same state.

The result has every state in which the oracle may end, because what the object holds afterwards decides
between them. The search takes time that is exponential in the number of ops that overlap, so `MAX_OPS` bounds
a section.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from fuzz.execution.result import Result
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure, Signature
from fuzz.judge.state import State
from fuzz.language.program import Key, Op
from fuzz.language.verbs import READING

MAX_OPS = 16
"""Ops of one parallel section whose results can be judged."""


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


def _moving(ops: Sequence[Op]) -> dict[str, frozenset[Key]]:
    """The keys of each ZAP that ops write which run at the same time."""
    found: dict[str, set[Key]] = {}
    for op in ops:
        if op.verb not in READING and op.key is not None:
            found.setdefault(op.subject, set()).add(op.key)
            if op.to is not None:
                found.setdefault(op.other, set()).add(op.to)
    return {zap: frozenset(keys) for zap, keys in found.items()}


def explanations(before: Oracle, history: Sequence[Event]) -> list[Oracle]:
    """The states that the oracle may be in after the history, each once; none if no order explains it."""
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

    start = copy_oracle(before)
    start.state.moving = _moving([event.op for event in history])
    search(frozenset(range(len(history))), start)
    return list(ends.values())


def unexplained(history: Sequence[Event]) -> Failure:
    """The failure of a history that no order explains."""
    lines = [f"  op {event.place}: {event.op.verb}: {event.result}" for event in history]
    text = "no order of these ops, which ran at the same time, explains their results:\n" + "\n".join(lines)
    return Failure(Signature("linearizability", "zap", "some order explains the results"), text)
