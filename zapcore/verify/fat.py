"""What must hold of a fat ZAP as a whole: header, pointer table, blocks and counters, given its leaves.

Shared by the auditor of a live world and by `check`. No bytes make these raise or loop; each generator ends
with its first violation where going on would only repeat it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from zapcore import layout as L
from zapcore.verify.invariants import Violation, shown_range
from zapcore.verify.leaf import LeafReport

MAX_RUNS = 64
"""Table violations listed one by one; what more there is goes unsaid."""
LARGE = 1 << 20
"""Entries of a table that is not searched through for each wrong run."""


class Fat(NamedTuple):
    """What the checks look at.

    `q` is the header as 64-bit words, `size` bytes in a block; `table` the entries of the table, `leaves`
    what the leaves that it leads to hold, `total` how many entries that are; `peek` gives any block (zeroes
    for one that does not exist).
    """

    q: memoryview
    size: int
    table: Sequence[int]
    leaves: Mapping[int, LeafReport]
    total: int
    peek: Callable[[int], bytes | bytearray]


def fat_violations(fat: Fat, same_blocks: bool = False, same_table: bool = False) -> Iterator[Violation]:
    """Everything, what other checks rely on first. `same_blocks` says that the table and the header's
    fields up to the counters are those that were checked last time, `same_table` that the table, its size
    and the leaves' prefixes are."""
    wrong = False
    for violation in () if same_blocks else header_violations(fat.q, fat.size):
        wrong = True
        yield violation
    if not wrong:
        if not same_table:
            yield from table_violations(fat.table, fat.q[L.Q_TBL_SHIFT], fat.leaves)
        yield from next_table_violations(fat)
        if not same_blocks:
            yield from block_violations(fat.q, fat.leaves)
    yield from count_violations(fat)


def order_violation(blkid: int, flags: int, normflags: int) -> Violation | None:
    """A leaf's chains are in the order of differentiators where names are normalized, and only there."""
    if bool(flags & L.ENTRIES_CDSORTED) == bool(normflags):
        return None
    text = f"{flags:#x}, but zap_normflags is {normflags:#x}"
    return Violation("leaf-header", blkid, "lh_flags", text)


def header_violations(q: memoryview, size: int) -> Iterator[Violation]:
    """The header's type and magic, and the size of the table."""
    for field, is_there, wanted in (
        ("zap_block_type", q[L.Q_BLOCK_TYPE], L.ZBT_HEADER),
        ("zap_magic", q[L.Q_MAGIC], L.ZAP_MAGIC),
    ):
        if is_there != wanted:
            yield Violation("header", 0, field, f"{is_there:#x}, not {wanted:#x}")
    blocks = q[L.Q_TBL_NUMBLKS]
    if bool(q[L.Q_TBL_BLK]) != bool(blocks):
        found = f"{q[L.Q_TBL_BLK]}, but zt_numblks is {blocks}"
        yield Violation("table-size", 0, "zt_blk", found)
    shift = q[L.Q_TBL_SHIFT]
    entries = blocks * (size // 8) if blocks else 1 << L.embedded_shift(size.bit_length() - 1)
    if shift > 62 or 1 << shift != entries:
        yield Violation("table-size", 0, "zt_shift", f"{shift}, but the table has {entries} entries")


def table_violations(
    table: Sequence[int], shift: int, leaves: Mapping[int, LeafReport]
) -> Iterator[Violation]:
    """Every leaf's range of the table, and nothing else, leads to it: leaves partition the hash space."""
    if len(table) != 1 << shift:
        found = f"{1 << shift} entries, but the object has blocks for {len(table)}"
        yield Violation("table-size", 0, "zt_numblks", found)
    covered = 0
    for blkid, report in leaves.items():
        span = _span(report, shift)
        covered += len(span)
        if not span or covered > len(table) or table[span.start : span.stop].count(blkid) != len(span):
            break
    else:
        if covered == len(table):
            return
    wrong = list(_wrong_runs(table, shift, leaves))
    yield from wrong or _wrong_spans(table, shift, leaves)


def _span(report: LeafReport, shift: int) -> range:
    """The table entries that a leaf's prefix covers; none if it is longer than the table's."""
    if report.prefix_len > shift:
        return range(0)
    width = 1 << (shift - report.prefix_len)
    return range(report.prefix * width, (report.prefix + 1) * width)


def _wrong_runs(table: Sequence[int], shift: int, leaves: Mapping[int, LeafReport]) -> Iterator[Violation]:
    """The runs of equal entries that lead to what does not cover them."""
    listed = 0
    start = 0
    for index in range(1, len(table) + 1):
        if index < len(table) and table[index] == table[start]:
            continue
        wrong = _wrong_run(table, range(start, index), shift, leaves)
        start = index
        if wrong is not None:
            yield wrong
            listed += 1
            if listed == MAX_RUNS:
                return


def _wrong_run(
    table: Sequence[int], run: range, shift: int, leaves: Mapping[int, LeafReport]
) -> Violation | None:
    """What is wrong with a run of entries that lead to the same block. If it is all that leads there, and
    is some prefix's range, then it is the leaf's prefix that is wrong, not the table."""
    blkid = table[run.start]
    report = leaves.get(blkid)
    if report is None:
        found = f"leads to block {blkid}, not a leaf of this object"
        return Violation("table-entry", 0, "table", found, elements=run)
    span = _span(report, shift)
    if span and span.start <= run.start and run.stop <= span.stop:
        return None
    prefix = f"{report.prefix:#x}/{report.prefix_len}"
    covers = f"covers {shown_range(span)}" if span else f"is longer than the table's {shift} bits"
    aligned = len(run) & (len(run) - 1) == 0 and run.start % len(run) == 0
    if aligned and len(table) <= LARGE and table.count(blkid) == len(run):
        found = f"{prefix} {covers}, but table[{shown_range(run)}] leads here"
        return Violation("leaf-prefix", blkid, "lh_prefix" if span else "lh_prefix_len", found)
    found = f"leads to block {blkid}, whose prefix {prefix} {covers}"
    return Violation("table-entry", 0, "table", found, elements=run)


def _wrong_spans(table: Sequence[int], shift: int, leaves: Mapping[int, LeafReport]) -> Iterator[Violation]:
    """Leaves whose prefix covers more than what leads to them."""
    for blkid, report in itertools.islice(leaves.items(), MAX_RUNS if len(table) <= LARGE else 1):
        span = _span(report, shift)
        leading = table.count(blkid)
        if leading != len(span):
            found = f"{report.prefix:#x}/{report.prefix_len} covers {shown_range(span)}, {leading} lead here"
            yield Violation("leaf-prefix", blkid, "lh_prefix", found)


def next_table_violations(fat: Fat) -> Iterator[Violation]:
    """What has been copied to the table being built says the same as the old one (zap_table_grow)."""
    q = fat.q
    start, copied, blocks = q[L.Q_TBL_NEXTBLK], q[L.Q_TBL_COPIED], q[L.Q_TBL_NUMBLKS]
    if not start:
        if copied:
            yield Violation("table-growth", 0, "zt_blks_copied", f"{copied} without zt_nextblk")
        return
    if not 0 < copied < blocks:
        yield Violation("table-growth", 0, "zt_blks_copied", f"{copied} of {blocks}, with zt_nextblk {start}")
        return
    half = fat.size // 16
    for offset in range(2 * copied):
        old = fat.table[offset * half : (offset + 1) * half]
        if not old:
            return
        new = memoryview(fat.peek(start + offset)).cast("Q").tolist()
        if new[: 2 * len(old) : 2] == old == new[1 : 2 * len(old) : 2]:
            continue
        for index, entry in enumerate(old):
            if new[2 * index] != entry or new[2 * index + 1] != entry:
                at = 2 * index + (new[2 * index] == entry)
                found = f"{new[at]}, the old table has {entry}"
                yield Violation("table-growth", start + offset, "entry", found, elements=range(at, at + 1))
                break


def block_violations(q: memoryview, leaves: Mapping[int, LeafReport]) -> Iterator[Violation]:
    """Every block is used once, and the free mark lies right behind the last (zap_allocate_blocks,
    zap_trunc)."""
    table = table_blocks(q)
    larger = next_table_blocks(q)
    if 0 in table or 0 in larger:
        yield Violation("block-once", 0, "table", "also the header")
    if table and larger and table[0] <= larger[-1] and larger[0] <= table[-1]:
        yield Violation("block-once", max(table[0], larger[0]), "next table", "also the table")
    for blkid in leaves:
        what = "header" if not blkid else "table" if blkid in table else "next table"
        if not blkid or blkid in table or blkid in larger:
            yield Violation("block-once", blkid, "leaf", f"also the {what}")
    last, what = max(
        (max(leaves, default=0), "leaf"),
        (table[-1] if table else 0, "table block"),
        (larger[-1] if larger else 0, "block of the next table"),
    )
    free = q[L.Q_FREEBLK]
    if free != last + 1:
        found = f"{free}, but the last block in use is {last}, a {what}"
        yield Violation("free-mark", 0, "zap_freeblk", found)


def hole_violations(fat: Fat, last: int) -> Iterator[Violation]:
    """Every block up to `last` that nothing uses has been freed, and is zero: its leaf was shrunk away
    (zap_shrink), or the table has grown out of it (zap_table_grow)."""
    used = {0, *fat.leaves, *table_blocks(fat.q), *next_table_blocks(fat.q)}
    hole = bytes(fat.size)
    for blkid in range(1, last + 1):
        if blkid not in used and fat.peek(blkid) != hole:
            yield Violation("hole", blkid, "block", "nothing uses it, and it is not zero")


def table_blocks(q: memoryview) -> range:
    """The blocks of the table; none where it is in the header."""
    return range(q[L.Q_TBL_BLK], q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS])


def next_table_blocks(q: memoryview) -> range:
    """The blocks of the table being built; none if there is none."""
    start = q[L.Q_TBL_NEXTBLK]
    return range(start, start + 2 * q[L.Q_TBL_NUMBLKS]) if start else range(0)


def count_violations(fat: Fat) -> Iterator[Violation]:
    """The header counts leaves and entries."""
    counted = fat.q[L.Q_NUM_LEAFS]
    if counted != len(fat.leaves):
        found = f"{counted}, but the table leads to {len(fat.leaves)}"
        yield Violation("leaf-count", 0, "zap_num_leafs", found)
    counted = fat.q[L.Q_NUM_ENTRIES]
    if counted != fat.total:
        found = f"{counted}, but {fat.total} are in the leaves"
        yield Violation("entry-total", 0, "zap_num_entries", found)
