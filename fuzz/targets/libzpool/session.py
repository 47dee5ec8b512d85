"""One program on a running pool: its beginning and end, its steps of time, and which call each verb is.

Everything here runs in the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fuzz.language.program import Zap
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.directories import Directories
from fuzz.targets.libzpool.pool import Pool
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.wire import WireOp
from fuzz.targets.libzpool.world import PLAIN, Drift, NoRoom, Object

__all__ = ["Drift", "NoRoom", "Session", "new_session"]


class Session(Directories):
    """A program's world. Verbs are called by `apply`, which gives the packed result."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        super().__init__(pool, salts)
        self._verbs: list[Callable[[WireOp], bytes]] = [
            getattr(self, f"_{name}", self._unknown) for name in VERBS
        ]

    def begin(self, zaps: Sequence[Zap]) -> None:
        """Create the ZAPs, in order, in the open txg."""
        self.end()
        self._zaps = [Object(shape) for shape in zaps]
        for zap in self._zaps:
            self._make(zap)

    def share(self, other: Session) -> None:
        """Work on the ZAPs and cursors of another session, at the same time."""
        self.os = other.os
        self._zaps, self._cursors = other._zaps, other._cursors

    def end(self) -> None:
        """Close the cursors, let what is in flight sync, destroy what is left."""
        for index in list(self._cursors):
            self._drop(index)
        self.pool.finish_all()
        for zap in self._zaps:
            if zap.number:
                self._unmake(zap)
        self._zaps = []

    def apply(self, op: WireOp) -> bytes:
        """Run one op; its result, packed. Raises NoRoom."""
        return self._verbs[op.verb](op)

    def _unknown(self, op: WireOp) -> bytes:
        raise Drift(f"{list(VERBS)[op.verb]} is not known here")

    def _reopen(self, op: WireOp) -> bytes:
        for index in list(self._cursors):
            self._drop(index)
        self.pool.reopen()
        self.os = self.pool.os
        return PLAIN[0]

    def _txg(self, op: WireOp) -> bytes:
        self.pool.txg()
        return PLAIN[0]

    def _finish(self, op: WireOp) -> bytes:
        self.pool.finish()
        return PLAIN[0]

    def _sync(self, op: WireOp) -> bytes:
        self.pool.sync()
        return PLAIN[0]

    def _evict(self, op: WireOp) -> bytes:
        self.lib.dmu_objset_evict_dbufs(self.os)
        return PLAIN[0]


def new_session(library: Library) -> Session:
    """A pool with nothing in it, ready for programs."""
    pool = Pool(library)
    return Session(pool, SaltWriter(pool))
