"""One program on a running pool: its beginning and end, and which function each verb is.

Everything here runs in the worker.
"""

from __future__ import annotations

from collections.abc import Sequence

from fuzz.language.program import Zap
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool import cursors, directories, entries, txgs
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.blocks import ZapDigest
from fuzz.targets.libzpool.call import Call
from fuzz.targets.libzpool.pool import Pool
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.wire import PLAIN, pack_result
from fuzz.targets.libzpool.world import FUNCTIONS, World

__all__ = ["FAMILIES", "FUNCTIONS", "Session", "new_session"]

FAMILIES = (entries, cursors, directories, txgs)
"""The files in which verbs register their functions."""
FUNCTIONS.complete()
_BY_NUMBER = tuple(FUNCTIONS[verb] for verb in VERBS)


class Session:
    """A program's world, and its verbs."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        self.pool, self.salts = pool, salts
        self.world = World(pool, salts)
        self._digests: list[ZapDigest] = []

    def begin(self, zaps: Sequence[Zap]) -> None:
        """Create the ZAPs, in order, in the open txg. Raises NoRoom."""
        self.end()
        self._digests = [ZapDigest() for _ in zaps]
        self.world.create_all(list(zaps))

    def share(self, other: Session) -> None:
        """Work on the ZAPs and cursors of another session, at the same time."""
        self.world.share(other.world)

    def end(self) -> None:
        """Close the cursors, let what is in flight sync, destroy what is left."""
        world = self.world
        world.close_cursors()
        self.pool.finish_all()
        for zap in world.zaps:
            if zap.number:
                world.destroy(zap)
        world.zaps = []

    def apply(self, op: Call) -> bytes:
        """Run one op; its result, packed. Raises NoRoom."""
        answer = _BY_NUMBER[op.verb](self.world, op)
        return PLAIN[answer] if isinstance(answer, int) else pack_result(*answer)

    def find(self, number: int) -> tuple[int, int]:
        """The index of the ZAP that has an object number, or had it, and its block shift, or (-1, 0)."""
        for index, zap in enumerate(self.world.zaps):
            if number in zap.numbers:
                return index, zap.shape.leaf_shift
        return -1, 0

    def digests(self) -> bytes:
        """For each ZAP, a 1 and the digests of its blocks and their dbufs, or a 0."""
        return b"".join(seen.look(self.world, index) for index, seen in enumerate(self._digests))


def new_session(library: Library) -> Session:
    """A pool with nothing in it, ready for programs."""
    pool = Pool(library)
    return Session(pool, SaltWriter(pool))
