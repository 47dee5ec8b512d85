"""What must hold of a whole world when no operation runs: structure, accounting, holds, user data.

An `Auditor` remembers what it has checked. It looks again only at blocks whose bytes have changed, so that it
is fast enough to be asked after every operation. Other files do the single checks: `verify/leaf.py` and
`verify/fat.py` what the bytes alone show, `step.py` and `micro_slots.py` what one operation may have changed,
and `synced_blocks.py` what transaction groups have written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from zapcore import layout as L
from zapcore.audit.expected_entries import Value
from zapcore.audit.indirect_holds import wrong_holds
from zapcore.audit.known_object import Known
from zapcore.audit.micro_slots import Slots
from zapcore.audit.step import (
    misplaced,
    step_of,
    unshrunk,
    wrong_differentiator,
    wrong_entry,
    wrong_step,
)
from zapcore.audit.synced_blocks import SyncAuditor
from zapcore.audit.watched_dnode import FEW, watch
from zapcore.dmu.dbuf import CACHED
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, Panic
from zapcore.locks import FREED
from zapcore.verify.changed_leaf import WalkedLeaf
from zapcore.verify.fat import Fat, fat_violations, hole_violations, order_violation
from zapcore.verify.invariants import INVARIANTS, Violation
from zapcore.verify.leaf import check_leaf
from zapcore.verify.leaf_report import LeafEntry, LeafReport
from zapcore.zap.name import Key, key_of, stored_key
from zapcore.zap.zap import Zap


def _broken(invariant: str, detail: str) -> Panic:
    return Panic(Kind.INVARIANT, f"zap:{invariant}", INVARIANTS[invariant], detail=detail)


class Auditor:
    """Checks a world after each operation. `reads_fail` is set where reads from disk fail, or have failed: a
    table or two siblings may then be as they are because OpenZFS passes over an error."""

    def __init__(self, objset: Objset) -> None:
        self.objset = objset
        self.objects: dict[int, Known] = {}
        self.destroyed: dict[int, Dnode] = {}
        self.reads_fail = False
        self.sync_auditor = SyncAuditor(objset)

    def check(
        self,
        number: int,
        entries: Mapping[Key, Value] | None,
        cursor_holds: int,
        keys: Sequence[Key] | None = None,
        fat: bool | None = None,
        everywhere: bool = True,
    ) -> None:
        """Check the world's accounting and one object. Raises an invariant Panic for the first violation.

        `entries` is what the oracle says the object holds, or None if that is not known. `cursor_holds` is
        how many dbuf holds the open cursors have.

        `keys` are the keys whose entries may have changed since the last call. None says that every entry may
        have changed. If there is exactly one key, the caller promises that one op on this key is all that has
        changed the object since the last call, and the auditor also checks what one op may do. Entries whose
        bytes have changed are always looked at, also if their key is not among `keys`. `fat` is whether the
        oracle says that it is a fat ZAP (None: not known). `everywhere` says that any dbuf may have
        changed; without it only those are looked at that somebody held since the last call.
        """
        self.check_rest(cursor_holds)
        dnode = self.objset.dnodes.get(number)
        if dnode is None or dnode.free_txg:
            self.objects.pop(number, None)
            if dnode is not None and self.destroyed.get(number) is not dnode:
                self.destroyed[number] = dnode
                _look_for_remains(dnode)
            return
        known = self.objects.get(number)
        if known is None:
            bits = self.objset.hash_bits.get(number, 0)
            known = self.objects[number] = Known(self.objset.release.lower_case, bits)
            old = self.destroyed.pop(number, None)
            if old is not None and old.dbufs:
                raise _broken("number", f"object {number} is there while dbufs of another are held")
            if old is not None and old.free_txg >= self.sync_auditor.last_synced():
                raise _broken(
                    "number-again", f"object {number} is there, and was freed in txg {old.free_txg}"
                )
        if known.destroyed != self.objset.threads.destroyed:
            self._look_for_freed(dnode, known)
        if isinstance(dnode, IndirectDnode) and (wrong := wrong_holds(dnode)):
            raise _broken("indirect-holds", wrong)
        held = None if everywhere or keys is None or len(dnode.dbufs) < FEW else watch(dnode)
        violation = self._first_violation(dnode, known, entries, keys, held)
        if violation is None and fat is (known.q[L.Q_BLOCK_TYPE] == L.ZBT_MICRO):
            violation = Violation(
                "kind", 0, "zap_block_type", f"{'micro' if fat else 'fat'}, too long or too soon"
            )
        if violation is not None:
            raise _broken(violation.invariant, str(violation))

    def check_rest(self, cursor_holds: int) -> None:
        """Check that no lock is held, that only cursors and dirty records hold dbufs, and that what has
        synced is on disk. Raises an invariant Panic."""
        if self.objset.threads.held:
            raise _broken("locks-at-rest", f"{self.objset.threads.held} locks held at rest")
        if self.objset.holds != cursor_holds:
            found = f"{self.objset.holds} dbuf holds at rest, cursors have {cursor_holds}"
            raise _broken("holds-at-rest", found)
        if self.sync_auditor.something_new():
            for violation in self.sync_auditor.violations():
                raise _broken(violation.invariant, str(violation))

    def _look_at_dbufs(
        self, dnode: Dnode, raw: Mapping[int, bytes], held: Collection[int] | None
    ) -> list[int]:
        """Check holds and user data of the dbufs of an object, of those of `held` blocks or of all (None).
        Returns the leaves whose bytes are no longer those in `raw`, as they were at the last look."""
        changed = []
        cached = 0
        freed = dnode.free_ranges
        there = dnode.dbufs
        found = there.items() if held is None else [(each, there[each]) for each in held if each in there]
        for blkid, dbuf in found:
            is_cached = dbuf.state is CACHED
            if is_cached and blkid in raw:
                cached += 1
                if raw[blkid] != dbuf.buf.raw:
                    changed.append(blkid)
            dirty = dbuf.dirty
            if dirty:
                if len(dirty) > len(dbuf.holds):
                    raise _broken("dirty-holds", f"block {blkid}: a dirty record without hold")
                if freed:
                    for record in dirty:
                        if blkid in freed.get(record.txg, ()):
                            raise _broken(
                                "free-ranges", f"block {blkid}: to be written, and to be freed then"
                            )
            elif not dbuf.holds and (dbuf.pending_evict or not is_cached or dbuf.buf.anonymous):
                raise _broken("last-hold", f"block {blkid}: nobody holds it, and it is still there")
            user = dbuf.user
            if user is not None and (user.dbuf is not dbuf or not is_cached):
                raise _broken("user-data", f"block {blkid}: user data points elsewhere")
        if held is not None:
            looked_at: Iterable[int] = [blkid for blkid in held if blkid in raw]
        else:
            looked_at = raw if cached < len(raw) else ()
        for blkid in looked_at:
            now = there.get(blkid)
            if (now is None or now.state is not CACHED) and raw[blkid] != dnode.current(blkid):
                changed.append(blkid)
        return changed

    def _look_for_freed(self, dnode: Dnode, known: Known) -> None:
        """Check that no dbuf has user data that is freed. This can only have changed if a lock was destroyed
        since the last look, because user data is freed together with its lock."""
        known.destroyed = self.objset.threads.destroyed
        for dbuf in dnode.dbufs.values():
            user = dbuf.user
            # user data is a Zap or a Leaf, and both have a lock
            if user is not None and user.rwlock.writer == FREED:  # type: ignore[attr-defined]
                raise _broken("user-data", f"block {dbuf.blkid}: user data is freed")

    def _first_violation(
        self,
        dnode: Dnode,
        known: Known,
        entries: Mapping[Key, Value] | None,
        keys: Sequence[Key] | None,
        held: set[int] | None,
    ) -> Violation | None:
        header = dnode.current(0)
        before = known.header
        same_header = header == before
        if not same_header:
            known.header = bytes(header)
            known.q = memoryview(known.header).cast("Q")
        q = known.q
        if known.gone:
            known.gone.clear()
        if q[L.Q_BLOCK_TYPE] == L.ZBT_MICRO:
            self._look_at_dbufs(dnode, {}, held)
            slots = known.slots
            was_empty = not slots.places
            wrong = None if same_header else slots.look(known.header)
            if wrong is None and entries is not None:
                wrong = slots.wrong_entry(entries, keys)
            if wrong is None and not (same_header or was_empty) and keys is not None and len(keys) == 1:
                wrong = slots.wrong_step(len(before), keys[0])
            return wrong or _wrong_index(dnode, len(slots.places))
        if known.slots.places:
            known.gone = {stored_key(name): place.cd for name, place in known.slots.places.items()}
            known.slots = Slots(self.objset.release.lower_case, known.hash_bits)
        same_table = self._same_table(dnode, known, same_header)
        if not same_table:
            fresh_leaves = self._read_table(known)
            if held is not None:
                held |= fresh_leaves
        changed = self._look_at_dbufs(dnode, known.raw, held)
        if same_header and same_table and not changed:
            return None if entries is None else wrong_entry(known, (), (), entries, keys)
        same_blocks = same_table and known.header[_SETTLED] == before[_SETTLED]
        same_table = same_table and known.header[_TABLE_SIZE] == before[_TABLE_SIZE]
        words = bool(q[L.Q_FLAGS] & L.FLAG_UINT64_KEY)
        same_prefixes = True
        emptied: list[LeafReport] = []
        fresh: list[LeafEntry] = []
        for blkid in changed:
            same_prefixes &= self._look_at_leaf(dnode, known, blkid, words, fresh)
            leaf = known.leaves[blkid]
            if leaf.violations:
                return leaf.violations[0]
            disorder = order_violation(blkid, leaf.flags, q[L.Q_NORMFLAGS])
            if disorder is not None:
                return disorder
            if not leaf.entries:
                emptied.append(leaf)
        if known.gone and len(changed) > 1:
            # an entry may have moved to another leaf, into a chunk of the same number: it looks unchanged,
            # and counts as new in its leaf nevertheless
            fresh = [entry for blkid in changed for entry in known.not_noted(known.leaves[blkid].entries)]
        fresh_keys = [key_of(entry.name, words) for entry in fresh]
        step = (
            step_of(known, keys[0], before, fresh) if fresh and keys is not None and len(keys) == 1 else None
        )
        if fresh and (wrong := misplaced(known, fresh, fresh_keys, self.objset.release.lower_case)):
            return wrong
        counted = q[L.Q_NUM_ENTRIES] == known.total and q[L.Q_NUM_LEAFS] == len(known.leaves)
        if not (same_blocks and same_prefixes and counted) or q[L.Q_TBL_NEXTBLK]:
            current, reads_fail = dnode.current, self.reads_fail
            fat = Fat(q, dnode.block_size, known.table, known.leaves, known.total, current, reads_fail)
            violation = next(fat_violations(fat, same_blocks, same_table and same_prefixes), None)
            if violation is None and not same_blocks:
                violation = next(hole_violations(fat, dnode.max_blkid), None)
            if violation is not None:
                return violation
        wrong = None if entries is None else wrong_entry(known, fresh, fresh_keys, entries, keys)
        if wrong is not None or keys is None:
            return wrong
        if known.gone and (wrong := wrong_differentiator(known, fresh, keys)):
            return wrong
        if self.reads_fail:
            return None
        if step is not None:
            wrong = wrong_step(known, step)
        if wrong is None and emptied and self.objset.release.shrink:
            wrong = unshrunk(known, emptied)
        return wrong

    def _same_table(self, dnode: Dnode, known: Known, same_header: bool) -> bool:
        """Whether the pointer table is the one of the last look. If it is not, remember its bytes."""
        header, q = known.header, known.q
        if q[L.Q_TBL_NUMBLKS]:
            first = q[L.Q_TBL_BLK]
            last = first + min(q[L.Q_TBL_NUMBLKS], self.objset.block_limit)
            pieces = [dnode.current(blkid) for blkid in range(first, last)]
        elif same_header:
            return True
        else:
            pieces = [header[len(header) // 2 :]]
        if pieces == known.table_bytes:
            return True
        known.table_bytes = [bytes(piece) for piece in pieces]
        return False

    def _read_table(self, known: Known) -> set[int]:
        """Forget the leaves to which the table does not lead any more, and note those to which it leads now,
        so that they are looked at: these it returns."""
        known.table = memoryview(b"".join(known.table_bytes)).cast("Q").tolist()
        current = dict.fromkeys(known.table)
        for blkid in known.leaves.keys() - current.keys():
            gone = known.leaves.pop(blkid).entries
            known.total -= len(gone)
            known.drop(gone)
            del known.raw[blkid]
            known.walked.pop(blkid, None)
        fresh = current.keys() - known.leaves.keys()
        for blkid in fresh:
            known.raw[blkid] = b""
        return fresh

    def _look_at_leaf(
        self, dnode: Dnode, known: Known, blkid: int, words: bool, fresh: list[LeafEntry]
    ) -> bool:
        """Check a leaf whose bytes have changed. Entries that are new or changed are appended to `fresh`.
        Returns whether the leaf was known before and still has the same prefix."""
        raw = known.raw[blkid] = dnode.peek(blkid)
        before = known.leaves.get(blkid)
        walked = known.walked.pop(blkid, None)
        change = None if walked is None else walked.changed(raw)
        if walked is not None and change is not None:
            known.walked[blkid] = walked
            report = known.leaves[blkid] = change.report
            known.total += len(change.new) - len(change.gone)
            fresh += known.not_noted(change.new)
            known.drop(change.gone)
            return True
        shift = len(known.header).bit_length() - 1
        report = known.leaves[blkid] = check_leaf(raw, shift, blkid, words)
        entries = report.entries
        if len(entries) >= _MANY and not report.violations:
            known.walked[blkid] = WalkedLeaf(raw, report, L.geometry(shift), 8 if words else 1)
        if before is None:
            known.total += len(entries)
            fresh += entries
            return False
        old = before.entries
        known.total += len(entries) - len(old)
        new = known.not_noted(entries)
        fresh += new
        if len(entries) != len(old) + len(new):
            known.drop(_without(old, entries))
        return before[:2] == report[:2]


_MANY = 48
"""A leaf of so many entries or more is not read as a whole for every change."""
_SETTLED = L.HEADER.span("zap_block_type", "zap_num_leafs")
"""The fields of the header that change only when the object gets a block or loses one."""
_TABLE_SIZE = L.HEADER.span("zt_shift", "zt_shift")


def _without(entries: list[LeafEntry], others: list[LeafEntry]) -> list[LeafEntry]:
    """Those of `entries` that are not in `others`."""
    there = others if len(others) < _FEW else set(others)
    return [entry for entry in entries if entry not in there]


_FEW = 8
"""With fewer entries than this, searching a list is faster than making a set of it."""


def _wrong_index(dnode: Dnode, entries: int) -> Violation | None:
    """The violation if a micro ZAP's index in memory has not as many entries as its slots."""
    dbuf = dnode.dbufs.get(0)
    user = None if dbuf is None else dbuf.user
    if not isinstance(user, Zap) or user.micro is None or len(user.micro.entries) == entries:
        return None
    return Violation("index", 0, "zap_m", f"{len(user.micro.entries)} entries, {entries} in slots")


def _look_for_remains(dnode: Dnode) -> None:
    """Check that every dbuf of a destroyed object that somebody still holds is zero, as dbuf_free_range()
    makes it. Raises an invariant Panic."""
    for blkid, dbuf in dnode.dbufs.items():
        if dbuf.state is CACHED and any(dbuf.buf.raw):
            raise _broken("destroyed", f"block {blkid} is not zero")
