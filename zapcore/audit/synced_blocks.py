"""Whether a transaction group writes to disk what the world was when the group closed. This is what would be
left of the world if the machine stopped right after the group has synced.

No operation ever reads the bytes of a txg in flight. So no answer shows it if a later txg has changed them:
only a pool that is imported after a crash would.
"""

from __future__ import annotations

from collections.abc import Iterator

from zapcore.audit.after_sync import left_undone
from zapcore.dmu.dbuf import CACHED
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset
from zapcore.verify.invariants import Violation

INVARIANT = "on-disk"

_Closed = dict[Dnode, dict[int, bytes]]
"""For each object, the blocks that a txg has to write, with their bytes when the txg closed. A block that it
has to free has no bytes here."""


class SyncAuditor:
    """Compares what transaction groups have written with what there was when they closed. It is asked after
    every operation, and remembers each txg that has closed until it has synced."""

    __slots__ = ("_closed", "_objset", "_open", "_synced")

    def __init__(self, objset: Objset) -> None:
        self._objset = objset
        self._closed: dict[int, _Closed] = {}
        self._open = objset.open_tx.txg
        self._synced = self.last_synced()

    def last_synced(self) -> int:
        """The youngest txg that has synced."""
        in_flight = self._objset.in_flight
        return (in_flight[0] if in_flight else self._objset.open_tx.txg) - 1

    def something_new(self) -> bool:
        """Whether a txg has closed or synced since the last call of `violations`."""
        objset = self._objset
        now = objset.open_tx.txg
        return now != self._open or self._synced != (objset.in_flight[0] if objset.in_flight else now) - 1

    def violations(self) -> Iterator[Violation]:
        """The violations in what has synced since the last call."""
        objset = self._objset
        now = objset.open_tx.txg
        synced, self._synced = self._synced, self.last_synced()
        # Only the last txg that has synced can be compared: a later one may have written the blocks of an
        # earlier one again. If one operation has both closed and synced it, nobody knows what the blocks were
        # when it closed.
        if self._synced in self._closed:
            yield from self._wrongly_written(self._closed[self._synced])
        for txg in range(synced + 1, self._synced + 1):
            self._closed.pop(txg, None)
        if now != self._open and now - 1 in objset.in_flight:
            self._closed[now - 1] = self._as_closed(now - 1, now)
        self._open = now
        yield from left_undone(objset, self._synced)
        yield from self._wrongly_cached()

    def _as_closed(self, txg: int, now: int) -> _Closed:
        """What a txg that has just closed has to write. An object that the next txg has changed already is
        left out, because its blocks are no longer what they were at the close. This happens with threads: ops
        of other threads can come between the close and this look."""
        closed: _Closed = {}
        for dnode in self._objset.dirty_dnodes.get(txg, ()):
            if dnode.free_txg or dnode.dirty_records.get(now) or dnode.free_ranges.get(now):
                continue
            blocks = dict.fromkeys(dnode.free_ranges.get(txg, ()), b"")
            for record in dnode.dirty_records.get(txg, ()):
                blocks[record.dbuf.blkid] = dnode.peek(record.dbuf.blkid)
            closed[dnode] = blocks
        return closed

    def _wrongly_written(self, closed: _Closed) -> Iterator[Violation]:
        for dnode, blocks in closed.items():
            if self._objset.dnodes.get(dnode.number) is not dnode:
                continue  # freed since, or read anew
            for blkid, wanted in blocks.items():
                written = dnode.stable.get(blkid, b"")
                if written != wanted and (any(written) or any(wanted)):
                    yield Violation(INVARIANT, blkid, "block", "not what was there when the txg closed")

    def _wrongly_cached(self) -> Iterator[Violation]:
        """The violations where a block that no txg has to write is in memory not what it is on disk, or where
        a block on disk lies behind its object's end."""
        for dnode in self._objset.dnodes.values():
            last = max(dnode.stable, default=0)
            if last > dnode.stable_max_blkid:
                yield Violation(INVARIANT, last, "block", "on disk it lies behind the object's end")
            for blkid, dbuf in dnode.dbufs.items():
                if dbuf.dirty or dbuf.state is not CACHED or dnode.block_freed(blkid):
                    continue
                stable = dnode.stable.get(blkid, b"")
                if not (dbuf.buf.anonymous or stable):
                    yield Violation("released", blkid, "db_buf", "it is a block's on disk, and there is none")
                if stable != dbuf.buf.raw and (stable or any(dbuf.buf.raw)):
                    yield Violation(INVARIANT, blkid, "block", "in memory it is another than on disk")
