"""The oracle's word on the entries of a ZAP."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from operator import ge, mul
from typing import cast

from fuzz.judge.state import (
    State,
    Value,
    expect,
    expect_value,
    first_integer,
    serial_of,
    stored_bytes,
    value_of,
    widen,
)
from fuzz.language.program import U64, Key, Op, Zap
from fuzz.targets.base import Found, Result
from zapcore.layout import ARRAY_BYTES, MAX_VALUE_LEN, ZAP_MAGIC, ZBT_HEADER, array_chunks, geometry
from zapcore.zap import MATCH_NORMALIZE

STATS_TABLE_BLOCKS, STATS_LEAVES, STATS_ENTRIES, STATS_HISTOGRAMS = 6, 10, 11, 13
"""Where zt_numblks, zs_num_leafs, zs_num_entries and the five histograms stand in zap_stats_t."""
BINS = 10
"""Of a histogram (ZAP_HISTOGRAM_SIZE); the last has all that is larger."""


class Entries(State):
    """Ops on entries and on whole ZAPs."""

    def _write(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        key = op.key
        assert key is not None
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        if op.size != 8 or op.length != 1 or len(key) >= 50:
            self.fat[op.subject] = True
        if self._too_long(op):
            return expect(result.errno, errno.ENAMETOOLONG)
        if result.errno and self._refused_as_long(op, result):
            return None
        if op.size * op.length > MAX_VALUE_LEN:
            return expect(result.errno, errno.E2BIG)
        if op.verb == "add" and key in entries:
            return expect(result.errno, errno.EEXIST)
        if result.errno in (errno.E2BIG, errno.ENOSPC):
            return self._check_too_big(op, result.errno)
        if result.errno:
            return expect(result.errno, 0)
        if key not in entries:
            self.name_added(self.headers[op.subject], key)
        entries[key] = value_of(op.size, op.length, op.fill)
        for walk in self.walks.values():
            if walk.zap == op.subject and key not in walk.stable:
                walk.seen.discard(key)
        return None

    def _refused_as_long(self, op: Op, result: Result) -> bool:
        """Whether a fat ZAP refused a name as some releases do."""
        refused = result.errno == errno.ENAMETOOLONG and self.fat[op.subject] is True
        return refused and self._may_be_too_long(op.subject, op.key)

    def _check_too_big(self, op: Op, code: int) -> str | None:
        """Whether an entry may be refused for its size: E2BIG only if an empty leaf could not hold it (an
        update of an entry that is there is refused by ENOSPC, after its leaf was split to the end)."""
        header = self.headers[op.subject]
        key = op.key
        assert key is not None
        needed = 1 + array_chunks(stored_bytes(key)) + array_chunks(op.size * op.length)
        fits = needed <= geometry(header.leaf_shift).chunks
        if code == errno.E2BIG and fits:
            return f"expected success, got {errno.errorcode[code]}: the entry takes {needed} chunks"
        return None

    def _remove(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        key = op.key
        assert key is not None
        if entries is None or key not in entries:
            return expect(result.errno, errno.ENOENT)
        if result.errno:
            return expect(result.errno, 0)
        self._forget(op.subject, entries, key)
        return None

    def _forget(self, zap: str, entries: dict[Key, Value], key: Key) -> None:
        """An entry is gone."""
        del entries[key]
        self.name_removed(self.headers[zap], key)
        places = self.places[zap]
        if places:
            self.places[zap] = {place: each for place, each in places.items() if each != key}
        for walk in self.walks.values():
            if walk.zap == zap:
                walk.stable.discard(key)
                walk.seen.discard(key)

    def _lookup(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        assert op.key is not None
        if self._too_long(op):
            return expect(result.errno, errno.ENAMETOOLONG)
        if entries is not None and self._refused_as_long(op, result):
            return None
        value = None if entries is None else entries.get(op.key)
        if value is None:
            return expect(result.errno, errno.ENOENT)
        return self._check_value(op, result.errno, result.value, value)

    def _check_value(self, op: Op, code: int, found: object, value: Value) -> str | None:
        """Hold what a lookup gave against the entry that it should have found."""
        if self.fat[op.subject] and op.size * op.length > MAX_VALUE_LEN:
            return expect(code, errno.E2BIG)
        if not self.fat[op.subject] and op.length < 1:
            return expect(code, errno.EOVERFLOW)
        if value.size > op.size or (not self.fat[op.subject] and op.size != 8):
            return expect(code, errno.EINVAL)
        wrong = expect(code, errno.EOVERFLOW if value.length > op.length else 0)
        if wrong:
            return wrong
        wanted = widen(value, op.size, op.length).rstrip(b"\0")
        if found == wanted:
            return None
        if found == widen(value, op.size, op.length, carry=True).rstrip(b"\0"):
            return "widened integers carry bytes of those before them"
        return f"expected value {wanted!r}, got {found!r}"

    def _length(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        assert op.key is not None
        value = None if entries is None else entries.get(op.key)
        if value is None:
            return expect(result.errno, errno.ENOENT)
        return expect(result.errno, 0) or expect_value(result.value, (value.size, value.length))

    def _count(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        return expect(result.errno, 0) or expect_value(result.value, len(entries))

    def _destroy(self, op: Op, result: Result) -> str | None:
        if self.entries[op.subject] is None:
            return expect(result.errno, errno.ENOENT)
        self.entries[op.subject] = None
        self.places[op.subject] = {}
        self.names_cleared(op.subject)
        return expect(result.errno, 0)

    def _create(self, op: Op, result: Result) -> str | None:
        if self.entries[op.subject] is not None:
            return expect(result.errno, errno.EEXIST)
        self.entries[op.subject] = {}
        self.fat[op.subject] = self.headers[op.subject].fat
        self.incarnation[op.subject] += 1
        return expect(result.errno, 0)

    def _contains(self, op: Op, result: Result) -> str | None:
        assert op.key is not None
        if self._too_long(op):
            return expect(result.errno, errno.ENAMETOOLONG)
        entries = self.entries[op.subject]
        if entries is not None and self._refused_as_long(op, result):
            return None
        return expect(result.errno, 0 if entries and op.key in entries else errno.ENOENT)

    def _increment(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        assert op.key is not None and entries is not None
        if op.fill == 0:
            return expect(result.errno, 0)
        if self._too_long(op):
            return expect(result.errno, errno.ENAMETOOLONG)
        if self._refused_as_long(op, result):
            return None
        value = entries.get(op.key, Value(8, 1, b""))
        if value.length > 1:
            return expect(result.errno, errno.EOVERFLOW)
        total = (int.from_bytes(value.data, "little") + op.fill) & U64
        change = op._replace(verb="update" if total else "remove", size=8, length=1, fill=total)
        return (self._write if total else self._remove)(change, result)

    def _search(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        if self.headers[op.subject].words:
            return expect(result.errno, errno.ENOTSUP)
        mask = op.extra or U64
        fitting = {key for key, value in entries.items() if not (first_integer(value) ^ op.fill) & mask}
        wrong = expect(result.errno, 0 if fitting else errno.ENOENT)
        if wrong or not fitting:
            return wrong
        if result.value not in fitting:
            return f"expected a name of that value, got {result.value!r}"
        header = self.headers[op.subject]
        first = min(serial_of(header, key) for key in fitting) if len(fitting) > 1 else None
        assert isinstance(result.value, bytes)
        if first is None or serial_of(header, result.value) == first:
            return None
        return f"expected the first name of that value, got {result.value!r}"

    def _stats(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        assert isinstance(result.value, tuple)
        wrong = expect(result.errno, 0) or expect_value(result.value[STATS_ENTRIES], len(entries))
        numbers = cast("tuple[int, ...]", result.value)
        return wrong or _wrong_sizes(numbers, self.headers[op.subject]) or _wrong_histograms(numbers, entries)

    def _matching(self, op: Op) -> list[Key]:
        """The names that an op's name matches, those that are found first coming first."""
        assert isinstance(op.key, bytes)
        entries = self.entries[op.subject]
        if not op.extra & MATCH_NORMALIZE:
            return [op.key] if entries and op.key in entries else []
        return self.matching_names(self.headers[op.subject], op.key, op.extra)

    def _lookup_norm(self, op: Op, result: Result) -> str | None:
        if self._too_long(op):
            return expect(result.errno, errno.ENAMETOOLONG)
        if self._refused_as_long(op, result):
            return None
        entries = self.entries[op.subject]
        names = self._matching(op)
        if not names or entries is None:
            return expect(result.errno, errno.ENOENT)
        found = result.value if isinstance(result.value, Found) else None
        wrong = self._check_value(op, result.errno, found and found.value, entries[names[0]])
        if wrong or found is None or not (self.fat[op.subject] or result.errno == 0):
            return wrong
        return expect_value((found.name, found.conflict), (names[0], len(names) > 1))

    def _remove_norm(self, op: Op, result: Result) -> str | None:
        names = self._matching(op)
        return self._remove(op._replace(key=names[0]) if names else op, result)


def _wrong_sizes(stats: tuple[int, ...], zap: Zap) -> str | None:
    """What a fat ZAP's header says of its blocks makes sense: each lies below the free mark, and the table
    has the size that its shift says, in its own blocks or half of the header."""
    length, size, blocks, following, copied, first, own, shift, kind, magic, leaves, _, salt = stats[:13]
    if not leaves:
        return None  # a micro ZAP says only how large it is
    wanted = (1 << zap.leaf_shift, ZBT_HEADER, ZAP_MAGIC, zap.salt, 1 << shift)
    found = (size, kind, magic, salt, length)
    if found != wanted:
        return f"expected sizes of {wanted}, got {found}"
    table = own * size // 8 if own else size // 16
    used = 1 + leaves + own + (2 * own if following else 0)
    if length != table or blocks < max(used, first + own, following + 2 * own * bool(following)):
        return f"expected a table of {table} and at least {used} blocks, got {length} and {blocks}"
    return None if copied < max(own, 1) else f"expected less than {own} blocks copied, got {copied}"


def _wrong_histograms(stats: tuple[int, ...], entries: Mapping[Key, Value]) -> str | None:
    """Three histograms count every leaf, the fourth every entry by its chunks. A leaf whose pointers fill
    more than one block of the table is counted once in each: with several blocks there can be more of all."""
    leaves = stats[STATS_LEAVES]
    if not leaves:
        return None  # a micro ZAP has none
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
        return f"expected histograms of {wanted}, got {found}"
    return None if several else _wrong_bins(stats, (*by_leaf, chains), len(entries), used)


def _wrong_bins(
    stats: tuple[int, ...], bins_of: Sequence[Sequence[int]], entries: int, used: int
) -> str | None:
    """Each leaf is in the bin of the power of two of its pointers, of its entries in fives, and of its tenths
    that are full, where a free chunk counts as 22 bytes; each bucket in that of its entries: together they
    have the table's pointers, all `entries`, and their `used` chunks. The last bin says less."""
    length, size, leaves = stats[0], stats[1], stats[STATS_LEAVES]
    pointers, fives, tenths, chains = bins_of
    leaf = geometry(size.bit_length() - 1)
    full = 10 * (leaves * size - (leaves * leaf.chunks - used) * (ARRAY_BYTES + 1))
    buckets = leaves * leaf.hash_entries
    if sum(chains) != buckets:
        return f"expected {buckets} buckets, got {chains}"
    rows = (
        ("pointers", length, [1 << at for at in range(BINS)], 0, pointers),
        ("entries", entries, range(0, 5 * BINS, 5), 4, fives),
        ("tenths", full, range(0, size * BINS, size), size - 1, tenths),
        ("entries in buckets", entries, range(BINS), 0, chains),
    )
    for what, wanted, least, more, bins in rows:
        low = sum(map(mul, bins, least))
        if low > wanted or (not bins[-1] and low + more * leaves < wanted):
            return f"expected {what} that make {wanted}, got {bins}"
    return None
