"""What must hold of blocks while a txg syncs as a thread beside others (`zapcore.dmu.spa_sync`).

Three things, each told by nothing but what was there before. What a txg leaves on disk is what was there,
without the blocks that it has freed, and with those that were dirty in it as they were when its last
transaction had committed, whatever later txgs do meanwhile. And a block that is read is what it was when it
was last in memory, or zeros if it was freed since, whether its dbuf was evicted in between or not. And a txg
that has synced has left nothing undone.
"""

from __future__ import annotations

from zapcore.audit.after_sync import left_undone
from zapcore.dmu.dbuf import Dbuf
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, Panic
from zapcore.verify.invariants import INVARIANTS

_Blocks = dict[int, bytes]


def _shown(raw: bytes | bytearray) -> bytes:
    """The bytes of a block, whatever its size: a block may grow, and a hole is a block of zeros."""
    return bytes(raw).rstrip(b"\0")


class SteppedSyncBlocks:
    """Made where a section with a sync thread begins, and told what happens in it."""

    __slots__ = ("_last", "_objset", "_txg", "_wanted")

    def __init__(self, objset: Objset) -> None:
        self._objset = objset
        self._txg = 0
        self._wanted: dict[Dnode, _Blocks] = {}
        self._last: dict[Dnode, _Blocks] = {
            dnode: {blkid: _shown(dnode.current(blkid)) for blkid in {*dnode.dbufs, *dnode.stable}}
            for dnode in objset.dnodes.values()
        }

    def sync_begins(self, txg: int) -> None:
        """The transactions of the txg have committed, and nothing of it is on disk yet."""
        self._wanted = {}
        self._txg = txg
        for dnode in self._objset.dirty_dnodes.get(txg, ()):
            if dnode.free_txg and dnode.free_txg <= txg:
                continue
            freed = dnode.free_ranges.get(txg, ())
            wanted = {blkid: _shown(raw) for blkid, raw in dnode.stable.items() if blkid not in freed}
            for record in dnode.dirty_records.get(txg, ()):
                wanted[record.dbuf.blkid] = _shown(record.data.raw)
            self._wanted[dnode] = {blkid: raw for blkid, raw in wanted.items() if raw}

    def sync_ends(self) -> None:
        """All of the txg is on disk. Raises an invariant Panic."""
        for dnode, wanted in self._wanted.items():
            stable = dnode.stable
            for blkid in sorted(wanted.keys() | stable.keys()):
                if wanted.get(blkid, b"") != _shown(stable.get(blkid, b"")):
                    raise _broken("on-disk", f"block {blkid}: not what was there when the txg closed")
        for violation in left_undone(self._objset, self._txg):
            raise _broken(violation.invariant, str(violation))

    def forgotten(self, dbuf: Dbuf) -> None:
        """A dbuf is about to lose its bytes."""
        self._last.setdefault(dbuf.dnode, {})[dbuf.blkid] = _shown(dbuf.buf.raw)

    def freed(self, dnode: Dnode, first: int, last: int) -> None:
        """Open context has freed a range of blocks."""
        blocks = self._last.get(dnode, {})
        for blkid in [blkid for blkid in blocks if first <= blkid <= last]:
            del blocks[blkid]

    def filled(self, dbuf: Dbuf) -> None:
        """A dbuf was read. Raises an invariant Panic."""
        last = self._last.get(dbuf.dnode, {}).get(dbuf.blkid, b"")
        if _shown(dbuf.buf.raw) != last:
            raise _broken("read-back", f"block {dbuf.blkid} of object {dbuf.dnode.number} is read as another")


def _broken(invariant: str, detail: str) -> Panic:
    return Panic(Kind.INVARIANT, f"zap:{invariant}", INVARIANTS[invariant], detail=detail)
