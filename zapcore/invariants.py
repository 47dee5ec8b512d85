"""What must hold of a whole world when no operation runs: structure, accounting, holds, user data.

An `Auditor` remembers what it has checked and looks again only at blocks whose bytes changed, so that it can
be asked after every operation. The names of the invariants are those of the violations here and in
`leafcheck`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from zapcore import layout as L
from zapcore.dmu.dbuf import CACHED
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, Panic
from zapcore.leafcheck import LeafReport, Violation, check_leaf
from zapcore.locks import FREED
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
    return Panic(Kind.INVARIANT, f"zap:{invariant}", NAMES[invariant], detail=detail)


NAMES: Mapping[str, str] = {
    "locks-at-rest": "no lock is held when no operation runs",
    "holds-at-rest": "no dbuf is held at rest but by cursors and dirty records",
    "dirty-holds": "every dirty record holds its dbuf",
    "user-data": "user data points back at its dbuf, which is cached, and is not freed",
    "header": "the header is one of a fat ZAP",
    "table-size": "the table has 2^zt_shift entries",
    "table-entry": "every entry leads to the leaf whose prefix covers it",
    "table-growth": "the table being built says what the old one says",
    "block-once": "every block is used once",
    "free-mark": "every block lies below the free mark",
    "leaf-count": "the header counts the leaves",
    "entry-total": "the header counts the entries",
    "entries": "the entries are those that were put there",
    "leaf-header": "a leaf's header is one",
    "leaf-prefix": "a leaf's prefix covers its entries",
    "bucket": "an entry is in its hash's bucket",
    "differentiator": "differentiators are unique and in order",
    "chunk-link": "every link leads to a chunk that nothing else uses",
    "chunk-type": "every chunk has the type of its use",
    "chunk-lost": "every chunk is reached",
    "free-count": "the leaf counts its free chunks",
    "entry-count": "the leaf counts its entries",
    "array-length": "an array has the chunks that its length needs",
    "entry": "an entry's fields make sense",
}
"""Every invariant, by name."""


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
            if len(dbuf.dirty) > len(dbuf.holds):
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
        changed = self._refresh_leaves(dnode, known)
        if same_header and not restructured and not changed:
            return None
        known.header = bytes(header)
        for blkid in changed:
            if known.leaves[blkid].violations:
                return known.leaves[blkid].violations[0]
        violation = next(iter(_header_violations(q, dnode, known, restructured)), None)
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

    def _refresh_leaves(self, dnode: Dnode, known: _Object) -> list[int]:
        """Check every leaf whose bytes changed; returns their blocks."""
        changed = []
        for blkid, old in known.raw.items():
            raw = dnode.current(blkid)
            if old != raw:
                changed.append(blkid)
        if not changed:
            return changed
        shift = dnode.block_size.bit_length() - 1
        words = bool(dnode.current(0)[L.Q_FLAGS * 8] & L.FLAG_UINT64_KEY)
        for blkid in changed:
            raw = known.raw[blkid] = bytes(dnode.current(blkid))
            before = known.leaves.get(blkid)
            report = known.leaves[blkid] = check_leaf(raw, shift, blkid, words)
            known.total += len(report.entries) - (0 if before is None else len(before.entries))
        return changed


def _header_violations(
    q: memoryview, dnode: Dnode, known: _Object, restructured: bool
) -> Iterable[Violation]:
    size = dnode.block_size
    shift = size.bit_length() - 1
    if q[L.Q_BLOCK_TYPE] != L.ZBT_HEADER or q[L.Q_MAGIC] != L.ZAP_MAGIC:
        yield Violation("header", 0, "zap_block_type, zap_magic", "not those of a fat ZAP")
        return
    table_shift = q[L.Q_TBL_SHIFT]
    entries = 1 << L.embedded_shift(shift) if not q[L.Q_TBL_NUMBLKS] else q[L.Q_TBL_NUMBLKS] * (size // 8)
    if table_shift > 62 or 1 << table_shift != entries:
        yield Violation("table-size", 0, "zt_shift", f"{table_shift}, but the table has {entries} entries")
        return
    yield from _table_violations(known, table_shift)
    yield from _next_table_violations(q, dnode, known)
    if restructured:
        yield from _block_violations(q, known)
    if q[L.Q_NUM_LEAFS] != len(known.leaves):
        found = f"{q[L.Q_NUM_LEAFS]}, but the table leads to {len(known.leaves)}"
        yield Violation("leaf-count", 0, "zap_num_leafs", found)
    total = known.total
    if q[L.Q_NUM_ENTRIES] != total:
        found = f"{q[L.Q_NUM_ENTRIES]}, but the leaves hold {total}"
        yield Violation("entry-total", 0, "zap_num_entries", found)


def _table_violations(known: _Object, shift: int) -> Iterable[Violation]:
    """Every leaf's range of the table, and nothing else, leads to it: leaves partition the hash space."""
    covered = 0
    for blkid, report in known.leaves.items():
        if report.prefix_len > shift:
            found = f"{report.prefix_len} bits, the table has {shift}"
            yield Violation("leaf-prefix", blkid, "lh_prefix_len", found)
            return
        width = 1 << (shift - report.prefix_len)
        first = report.prefix * width
        span = known.table[first : first + width]
        covered += len(span)
        if span.count(blkid) != width:
            found = f"{report.prefix:#x}/{report.prefix_len}: the table leads elsewhere"
            yield Violation("table-entry", blkid, "lh_prefix", found)
            return
    if covered != len(known.table):
        yield Violation("table-entry", 0, "table", f"leaves cover {covered} of {len(known.table)} entries")


def _next_table_violations(q: memoryview, dnode: Dnode, known: _Object) -> Iterable[Violation]:
    """What has been copied to the table being built says the same as the old one."""
    start, copied = q[L.Q_TBL_NEXTBLK], q[L.Q_TBL_COPIED]
    if not start:
        if copied:
            yield Violation("table-growth", 0, "zt_blks_copied", f"{copied} without zt_nextblk")
        return
    if copied >= q[L.Q_TBL_NUMBLKS]:
        yield Violation("table-growth", 0, "zt_blks_copied", f"{copied} of {q[L.Q_TBL_NUMBLKS]}")
        return
    per_block = dnode.block_size // 8
    for offset in range(2 * copied):
        new = memoryview(dnode.peek(start + offset)).cast("Q").tolist()
        old = known.table[offset * per_block // 2 : (offset + 1) * per_block // 2]
        if new[0::2] != old or new[1::2] != old:
            yield Violation("table-growth", start + offset, "entries", "not those of the old table, doubled")
            return


def _block_violations(q: memoryview, known: _Object) -> Iterable[Violation]:
    """Every block is used once and lies below the free mark."""
    used: dict[int, str] = {0: "header"}
    parts = (
        ("table", range(q[L.Q_TBL_BLK], q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS])),
        ("next table", _next_blocks(q)),
        ("leaf", known.leaves.keys()),
    )
    for what, blocks in parts:
        for blkid in blocks:
            if blkid in used:
                yield Violation("block-once", blkid, what, f"also the {used[blkid]}")
                return
            used[blkid] = what
    highest = max(used)
    if highest >= q[L.Q_FREEBLK]:
        found = f"{q[L.Q_FREEBLK]}, but block {highest} is a {used[highest]}"
        yield Violation("free-mark", 0, "zap_freeblk", found)


def _next_blocks(q: memoryview) -> range:
    start = q[L.Q_TBL_NEXTBLK]
    return range(start, start + 2 * q[L.Q_TBL_NUMBLKS]) if start else range(0)


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
