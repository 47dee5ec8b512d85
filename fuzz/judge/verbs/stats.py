"""The oracle's word on what a ZAP says of itself: how many entries it has, and zap_stats_t.

These numbers count leaves, tables and buckets, of which the oracle knows nothing. They are held against each
other, and against the entries that must be in them.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from operator import ge, mul
from typing import cast

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.keys import stored_bytes
from fuzz.judge.state import State, Value
from fuzz.judge.undecided import leave_open
from fuzz.judge.wrong_answers import Wrong, expect, expect_value, other_value
from fuzz.language.program import Key, Op, Zap
from zapcore.layout import ARRAY_BYTES, ZAP_MAGIC, ZBT_HEADER, array_chunks, geometry

STATS_BLOCK_SIZE, STATS_BLOCKS, STATS_TABLE_BLOCKS, STATS_LEAVES, STATS_ENTRIES = 1, 2, 6, 10, 11
"""Where zs_blocksize, zs_num_blocks, zt_numblks, zs_num_leafs and zs_num_entries stand in zap_stats_t."""
STATS_HISTOGRAMS = 13
"""Where the five histograms begin."""
BINS = 10
"""Of a histogram (ZAP_HISTOGRAM_SIZE); the last has all that is larger."""


@CHECKS.of("count")
def count(state: State, op: Op, result: Result) -> Wrong | None:
    """As many as there are."""
    entries = state.entries[op.subject]
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    return expect(result.errno, 0) or expect_value(result.value, len(entries))


@CHECKS.of("seek")
def seek(state: State, op: Op, result: Result) -> Wrong | None:
    """The header is data, and lies at the object's begin. Where else data is, is a matter of leaves."""
    if state.entries[op.subject] is None:
        return expect(result.errno, errno.ENOENT)
    if result.errno == errno.EBUSY:  # whether a txg has yet to write the object, the oracle does not follow
        leave_open(state, "leaves")
        return None
    if op.fill == 0 and not op.extra:
        return expect(result.errno, 0) or expect_value(result.value, 0)
    if result.errno == errno.ESRCH and not op.extra:
        leave_open(state, "leaves")
        return None
    if result.errno:
        return expect(result.errno, 0)
    leave_open(state, "leaves")
    least = op.fill + (op.fill == 0)
    there = isinstance(result.value, int) and result.value >= least
    return None if there else expect_value(result.value, least)


@CHECKS.of("stats")
def stats(state: State, op: Op, result: Result) -> Wrong | None:
    """Sizes that make sense, and histograms that have all entries in them."""
    entries = state.entries[op.subject]
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    if result.errno:
        return expect(result.errno, 0)
    assert isinstance(result.value, tuple)
    if op.subject in state.moving:
        leave_open(state, "section")
        return None
    wrong = expect_value(result.value[STATS_ENTRIES], len(entries))
    numbers = cast("tuple[int, ...]", result.value)
    if not state.fat[op.subject]:
        return wrong or expect_value(numbers, _of_micro(state.slots[op.subject], len(entries)))
    leave_open(state, "leaves")
    shaped = state.headers[op.subject]._replace(leaf_shift=state.shifts[op.subject])
    return wrong or _wrong_sizes(numbers, shaped) or _wrong_histograms(numbers, entries)


def _of_micro(slots: int, entries: int) -> tuple[int, ...]:
    """A micro ZAP says only how large it is: its one block, and its entries."""
    size = 64 * (slots + 1)
    numbers = [0] * (STATS_HISTOGRAMS + 5 * BINS)
    numbers[STATS_BLOCK_SIZE], numbers[STATS_BLOCKS], numbers[STATS_ENTRIES] = size, 1, entries
    return tuple(numbers)


def _wrong_sizes(stats: tuple[int, ...], zap: Zap) -> Wrong | None:
    """What a fat ZAP's header says of its blocks makes sense: each lies below the free mark, and the table
    has the size that its shift says, in its own blocks or half of the header."""
    length, size, blocks, following, copied, first, own, shift, kind, magic, leaves, _, salt = stats[:13]
    wanted = (1 << zap.leaf_shift, ZBT_HEADER, ZAP_MAGIC, zap.salt, 1 << shift)
    found = (size, kind, magic, salt, length)
    if found != wanted:
        return other_value(f"expected sizes of {wanted}, got {found}")
    table = own * size // 8 if own else size // 16
    used = 1 + leaves + own + (2 * own if following else 0)
    if length != table or blocks < max(used, first + own, following + 2 * own * bool(following)):
        return other_value(
            f"expected a table of {table} and at least {used} blocks, got {length} and {blocks}"
        )
    if copied < max(own, 1):
        return None
    return other_value(f"expected less than {own} blocks copied, got {copied}")


def _wrong_histograms(stats: tuple[int, ...], entries: Mapping[Key, Value]) -> Wrong | None:
    """Three histograms count every leaf, the fourth every entry by its chunks. A leaf whose pointers fill
    more than one block of the table is counted once in each: with several blocks there can be more of all."""
    leaves = stats[STATS_LEAVES]
    end = STATS_HISTOGRAMS + 5 * BINS
    *by_leaf, chunked, chains = [stats[at : at + BINS] for at in range(STATS_HISTOGRAMS, end, BINS)]
    by_chunks = [0] * BINS
    used = 0
    for key, value in entries.items():
        name = stored_bytes(key)
        data = array_chunks(value.size * value.length)
        used += 1 + array_chunks(name) + data
        # as the real one takes a word of a key for a byte
        chunks = 1 + array_chunks(len(key) if isinstance(key, tuple) else name) + data
        by_chunks[min(chunks, BINS - 1)] += 1
    wanted, found = [leaves] * 3 + by_chunks, [*map(sum, by_leaf), *chunked]
    several = stats[STATS_TABLE_BLOCKS] > 1
    if found != wanted and not (several and all(map(ge, found, wanted))):
        return other_value(f"expected histograms of {wanted}, got {found}")
    return None if several else _wrong_bins(stats, (*by_leaf, chains), len(entries), used)


def _wrong_bins(
    stats: tuple[int, ...], bins_of: Sequence[Sequence[int]], entries: int, used: int
) -> Wrong | None:
    """Each leaf is in the bin of the power of two of its pointers, of its entries in fives, and of its tenths
    that are full, where a free chunk counts as 22 bytes; each bucket in that of its entries: together they
    have the table's pointers, all `entries`, and their `used` chunks. The last bin says less."""
    length, size, leaves = stats[0], stats[1], stats[STATS_LEAVES]
    pointers, fives, tenths, chains = bins_of
    leaf = geometry(size.bit_length() - 1)
    full = 10 * (leaves * size - (leaves * leaf.chunks - used) * (ARRAY_BYTES + 1))
    buckets = leaves * leaf.hash_entries
    if sum(chains) != buckets:
        return other_value(f"expected {buckets} buckets, got {chains}")
    rows = (
        ("pointers", length, [1 << at for at in range(BINS)], 0, pointers),
        ("entries", entries, range(0, 5 * BINS, 5), 4, fives),
        ("tenths", full, range(0, size * BINS, size), size - 1, tenths),
        ("entries in buckets", entries, range(BINS), 0, chains),
    )
    for what, wanted, least, more, bins in rows:
        low = sum(map(mul, bins, least))
        if low > wanted or (not bins[-1] and low + more * leaves < wanted):
            return other_value(f"expected {what} that make {wanted}, got {bins}")
    return None
