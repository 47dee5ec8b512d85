"""Transaction groups that are moved by threads which are held: a thread waits for them where we can see it.

A thread that waits inside of the pool, for a transaction of another thread which is held, would never come to
its next point. So every such wait happens here first: it is a point of our own, at which the thread waits
until others have gone on. After that the pool can do at once what it is asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from fuzz.targets.libzpool.pool import Pool
from fuzz.threads.callers_locks import CallersLocks, Wanted
from fuzz.threads.real.hold_shim import Shim
from fuzz.threads.real.turn_plan import LOCK, TXG
from zapcore.name_locks import Asked

MAX_IN_FLIGHT = 2


@dataclasses.dataclass(slots=True)
class Clock:
    """The pool's txgs as the threads of one section move them, and the locks that their callers hold.
    `assigned` has, for each thread that is in a transaction, its txg and its ZAPs."""

    pool: Pool
    shim: Shim
    locks: CallersLocks = dataclasses.field(default_factory=lambda: CallersLocks(()))
    assigned: dict[int, tuple[int, frozenset[int]]] = dataclasses.field(default_factory=dict)
    syncs: bool = False
    """A txg syncs beside the threads."""

    def lock(self, slot: int, wanted: Wanted) -> bool:
        """Take a lock that an op's caller holds, once it can be had; False where it is refused."""
        while (asked := self.locks.take(slot, wanted)) is Asked.WAIT:
            self.shim.point(LOCK, waiting=True)
        return asked is Asked.TAKEN

    def assign(self, slot: int, *zaps: int) -> None:
        """dmu_tx_assign: wait while one of the objects has transactions of another txg, then be in the open
        one."""
        ours = frozenset(zaps)
        self._wait(
            lambda: all(
                txg == self.pool.open_txg or ours.isdisjoint(others) for txg, others in self.assigned.values()
            )
        )
        self.assigned[slot] = (self.pool.open_txg, ours)

    def commit(self, slot: int) -> None:
        """The thread's transaction, if it is in one, has committed, and its op's caller lets go of its
        locks."""
        self.assigned.pop(slot, None)
        self.locks.drop(slot)

    def txg(self) -> None:
        """Open the next txg. The one that is open then is quiesced when its transactions commit; one before
        it must have been, since only one is at a time (txg_quiesce_thread)."""
        self.shim.point(TXG)
        pool = self.pool
        while True:
            while pool.in_flight >= MAX_IN_FLIGHT:
                self.finish()
            if not pool.in_flight:
                break
            youngest = pool.open_txg - 1
            self._wait_for_quiesced(youngest)
            if pool.open_txg - 1 == youngest and 0 < pool.in_flight < MAX_IN_FLIGHT:
                break
        pool.open_next()

    def finish(self) -> None:
        """Let the oldest txg in flight sync, once its transactions have committed; nothing without one."""
        pool = self.pool
        oldest = pool.synced + 1
        if not pool.in_flight:
            return
        self._wait_for_quiesced(oldest)
        self._wait_for_sync()
        if pool.in_flight and pool.synced + 1 == oldest:
            if pool.in_flight == 1:
                pool.settle()
            pool.finish()

    def spa_sync(self, objects: Sequence[int]) -> None:
        """The same; its steps are points, and the objects sync in this order. When it has ended, the calling
        thread goes on."""
        pool = self.pool
        if not pool.in_flight:
            return
        oldest = pool.synced + 1
        self._wait_for_quiesced(oldest)
        self._wait_for_sync()
        if not pool.in_flight or pool.synced + 1 != oldest:
            return
        if pool.in_flight == 1:
            pool.settle()
        self.syncs = True
        with self.shim.as_sync(objects):
            pool.finish_beside()
        self.syncs = False

    def sync(self) -> None:
        """Let every txg sync, the open one too."""
        self.txg()
        while self.pool.in_flight:
            self.finish()

    def _wait_for_quiesced(self, txg: int) -> None:
        self._wait(lambda: all(held != txg for held, _ in self.assigned.values()))

    def _wait_for_sync(self) -> None:
        self._wait(lambda: not self.syncs)

    def _wait(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self.shim.point(TXG, waiting=True)
