"""What a txg brought to stable storage is what the world was when it closed: what would be left of it if the
machine stopped just then.

The bytes of a txg in flight are hidden from every operation, so that no answer shows where a later txg has
changed them: only a pool that is imported after a crash would.
"""

from __future__ import annotations

from collections.abc import Iterator

from zapcore.dmu.dbuf import CACHED
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset
from zapcore.verify.invariants import Violation

INVARIANT = "on-disk"

_Closed = dict[Dnode, dict[int, bytes]]
"""Of each object, the blocks that a txg has to write, as they were when it closed; no bytes for a block that
it has to free."""


class SyncAuditor:
    """Looks after every operation whether a txg has closed or has synced since it looked last."""

    __slots__ = ("_closed", "_objset", "_open", "_synced")

    def __init__(self, objset: Objset) -> None:
        self._objset = objset
        self._closed: dict[int, _Closed] = {}
        self._open = objset.open_tx.txg
        self._synced = self._last_synced()

    def _last_synced(self) -> int:
        in_flight = self._objset.in_flight
        return (in_flight[0] if in_flight else self._objset.open_tx.txg) - 1

    def something_new(self) -> bool:
        """Whether a txg has closed or synced since the last call of `violations`."""
        objset = self._objset
        now = objset.open_tx.txg
        return now != self._open or self._synced != (objset.in_flight[0] if objset.in_flight else now) - 1

    def violations(self) -> Iterator[Violation]:
        """What is wrong with what has synced since the last call."""
        objset = self._objset
        now = objset.open_tx.txg
        synced, self._synced = self._synced, self._last_synced()
        # what came after a txg that was closed and synced by one operation hides what it was
        if self._synced in self._closed:
            yield from self._wrongly_written(self._closed[self._synced])
        for txg in range(synced + 1, self._synced + 1):
            self._closed.pop(txg, None)
        if now != self._open and now - 1 in objset.in_flight:
            self._closed[now - 1] = self._as_closed(now - 1, now)
        self._open = now
        yield from self._wrongly_cached()

    def _as_closed(self, txg: int, now: int) -> _Closed:
        """What a txg that has just closed has to write. Objects that the next one has changed already are
        left out: ops of other threads can come before anybody looks."""
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
        """A block that no txg is to write is in memory what it is on disk, and none there lies behind the
        object's end."""
        for dnode in self._objset.dnodes.values():
            last = max(dnode.stable, default=0)
            if last > dnode.stable_max_blkid:
                yield Violation(INVARIANT, last, "block", "on disk it lies behind the object's end")
            for blkid, dbuf in dnode.dbufs.items():
                if dbuf.dirty or dbuf.state is not CACHED or dnode.block_freed(blkid):
                    continue
                stable = dnode.stable.get(blkid, b"")
                if stable != dbuf.buf.raw and (stable or any(dbuf.buf.raw)):
                    yield Violation(INVARIANT, blkid, "block", "in memory it is another than on disk")
