"""What must hold of a fat ZAP as a whole: header, pointer table, blocks and counters, given its leaves.

The auditor of a live world and the check of an object at rest share these rules. No bytes make them raise or
loop. A generator ends after its first violation where going on would only say the same again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from zapcore import layout as L
from zapcore.verify.invariants import Violation, shown_range
from zapcore.verify.leaf_report import LeafReport

MAX_RUNS = 64
"""So many violations of the table are listed one by one. More of them are not mentioned."""
LARGE = 1 << 20
"""A table with more entries than this is too large to be searched through once for each wrong run."""


class Fat(NamedTuple):
    """A fat ZAP as the checks see it.

    `q` is the header as 64-bit words, `size` the bytes in a block, `table` the entries of the pointer table.
    `leaves` has by block number what the leaves hold that the table leads to, and `total` is how many entries
    these are together. `peek` gives the bytes of any block, zeros for a block that does not exist.
    `reads_fail` says that reads have failed, after which the free mark may be too high (zap_trunc), and a
    table that is being built may not have begun to be filled (zap_table_grow).
    """

    q: memoryview
    size: int
    table: Sequence[int]
    leaves: Mapping[int, LeafReport]
    total: int
    peek: Callable[[int], bytes | bytearray]
    reads_fail: bool = False


def fat_violations(fat: Fat, same_blocks: bool = False, same_table: bool = False) -> Iterator[Violation]:
    """All violations. Checks on which others rely come first.

    What was checked before need not be checked again. `same_blocks` says that the table has not changed since
    then, and neither have the fields of the header in front of the counter of entries. `same_table` says that
    the table, its size and the prefixes of the leaves have not changed.
    """
    wrong = False
    for violation in () if same_blocks else header_violations(fat.q, fat.size):
        wrong = True
        yield violation
    if not wrong:
        if not same_table:
            yield from table_violations(fat.table, fat.q[L.Q_TBL_SHIFT], fat.leaves)
        yield from next_table_violations(fat)
        if not same_blocks:
            yield from block_violations(fat.q, fat.leaves, fat.reads_fail)
    yield from count_violations(fat)


def order_violation(blkid: int, flags: int, normflags: int) -> Violation | None:
    """The violation if a leaf's flag is wrong that says that its chains are in the order of differentiators.
    Leaves have it if the ZAP normalizes names, and only then."""
    if bool(flags & L.ENTRIES_CDSORTED) == bool(normflags):
        return None
    text = f"{flags:#x}, but zap_normflags is {normflags:#x}"
    return Violation("leaf-header", blkid, "lh_flags", text)


def header_violations(q: memoryview, size: int) -> Iterator[Violation]:
    """Violations of the header's type and magic, and of the size of the table."""
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
    """Violations of the pointer table. Exactly those entries lead to a leaf that its prefix covers: the
    leaves divide all hashes among themselves."""
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
    """The entries of the table that a leaf's prefix covers. There are none if the prefix has more bits than
    the table has."""
    if report.prefix_len > shift:
        return range(0)
    width = 1 << (shift - report.prefix_len)
    return range(report.prefix * width, (report.prefix + 1) * width)


def _wrong_runs(table: Sequence[int], shift: int, leaves: Mapping[int, LeafReport]) -> Iterator[Violation]:
    """The runs of equal entries that lead to no leaf, or to one whose prefix does not cover them."""
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
    """The violation of a run of entries that lead to the same block.

    If no other entries lead there, and if there is a prefix that covers exactly this run, then it is the
    leaf's prefix that is wrong, not the table.
    """
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
    """The leaves whose prefix covers more entries than lead to them."""
    for blkid, report in itertools.islice(leaves.items(), MAX_RUNS if len(table) <= LARGE else 1):
        span = _span(report, shift)
        leading = table.count(blkid)
        if leading != len(span):
            found = f"{report.prefix:#x}/{report.prefix_len} covers {shown_range(span)}, {leading} lead here"
            yield Violation("leaf-prefix", blkid, "lh_prefix", found)


def next_table_violations(fat: Fat) -> Iterator[Violation]:
    """Violations of the table that is being built: as far as it has been filled, it says the same as the old
    table (zap_table_grow)."""
    q = fat.q
    start, copied, blocks = q[L.Q_TBL_NEXTBLK], q[L.Q_TBL_COPIED], q[L.Q_TBL_NUMBLKS]
    if not start:
        if copied:
            yield Violation("table-growth", 0, "zt_blks_copied", f"{copied} without zt_nextblk")
        return
    if not (copied or fat.reads_fail) or copied >= blocks:
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


def block_violations(
    q: memoryview, leaves: Mapping[int, LeafReport], reads_fail: bool
) -> Iterator[Violation]:
    """Violations of the use of blocks. Every block is used once, and zap_freeblk is the number right after
    the last block in use (zap_allocate_blocks, zap_trunc), or more where reads have failed."""
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
    if free <= last or (free > last + 1 and not reads_fail):
        found = f"{free}, but the last block in use is {last}, a {what}"
        yield Violation("free-mark", 0, "zap_freeblk", found)


def hole_violations(fat: Fat, last: int) -> Iterator[Violation]:
    """The blocks up to `last` that nothing uses and that are not zero. Nothing uses a block if its leaf was
    shrunk away (zap_shrink) or if the table has moved to other blocks (zap_table_grow); it was freed then."""
    used = {0, *fat.leaves, *table_blocks(fat.q), *next_table_blocks(fat.q)}
    hole = bytes(fat.size)
    for blkid in range(1, last + 1):
        if blkid not in used and fat.peek(blkid) != hole:
            yield Violation("hole", blkid, "block", "nothing uses it, and it is not zero")


def table_blocks(q: memoryview) -> range:
    """The blocks of the pointer table. There are none if the table lies in the header."""
    return range(q[L.Q_TBL_BLK], q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS])


def next_table_blocks(q: memoryview) -> range:
    """The blocks of the table that is being built, if one is."""
    start = q[L.Q_TBL_NEXTBLK]
    return range(start, start + 2 * q[L.Q_TBL_NUMBLKS]) if start else range(0)


def count_violations(fat: Fat) -> Iterator[Violation]:
    """Violations of the header's counters of leaves and entries."""
    counted = fat.q[L.Q_NUM_LEAFS]
    if counted != len(fat.leaves):
        found = f"{counted}, but the table leads to {len(fat.leaves)}"
        yield Violation("leaf-count", 0, "zap_num_leafs", found)
    counted = fat.q[L.Q_NUM_ENTRIES]
    if counted != fat.total:
        found = f"{counted}, but {fat.total} are in the leaves"
        yield Violation("entry-total", 0, "zap_num_entries", found)
