"""A model's whole world as a value: snapshots that can be woken again, and a digest that says whether two
worlds are the same from here on.

The digest covers everything that a later op, an invariant or the oracle can look at. Two worlds with equal
digests answer every program alike: the model is deterministic, and what is left out (absolute txg numbers,
the order of the dbuf cache, what the auditor has seen) never changes an answer. A slot that is added to a
class of the model is covered by itself.
"""

from __future__ import annotations

import copyreg
import enum
import hashlib
import io
import marshal
import pickle
from collections.abc import Callable
from typing import Any

from fuzz.judge.oracle import Oracle
from fuzz.judge.order import Order
from fuzz.judge.state import State
from fuzz.language.program import Program
from fuzz.targets.model.target import ModelTarget
from zapcore.audit.auditor import Auditor
from zapcore.dmu.buffer import Buffer
from zapcore.dmu.dbuf import Dbuf, DirtyRecord
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset, Tx
from zapcore.layout import Geometry, geometry
from zapcore.locks import Threads
from zapcore.release import Release

Atom = int | str | bytes | None


class Snapshot:
    """A world at rest, as bytes; `wake` gives a new one each time. Bytes never leave the process."""

    __slots__ = ("_bytes", "_program")

    def __init__(self, program: Program, target: ModelTarget, oracle: Oracle) -> None:
        self._program = program
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = _REDUCERS
        state = tuple(getattr(oracle.state, name) for name in State.CHANGING)
        pickler.dump((target.objset, target.cursors, state))
        self._bytes = stream.getvalue()

    def wake(self, target: ModelTarget) -> Oracle:
        """Put the world into a target that has begun the same program; returns its oracle."""
        oracle = Oracle(self._program, target.release)
        target.objset, target.cursors, state = pickle.loads(self._bytes)
        for name, value in zip(State.CHANGING, state, strict=True):
            setattr(oracle.state, name, value)
        target.auditor = Auditor(target.objset)
        return oracle


def _buffer(raw: bytes, anonymous: bool) -> Buffer:
    return Buffer(bytearray(raw), anonymous)


_REDUCERS: Any = {
    **copyreg.dispatch_table,
    Buffer: lambda buffer: (_buffer, (bytes(buffer.raw), buffer.anonymous)),
    Geometry: lambda geo: (geometry, (geo.shift,)),
    Release: lambda release: (Release, tuple(getattr(release, name) for name in Release.__slots__)),
}


def digest(target: ModelTarget, oracle: Oracle) -> bytes:
    """16 bytes that are equal for two worlds of one program's header (and one release) only if both go on
    alike."""
    walk = _Walk(target.objset.open_tx.txg)
    walk.thing(target.objset)
    walk.thing(target.cursors)
    for name in State.CHANGING:
        walk.thing(getattr(oracle.state, name))
    # version 2 of the format has no back references, whose presence depends on reference counts
    return hashlib.blake2b(marshal.dumps(walk.out, 2), digest_size=16).digest()


class _Walk:
    """A walk over the graph of objects in an order that does not depend on identities."""

    def __init__(self, base: int) -> None:
        self.base = base
        self.out: list[Atom] = []
        self.seen: dict[int, int] = {}

    def txg(self, number: int) -> int:
        """A txg as its distance from the open one; 0, which is no txg, stays what it is."""
        return number and number - self.base - 1

    def thing(self, thing: Any) -> None:
        """Write down one value, or where it stood before."""
        kind = type(thing)
        if thing is None or kind is int or kind is bool or kind is bytes or kind is str:
            self.out.append(thing)
            return
        if kind not in _WALKS:
            _WALKS[kind] = _walk_of(kind)
        if not isinstance(thing, _VALUES):
            known = self.seen.get(id(thing))
            if known is not None:
                self.out += ("again", known)
                return
            self.seen[id(thing)] = len(self.seen)
        _WALKS[kind](self, thing)


_Walker = Callable[[_Walk, Any], None]
_VALUES = (tuple, list, dict, set, enum.Enum)


def _sequence(walk: _Walk, things: Any) -> None:
    walk.out.append(len(things))
    for thing in things:
        walk.thing(thing)


def _mapping(walk: _Walk, things: dict[Any, Any]) -> None:
    walk.out.append(len(things))
    for key in sorted(things):
        walk.thing(key)
        walk.thing(things[key])


def _set(walk: _Walk, things: Any) -> None:
    _sequence(walk, sorted(things))


def _buffer_bytes(walk: _Walk, buffer: Buffer) -> None:
    walk.out += (bytes(buffer.raw), buffer.anonymous)


def _txgs(walk: _Walk, numbers: list[int]) -> None:
    walk.out.append(len(numbers))
    walk.out += map(walk.txg, numbers)


def _tags(walk: _Walk, tags: list[object]) -> None:
    """Holds: a dirty record's tag is its txg; in which order they were taken is never looked at."""
    found = [f"txg{walk.txg(tag)}" if type(tag) is int else str(tag) for tag in tags]
    walk.out.append(len(found))
    walk.out += sorted(found)


def _by_txg(walk: _Walk, things: dict[int, Any]) -> None:
    walk.out.append(len(things))
    for txg in sorted(things):
        walk.out.append(walk.txg(txg))
        content = things[txg]
        if isinstance(content, dict):
            content = sorted(content, key=_place)
        walk.thing(content)


def _place(thing: DirtyRecord | Dnode) -> int:
    return thing.dbuf.blkid if isinstance(thing, DirtyRecord) else thing.number


def _nothing(walk: _Walk, thing: object) -> None:
    """Left out: it says nothing that is not said elsewhere."""


def _one_txg(walk: _Walk, number: int) -> None:
    walk.out.append(walk.txg(number))


_SPECIAL: dict[tuple[type, str], _Walker] = {
    (Tx, "txg"): _one_txg,
    (DirtyRecord, "txg"): _one_txg,
    (Dnode, "free_txg"): _one_txg,
    (Dnode, "free_ranges"): _by_txg,
    (Dnode, "dirty_records"): _by_txg,
    (Dnode, "next_max_blkid"): _by_txg,
    (Dbuf, "holds"): _tags,
    (Objset, "in_flight"): _txgs,
    (Objset, "dirty_dnodes"): _by_txg,
    (Objset, "cache"): _nothing,
    (Threads, "destroyed"): _nothing,
    (Dnode, "held"): _nothing,
    (Objset, "work"): _nothing,
    (Order, "_hashes"): _nothing,
    (Order, "zap"): _nothing,
}


def _slots(kind: type) -> list[str]:
    names = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
    return sorted(names)


def _part(kind: type, name: str) -> _Walker:
    """How to walk over an attribute of a class, or of those that it is made of."""
    return next((_SPECIAL[base, name] for base in kind.__mro__ if (base, name) in _SPECIAL), _Walk.thing)


def _walk_of(kind: type) -> _Walker:
    """How to walk over the instances of a class: slot by slot, by name."""
    if issubclass(kind, enum.Enum):
        return lambda walk, thing: walk.out.append(thing.name)
    if issubclass(kind, tuple):
        return _sequence
    plan = [(name, _part(kind, name)) for name in _slots(kind)]

    def walker(walk: _Walk, thing: Any) -> None:
        walk.out.append(kind.__name__)
        if plan:
            for name, part in plan:
                part(walk, getattr(thing, name))
        else:
            for name in sorted(vars(thing)):
                _SPECIAL.get((kind, name), _Walk.thing)(walk, vars(thing)[name])

    return walker


_WALKS: dict[type, _Walker] = {
    tuple: _sequence,
    list: _sequence,
    dict: _mapping,
    set: _set,
    Buffer: _buffer_bytes,
    Geometry: _nothing,
}
