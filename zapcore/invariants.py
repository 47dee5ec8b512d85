"""What must hold of a whole world when no operation runs: structure, accounting, holds, user data.

An `Auditor` remembers what it has checked and looks again only at blocks whose bytes changed, so that it can
be asked after every operation. What the bytes alone show is checked by `leafcheck` and `fatcheck`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Protocol

from zapcore import layout as L
from zapcore.dmu.dbuf import CACHED
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, Panic
from zapcore.fatcheck import Fat, fat_violations
from zapcore.leafcheck import LeafReport, check_leaf
from zapcore.locks import FREED
from zapcore.violation import INVARIANTS, Violation
from zapcore.zap import micro
from zapcore.zap.leaf import to_stored
from zapcore.zap.name import Key, key_of


class Value(Protocol):
    """A value as an oracle has it: little-endian integers."""

    @property
    def size(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def data(self) -> bytes: ...


def _broken(invariant: str, detail: str) -> Panic:
    return Panic(Kind.INVARIANT, f"zap:{invariant}", INVARIANTS[invariant], detail=detail)


class _Object:
    """What an auditor knows of one object since it last looked. `total` is the entries in all leaves."""

    __slots__ = ("header", "leaves", "raw", "table", "table_bytes", "total")

    def __init__(self) -> None:
        self.header: bytes = b""
        self.table_bytes: list[bytes] = []
        self.table: list[int] = []
        self.raw: dict[int, bytes] = {}
        self.leaves: dict[int, LeafReport] = {}
        self.total = 0


REMEMBERED_SHIFT = 10
"""Leaves of up to 2^10 bytes are checked once for the same bytes: a fuzzer's programs make them again."""

_check_small_leaf = functools.lru_cache(maxsize=8192)(check_leaf)


class Auditor:
    """Checks a world after each operation."""

    def __init__(self, objset: Objset) -> None:
        self.objset = objset
        self.objects: dict[int, _Object] = {}

    def check(self, number: int, entries: Mapping[Key, Value] | None, cursor_holds: int) -> None:
        """Check the world's accounting and one object. Raises an invariant Panic for the first violation.

        `entries` is what the oracle says the object holds (None: not known), `cursor_holds` how many dbuf
        holds the open cursors have.
        """
        self.check_rest(cursor_holds)
        dnode = self.objset.dnodes.get(number)
        if dnode is None or dnode.free_txg:
            self.objects.pop(number, None)
            return
        self._check_users(dnode)
        known = self.objects.get(number)
        if known is None:
            known = self.objects[number] = _Object()
        violation = self._first_violation(dnode, known, entries)
        if violation is not None:
            raise _broken(violation.invariant, str(violation))

    def check_rest(self, cursor_holds: int) -> None:
        """No lock is held, and no dbuf but by cursors and dirty records."""
        if self.objset.threads.held:
            raise _broken("locks-at-rest", f"{self.objset.threads.held} locks held at rest")
        if self.objset.holds != cursor_holds:
            found = f"{self.objset.holds} dbuf holds at rest, cursors have {cursor_holds}"
            raise _broken("holds-at-rest", found)

    def _check_users(self, dnode: Dnode) -> None:
        for dbuf in dnode.dbufs.values():
            if dbuf.dirty and len(dbuf.dirty) > len(dbuf.holds):
                raise _broken("dirty-holds", f"block {dbuf.blkid}: a dirty record without hold")
            user = dbuf.user
            if user is None:
                continue
            if user.dbuf is not dbuf or dbuf.state is not CACHED:
                raise _broken("user-data", f"block {dbuf.blkid}: user data points elsewhere")
            if user.rwlock.writer == FREED:  # type: ignore[attr-defined]  # a Zap or a Leaf: both have one
                raise _broken("user-data", f"block {dbuf.blkid}: user data is freed")

    def _first_violation(
        self, dnode: Dnode, known: _Object, entries: Mapping[Key, Value] | None
    ) -> Violation | None:
        header = dnode.current(0)
        same_header = header == known.header
        if int.from_bytes(header[:8], "little") == L.ZBT_MICRO:
            if same_header:
                return None
            known.header = bytes(header)
            return next(iter(_micro_violations(known.header, entries)), None)
        q = memoryview(header).cast("Q")
        restructured = self._refresh_table(dnode, known, header, q)
        changed, same_prefixes = self._refresh_leaves(dnode, known)
        if same_header and not restructured and not changed:
            return None
        known.header = bytes(header)
        for blkid in changed:
            if known.leaves[blkid].violations:
                return known.leaves[blkid].violations[0]
        fat = Fat(q, dnode.block_size, known.table, known.leaves, known.total, dnode.current)
        violation = next(fat_violations(fat, not restructured, same_prefixes), None)
        if violation is None and entries is not None:
            words = bool(q[L.Q_FLAGS] & L.FLAG_UINT64_KEY)
            violation = next(iter(_entry_violations(known, changed, entries, words)), None)
        return violation

    def _refresh_table(self, dnode: Dnode, known: _Object, header: bytes | bytearray, q: memoryview) -> bool:
        """Read the pointer table again if any of its bytes changed; True if so."""
        if q[L.Q_TBL_NUMBLKS]:
            first = q[L.Q_TBL_BLK]
            last = first + min(q[L.Q_TBL_NUMBLKS], self.objset.block_limit)
            pieces = [dnode.current(blkid) for blkid in range(first, last)]
        else:
            pieces = [header[len(header) // 2 :]]
        fixed = slice(L.Q_TBL_BLK * 8, (L.Q_NUM_LEAFS + 1) * 8)
        if pieces == known.table_bytes and header[fixed] == known.header[fixed]:
            return False
        known.table_bytes = [bytes(piece) for piece in pieces]
        known.table = [block for piece in pieces for block in memoryview(piece).cast("Q").tolist()]
        current = dict.fromkeys(known.table)
        for blkid in known.leaves.keys() - current.keys():
            known.total -= len(known.leaves.pop(blkid).entries)
            del known.raw[blkid]
        for blkid in current.keys() - known.leaves.keys():
            known.raw[blkid] = b""
        return True

    def _refresh_leaves(self, dnode: Dnode, known: _Object) -> tuple[list[int], bool]:
        """Check every leaf whose bytes changed; returns their blocks, and whether no prefix changed."""
        changed = []
        for blkid, old in known.raw.items():
            raw = dnode.current(blkid)
            if old != raw:
                changed.append(blkid)
        if not changed:
            return changed, True
        same_prefixes = True
        shift = dnode.block_size.bit_length() - 1
        words = bool(dnode.current(0)[L.Q_FLAGS * 8] & L.FLAG_UINT64_KEY)
        for blkid in changed:
            raw = known.raw[blkid] = bytes(dnode.current(blkid))
            before = known.leaves.get(blkid)
            check = check_leaf if shift > REMEMBERED_SHIFT else _check_small_leaf
            report = known.leaves[blkid] = check(raw, shift, blkid, words)
            known.total += len(report.entries) - (0 if before is None else len(before.entries))
            same_prefixes &= before is not None and before[:2] == report[:2]
        return changed, same_prefixes


def _entry_violations(
    known: _Object, changed: Iterable[int], entries: Mapping[Key, Value], words: bool
) -> Iterable[Violation]:
    """The changed leaves hold what the oracle says, and all leaves together hold as many entries."""
    for blkid in changed:
        for entry in known.leaves[blkid].entries:
            wanted = entries.get(key_of(entry.name, words))
            if (
                wanted is None
                or (wanted.size, wanted.length) != (entry.size, entry.length)
                or to_stored(wanted.data, wanted.size) != entry.value
            ):
                yield Violation("entries", blkid, f"chunk {entry.chunk}", "not what was put there")
                return
    total = known.total
    if total != len(entries):
        yield Violation("entries", 0, "leaves", f"{total} entries, {len(entries)} were put there")


def _micro_violations(header: bytes, entries: Mapping[Key, Value] | None) -> Iterable[Violation]:
    """The slots of a micro ZAP hold what the oracle says."""
    raw = bytearray(header)
    found = {}
    for slot in range(len(raw) // micro.SLOT - 1):
        name = micro.slot_name(raw, slot)
        if name:
            if name in found:
                yield Violation("entries", 0, f"slot {slot}", f"{name!r} twice")
            at = micro.slot_offset(slot)
            found[name] = bytes(raw[at : at + 8])
    if entries is not None and found != {key: value.data for key, value in entries.items()}:
        yield Violation("entries", 0, "slots", f"{len(found)} entries, not what was put there")
