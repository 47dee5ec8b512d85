"""Whether all is well inside one leaf block, as fast as that can be said: an auditor asks it after every op.

The answer is that of `leafcheck`, which looks for what is wrong; this only sees that nothing is. `left` has
the chunks' types, and 0 for each chunk that an entry or an array has claimed: none may be claimed twice, and
none but free ones be left. `following` are the links that free chunks and those of arrays have.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from zapcore import layout as L
from zapcore.verify.invariants import Violation


class LeafEntry(NamedTuple):
    """An entry read from a leaf: key and value as stored (big-endian integers)."""

    chunk: int
    hash: int
    cd: int
    name: bytes
    name_ints: int
    size: int
    length: int
    value: bytes


class LeafReport(NamedTuple):
    """What a leaf block holds and what is wrong with it. `unreached` has for each chunk to which no link that
    could be followed leads its type, for every other 0."""

    prefix: int
    prefix_len: int
    flags: int
    entries: list[LeafEntry]
    violations: Sequence[Violation]
    unreached: bytes


_unpack_header = L.LEAF_HEADER.packing.unpack_from
_unpack_entry = L.ENTRY_CHUNK.packing.unpack_from
_CHUNKS = L.geometry(L.MAX_BLOCK_SHIFT).chunks
IN_ORDER = array("H", range(1, _CHUNKS + 1))
"""Links of chunks that each lead to the next one."""
_BACKWARDS = array("H", [L.CHAIN_END, *range(_CHUNKS - 1)])
"""Links of chunks that each lead to the one before."""
LONG = 6 * L.ARRAY_BYTES
"""Bytes: an array that is read at once if its chunks lie side by side."""

_ALONE = L.CHUNK_ARRAY, L.CHAIN_END
"""Type and link of a chunk that is an array of its own, as most names are and many a value."""
_HASH_AND_CD = itemgetter(1, 2)
_new_tuple = tuple.__new__  # half the time of LeafEntry(...)
_NO_PAD = bytes(L.LEAF_HEADER["lh_pad2"].size)
_USED = re.compile(rb"[^\xff]")
"""A byte of a bucket that is not empty; that is its first or its second one."""


def sound_leaf(raw: bytes, shift: int, name_size: int) -> LeafReport | None:
    """What a leaf block of 2^shift bytes holds if nothing is wrong with it, else None. `name_size` is that of
    a name's integers."""
    geo = L.geometry(shift)
    kind, pad1, prefix, magic, free, counted, prefix_len, free_list, flags, pad2 = _unpack_header(raw)
    if kind != L.ZBT_LEAF or magic != L.ZAP_LEAF_MAGIC or pad1 or pad2 != _NO_PAD:
        return None
    if flags & ~L.ENTRIES_CDSORTED or prefix_len > 64 or prefix >> prefix_len:
        return None
    chunks = geo.chunks
    end = geo.chunks_end
    left = bytearray(raw[geo.first_chunk : end : L.CHUNK_SIZE])
    if 0 in left:
        return None
    following = array("H", raw)[geo.h_chunk + L.H_CHUNK_NEXT : end // 2 : L.H_PER_CHUNK]
    try:
        if not _free_list_ends(left, following, free_list, free):
            return None
        entries = _entries(raw, geo, name_size, prefix, prefix_len, left, following)
    except IndexError:  # a link leads to a chunk that the leaf has not
        return None
    if entries is None or len(entries) != counted or left.count(0) != chunks - free:
        return None
    return _new_tuple(LeafReport, (prefix, prefix_len, flags, entries, (), bytes(chunks)))


def _free_list_ends(left: bytearray, following: array[int], chunk: int, free: int) -> bool:
    """Whether the free list has so many chunks, and these are all that are free. Raises IndexError.

    A list that ends has no chunk twice.
    """
    chunks = len(left)
    if left.count(L.CHUNK_FREE) != free:
        return False
    tried = False
    for rest in range(free, 0, -1):
        if left[chunk] != L.CHUNK_FREE:
            return False
        after = following[chunk]
        if after == chunk + 1 and rest == chunks - chunk and not tried:
            # the chunks that were never used end the list, in order
            if following[chunk:-1] == IN_ORDER[chunk : chunks - 1]:
                return following[-1] == L.CHAIN_END and left.count(L.CHUNK_FREE, chunk) == rest
            tried = True
        chunk = after
    return chunk == L.CHAIN_END


def _entries(
    raw: bytes,
    geo: L.Geometry,
    name_size: int,
    prefix: int,
    prefix_len: int,
    left: bytearray,
    following: array[int],
) -> list[LeafEntry] | None:
    """The entries in the order of buckets and chains; they and their arrays are claimed. None if something is
    wrong with one. Raises IndexError."""
    entries: list[LeafEntry] = []
    outside = 64 - prefix_len
    shift = max(outside - geo.hash_shift, 0)
    first = geo.first_chunk
    content = first + L.B_ARRAY
    at = L.LEAF_HEADER_SIZE
    while used := _USED.search(raw, at, first):
        at = used.start() & ~1
        bucket = (at - L.LEAF_HEADER_SIZE) // 2
        chunk = raw[at] | raw[at + 1] << 8
        at += 2
        last_cd = -1
        before = len(entries)
        while chunk != L.CHAIN_END:
            if left[chunk] != L.CHUNK_ENTRY:
                return None
            left[chunk] = 0
            _, size, after, name_at, name_ints, value_at, length, cd, hashed = _unpack_entry(
                raw, first + L.CHUNK_SIZE * chunk
            )
            if size not in (1, 2, 4, 8) or size * length > L.MAX_VALUE_LEN:
                return None
            if hashed >> outside != prefix or (hashed >> shift) & (geo.hash_entries - 1) != bucket:
                return None
            if cd <= last_cd and (cd < last_cd or (hashed, cd) in map(_HASH_AND_CD, entries[before:])):
                return None
            last_cd = cd
            name = _array(raw, content, name_at, name_ints * name_size, left, following)
            value = _array(raw, content, value_at, size * length, left, following)
            if name is None or value is None:
                return None
            fields = chunk, hashed, cd, name, name_ints, size, length, value
            entries.append(_new_tuple(LeafEntry, fields))
            chunk = after
    return entries


def _array(
    raw: bytes, content: int, chunk: int, size: int, left: bytearray, following: array[int]
) -> bytes | None:
    """The `size` bytes of an array; its chunks are claimed. None if something is wrong with it. `content` is
    where that of chunk 0 begins. Raises IndexError."""
    if 0 < size <= L.ARRAY_BYTES and (left[chunk], following[chunk]) == _ALONE:
        left[chunk] = 0
        start = content + L.CHUNK_SIZE * chunk
        return raw[start : start + size]
    if size >= LONG:
        long = _long_array(raw, content - L.B_ARRAY, chunk, size, left, following)
        if long is not None:
            return long
    pieces = []
    for _ in range(0, size, L.ARRAY_BYTES):
        if left[chunk] != L.CHUNK_ARRAY:
            return None
        left[chunk] = 0
        start = content + L.CHUNK_SIZE * chunk
        pieces.append(raw[start : start + L.ARRAY_BYTES])
        chunk = following[chunk]
    if chunk != L.CHAIN_END:
        return None
    return b"".join(pieces)[:size]


def _long_array(
    raw: bytes, first: int, chunk: int, size: int, left: bytearray, following: array[int]
) -> bytes | None:
    """The content of an array if its chunks lie side by side, in order (as a new leaf gives them) or
    backwards (as freed ones are given again); they are claimed. Else None. Raises IndexError."""
    count = L.array_chunks(size)
    forward = following[chunk] == chunk + 1
    low = chunk if forward else chunk - count + 1
    if low < 0 or left.count(L.CHUNK_ARRAY, low, low + count) != count:
        return None
    block = raw[first + L.CHUNK_SIZE * low : first + L.CHUNK_SIZE * (low + count)]
    if forward:
        if following[low : low + count - 1] != IN_ORDER[low : low + count - 1]:
            return None
        last = low + count - 1
        content = bytearray(block)
        # of each 24 bytes the first goes, then of 23 those at 21, then of 22 those at 21
        del content[:: L.CHUNK_SIZE]
        del content[L.ARRAY_BYTES :: L.ARRAY_BYTES + 2]
        del content[L.ARRAY_BYTES :: L.ARRAY_BYTES + 1]
    else:
        if following[low + 1 : low + count] != _BACKWARDS[low + 1 : low + count]:
            return None
        last = low
        starts = range(L.CHUNK_SIZE * (count - 1) + L.B_ARRAY, 0, -L.CHUNK_SIZE)
        content = bytearray().join([block[at : at + L.ARRAY_BYTES] for at in starts])
    if following[last] != L.CHAIN_END:
        return None
    left[low : low + count] = bytes(count)
    return bytes(content[:size])
