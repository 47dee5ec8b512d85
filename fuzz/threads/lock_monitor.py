"""Watches what threads do with locks and data while a parallel section runs: lock order, and locksets.

Lock order: zap_rwlock is taken first, then leaves (of two siblings the one whose prefix ends in 0 first),
then the mutex of the entry counter.

Locksets: a thread that reads a leaf has the leaf's lock in some mode, and a thread that writes it has the
lock as writer; instead it may have the ZAP's lock as writer, which keeps everybody else out. The pointer
table is read under the ZAP's lock. The entry counter in the header changes under its mutex. The slots of a
micro ZAP are read under the ZAP's lock, and written under it as writer.

The functions that touch leaves and the table are wrapped from outside while a section runs, so that a program
without threads does not become slower.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType

from fuzz.judge.signature import Failure, Signature
from zapcore import layout as L
from zapcore.dmu.objset import Objset
from zapcore.errors import openzfs_place, openzfs_stack
from zapcore.locks import RWLock
from zapcore.zap import leaf as leaves
from zapcore.zap import micro, ptrtbl
from zapcore.zap import shrink as shrinking
from zapcore.zap.leaf import Leaf
from zapcore.zap.name import Name
from zapcore.zap.zap import Zap

ZAP_LOCK = "zap->zap_rwlock"
LEAF_LOCK = "l->l_rwlock"
COUNT_LOCK = "zap->zap_f.zap_num_entries_mtx"
RANKS = {ZAP_LOCK: 0, LEAF_LOCK: 1, COUNT_LOCK: 2}

LEAF_READERS: tuple[tuple[ModuleType, str], ...] = (
    (leaves, "lookup"),
    (leaves, "lookup_closest"),
    (leaves, "entry_value"),
    (leaves, "entry_name"),
    (shrinking, "_is_empty_sibling"),
)
LEAF_WRITERS: tuple[tuple[ModuleType, str], ...] = (
    (leaves, "init"),
    (leaves, "entry_create"),
    (leaves, "entry_update"),
    (leaves, "entry_remove"),
)
MICRO_READERS: tuple[tuple[ModuleType, str], ...] = ((micro, "find"), (micro, "conflict"))
MICRO_WRITERS: tuple[tuple[ModuleType, str], ...] = (
    (micro, "_add_entry"),
    (micro, "update"),
    (micro, "remove"),
)
TABLE_READERS: tuple[tuple[ModuleType, str], ...] = ((ptrtbl, "load"), (ptrtbl, "load_range"))


def broken(kind: str, expression: str) -> Failure:
    """A failure at the innermost OpenZFS function that is running."""
    signature = Signature(kind, openzfs_place(), expression, openzfs_stack())
    return Failure(signature, f"{kind} at {signature.place}: not so: {expression}")


class Monitor:
    """A watcher of one run's threads; raises Failure of kind `lock-order` or `race`. As a context, it watches
    the data as well as the locks."""

    def __init__(self, objset: Objset) -> None:
        self.objset = objset
        self.held: dict[int, list[tuple[RWLock, bool]]] = {}
        self.counts: dict[int, int] = {}
        self.freed: dict[int, tuple[RWLock, int, tuple[str, ...]]] = {}
        self.wrapped: list[tuple[object, str, object]] = []

    def begin(self) -> None:
        """A section begins: nothing is held, and the counters are what they are."""
        self.held = {}
        self.freed = {}
        self.counts = self._counts()

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """Check that this thread was allowed to change what has changed, and then forget the lock that it has
        let go."""
        held = self.held.setdefault(thread, [])
        counts = self._counts()
        for number, count in counts.items():
            if count != self.counts.get(number, count):
                self._check_count(held, number)
        self.counts.update(counts)
        if what == "exit":
            assert isinstance(thing, RWLock)
            for entry in reversed(held):
                if entry[0] is thing:
                    held.remove(entry)
                    break

    def entered(self, thread: int, what: str, thing: object) -> None:
        """Check whether the lock that is taken now may be taken after those that the thread has."""
        if what not in ("read", "write"):
            return
        assert isinstance(thing, RWLock)
        held = self.held.setdefault(thread, [])
        for lock, _ in held:
            self._check_order(lock, thing)
        held.append((thing, what == "write"))

    def who_freed(self, lock: object) -> tuple[int, tuple[str, ...]] | None:
        """The thread that freed what a lock lies in, and its stack then, if a thread of this section did."""
        found = self.freed.get(id(lock))
        return None if found is None else found[1:]

    def _counts(self) -> dict[int, int]:
        counts = {}
        for number, dnode in self.objset.dnodes.items():
            header = dnode.dbufs.get(0)
            if header is not None and header.buf is not None:
                q = header.buf.q
                if q[L.Q_BLOCK_TYPE] == L.ZBT_HEADER:
                    counts[number] = q[L.Q_NUM_ENTRIES]
        return counts

    def _check_count(self, held: list[tuple[RWLock, bool]], number: int) -> None:
        for lock, writes in held:
            if writes and lock.where[0] == number and lock.name in (COUNT_LOCK, ZAP_LOCK):
                return
        raise broken("race", "the entry counter's mutex is held by who changes the counter")

    def _check_order(self, held: RWLock, taken: RWLock) -> None:
        if RANKS[held.name] > RANKS[taken.name]:
            raise broken("lock-order", f"{taken.name} is taken before {held.name}")
        if held is taken:
            raise broken("lock-order", f"{taken.name} is taken once")
        if held.name == LEAF_LOCK == taken.name and self._odd_sibling(held, taken):
            raise broken("lock-order", "of two sibling leaves the one with bit 0 is locked first")

    def _odd_sibling(self, held: RWLock, taken: RWLock) -> bool:
        first, second = self._prefix(held), self._prefix(taken)
        if first is None or second is None or first[0] != second[0] or not first[0]:
            return False
        return first[1] == second[1] ^ 1 and bool(first[1] & 1)

    def _prefix(self, lock: RWLock) -> tuple[int, int] | None:
        """(prefix length, prefix) of the leaf that a lock protects."""
        number, blkid = lock.where
        dnode = self.objset.dnodes.get(number)
        dbuf = None if dnode is None else dnode.dbufs.get(blkid)
        if dbuf is None or dbuf.buf is None or dbuf.buf.q[L.Q_BLOCK_TYPE] != L.ZBT_LEAF:
            return None
        return dbuf.buf.h[L.H_PREFIX_LEN], dbuf.buf.q[L.Q_PREFIX]

    def _check_leaf(self, leaf: Leaf, writes: bool) -> None:
        lock = leaf.rwlock
        current = self.objset.threads.current
        if lock.writer == current or (not writes and current in lock.readers):
            return
        for held, _ in self.held.get(current, ()):
            if held.name == ZAP_LOCK and held.write_held():
                return
        mode = "writes it has its lock as writer" if writes else "reads it has its lock"
        raise broken("race", f"who touches a leaf and {mode}")

    def _check_table(self, zap: Zap) -> None:
        current = self.objset.threads.current
        if zap.rwlock.writer != current and current not in zap.rwlock.readers:
            raise broken("race", "who reads the pointer table has the ZAP's lock")

    def __enter__(self) -> None:
        """Wrap the functions that touch leaves and the table."""
        tables: tuple[tuple[tuple[tuple[ModuleType, str], ...], Callable[[object], None]], ...] = (
            (LEAF_READERS, functools.partial(self._leaf_argument, writes=False)),
            (LEAF_WRITERS, functools.partial(self._leaf_argument, writes=True)),
            (TABLE_READERS, self._zap_argument),
            (MICRO_READERS, functools.partial(self._name_argument, writes=False)),
            (MICRO_WRITERS, functools.partial(self._name_argument, writes=True)),
        )
        for places, check in tables:
            for module, name in places:
                plain = getattr(module, name)
                self.wrapped.append((module, name, plain))
                setattr(module, name, _checked(plain, check))
        destroy = RWLock.destroy
        self.wrapped.append((RWLock, "destroy", destroy))
        threads = self.objset.threads

        def destroyed(lock: RWLock) -> None:
            self.freed[id(lock)] = (lock, threads.current, openzfs_stack())
            destroy(lock)

        setattr(RWLock, "destroy", destroyed)  # noqa: B010

    def __exit__(self, *raised: object) -> None:
        """Put them back."""
        while self.wrapped:
            setattr(*self.wrapped.pop())

    def _leaf_argument(self, leaf: object, writes: bool) -> None:
        assert isinstance(leaf, Leaf)
        self._check_leaf(leaf, writes)

    def _zap_argument(self, zap: object) -> None:
        assert isinstance(zap, Zap)
        self._check_table(zap)

    def _name_argument(self, name: object, writes: bool) -> None:
        assert isinstance(name, Name)
        lock, current = name.zap.rwlock, self.objset.threads.current
        if lock.writer == current or (not writes and current in lock.readers):
            return
        mode = "writes slots has the ZAP's lock as writer" if writes else "reads slots has the ZAP's lock"
        raise broken("race", f"who {mode}")


def _checked(plain: Callable[..., object], check: Callable[[object], None]) -> Callable[..., object]:
    def wrapper(first: object, *rest: object) -> object:
        check(first)
        return plain(first, *rest)

    return wrapper


__all__ = ["Monitor", "broken"]
