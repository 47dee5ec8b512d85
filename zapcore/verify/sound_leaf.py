"""Whether the rules of `verify/leaf.py` hold inside one leaf block, without a word about which one does not.

This is the fast way for a leaf that is sound, as nearly all are: an auditor checks every changed leaf after
every op. Only if the answer is no does `verify/leaf.py` walk over the leaf again, to say what is wrong where.
A test holds both against each other on leaves with damage of every kind.

In the functions here `left` has the type of each chunk, or 0 if an entry or an array has claimed it. No chunk
may be claimed twice, and in the end only free chunks may be left. `following` has each chunk's link if the
chunk is free or a part of an array.
"""

from __future__ import annotations

import re
from array import array
from operator import itemgetter
from typing import NamedTuple

from zapcore import layout as L
from zapcore.verify.leaf_report import LeafEntry, LeafReport

_unpack_header = L.LEAF_HEADER.packing.unpack_from
_unpack_entry = L.ENTRY_CHUNK.packing.unpack_from
_CHUNKS = L.geometry(L.MAX_BLOCK_SHIFT).chunks
IN_ORDER = array("H", range(1, _CHUNKS + 1))
"""The links of chunks of which each leads to the next one."""
_BACKWARDS = array("H", [L.CHAIN_END, *range(_CHUNKS - 1)])
"""The links of chunks of which each leads to the one before it."""
LONG = 6 * L.ARRAY_BYTES
"""An array of so many bytes or more is read in one piece if its chunks lie side by side."""

_ALONE = L.CHUNK_ARRAY, L.CHAIN_END
"""Type and link of a chunk that is a whole array by itself. Most names and many values are one."""
_HASH_AND_CD = itemgetter(1, 2)
_new_tuple = tuple.__new__  # takes half the time of LeafEntry(...)
_NO_PAD = bytes(L.LEAF_HEADER["lh_pad2"].size)
_USED = re.compile(rb"[^\xff]")
"""Finds a bucket that is not empty by a byte of it. The byte may be the first of the two or the second."""


def sound_leaf(raw: bytes, shift: int, name_size: int) -> LeafReport | None:
    """What a leaf block of 2^shift bytes holds, or None if anything is wrong with it. `name_size` is the size
    of the integers that a name consists of."""
    geo = L.geometry(shift)
    header = sound_header(raw)
    if header is None:
        return None
    prefix, prefix_len, flags, free, counted, free_list = header
    chunks = geo.chunks
    end = geo.chunks_end
    left = bytearray(raw[geo.first_chunk : end : L.CHUNK_SIZE])
    if 0 in left:
        return None
    following = array("H", raw)[geo.h_chunk + L.H_CHUNK_NEXT : end // 2 : L.H_PER_CHUNK]
    try:
        if not _free_list_ends(left, following, free_list, free):
            return None
        at, until = L.LEAF_HEADER_SIZE, geo.first_chunk
        entries = entries_of_buckets(raw, geo, at, until, name_size, header, left, following)
    except IndexError:  # a link leads to a chunk that the leaf has not
        return None
    if entries is None or len(entries) != counted or left.count(0) != chunks - free:
        return None
    return _new_tuple(LeafReport, (prefix, prefix_len, flags, entries, (), bytes(chunks)))


class SoundHeader(NamedTuple):
    """A leaf's header: its prefix, how many chunks are free, how many entries there are, and the first chunk
    of the free list."""

    prefix: int
    prefix_len: int
    flags: int
    free: int
    counted: int
    free_list: int


def sound_header(raw: bytes) -> SoundHeader | None:
    """The header of a leaf block, or None if it alone shows that something is wrong."""
    kind, pad1, prefix, magic, free, counted, prefix_len, free_list, flags, pad2 = _unpack_header(raw)
    if kind != L.ZBT_LEAF or magic != L.ZAP_LEAF_MAGIC or pad1 or pad2 != _NO_PAD:
        return None
    if flags & ~L.ENTRIES_CDSORTED or prefix_len > 64 or prefix >> prefix_len:
        return None
    return _new_tuple(SoundHeader, (prefix, prefix_len, flags, free, counted, free_list))


def _free_list_ends(left: bytearray, following: array[int], chunk: int, free: int) -> bool:
    """Whether the free list, which starts at `chunk`, has `free` chunks, and no other chunk is free.

    Raises IndexError if a link leads out of the leaf. A chunk that came twice would need no check of its own:
    such a list has no end.
    """
    chunks, is_free = len(left), L.CHUNK_FREE
    if left.count(is_free) != free:
        return False
    tried = False
    for rest in range(chunks - free, chunks):
        if left[chunk] != is_free:
            return False
        after = following[chunk]
        if chunk == rest and after == chunk + 1 and not tried:
            # chunks that were never used are still in order, at the end of the list
            if following[chunk:-1] == IN_ORDER[chunk : chunks - 1]:
                return following[-1] == L.CHAIN_END and left.count(is_free, chunk) == chunks - chunk
            tried = True
        chunk = after
    return chunk == L.CHAIN_END


def entries_of_buckets(
    raw: bytes,
    geo: L.Geometry,
    at: int,
    until: int,
    name_size: int,
    header: SoundHeader,
    left: bytearray,
    following: array[int],
) -> list[LeafEntry] | None:
    """The entries of the buckets from one offset to another, in the order of buckets and chains, or None if
    something is wrong with one of them. Claims their chunks and those of their arrays. Raises IndexError if a
    link leads out of the leaf."""
    prefix, prefix_len = header[:2]
    entries: list[LeafEntry] = []
    outside = 64 - prefix_len
    shift = max(outside - geo.hash_shift, 0)
    first = geo.first_chunk
    content = first + L.B_ARRAY
    while used := _USED.search(raw, at, until):
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
    """The `size` bytes of an array, or None if something is wrong with it. Claims its chunks. `content` is
    the offset at which the content of chunk 0 begins. Raises IndexError if a link leads out of the leaf."""
    if 0 < size <= L.ARRAY_BYTES and (left[chunk], following[chunk]) == _ALONE:
        left[chunk] = 0
        start = content + L.CHUNK_SIZE * chunk
        return raw[start : start + size]
    if size >= LONG:
        long = _long_array(raw, content - L.B_ARRAY, chunk, size, left, following)
        if long is not None:
            return long
    pieces = []
    room, is_array, step = L.ARRAY_BYTES, L.CHUNK_ARRAY, L.CHUNK_SIZE
    for _ in range(0, size, room):
        if left[chunk] != is_array:
            return None
        left[chunk] = 0
        start = content + step * chunk
        pieces.append(raw[start : start + room])
        chunk = following[chunk]
    if chunk != L.CHAIN_END:
        return None
    return b"".join(pieces)[:size]


def _long_array(
    raw: bytes, first: int, chunk: int, size: int, left: bytearray, following: array[int]
) -> bytes | None:
    """The `size` bytes of an array if its chunks lie side by side, else None. They may lie in order, as a new
    leaf gives chunks out, or backwards, as freed chunks are given out again. Claims them. `first` is the
    offset of chunk 0. Raises IndexError if a link leads out of the leaf."""
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
        # Only the content of each chunk is wanted. The first deletion takes the type away from each chunk,
        # which leaves 23 bytes of it; the other two take away the two bytes of its link, one after the other.
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
