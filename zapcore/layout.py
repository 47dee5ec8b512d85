"""On-disk structures of the ZAP: constants, geometry, where each field lies. No behaviour.

Names and values come from include/sys/zap_impl.h and include/sys/zap_leaf.h. Fields are given as indexes
into a block seen as 64-bit (`Q_`), 32-bit (`I_`) or 16-bit (`H_`) little-endian words, or as byte offsets
(`B_`).
"""

from __future__ import annotations

import functools
import sys
from typing import NamedTuple

if sys.byteorder != "little":  # pragma: no cover - blocks are edited in place through native words
    raise ImportError("zapcore edits blocks in place as little-endian words and needs a little-endian host")

MIN_BLOCK_SHIFT = 9
MAX_BLOCK_SHIFT = 17
BLOCK_SIZES = tuple(1 << shift for shift in range(MIN_BLOCK_SHIFT, MAX_BLOCK_SHIFT + 1))
MAX_MICRO = 1 << 20
"""Bytes: the largest micro ZAP with the large_microzap feature; without it, 128 KiB."""

ZBT_LEAF = 1 << 63
ZBT_HEADER = ZBT_LEAF + 1
ZBT_MICRO = ZBT_LEAF + 3
ZAP_MAGIC = 0x2F52AB2AB
ZAP_LEAF_MAGIC = 0x2AB1EAF

FLAG_HASH64 = 1
FLAG_UINT64_KEY = 2
FLAG_PRE_HASHED_KEY = 4

KNOWN_FLAGS = 7
KNOWN_NORMFLAGS = 0x70077
"""Every U8_TEXTPREP_* and U8_STRCMP_* bit of include/sys/u8_textprep.h."""

MAX_VALUE_LEN = 8192
NEED_CD = 0xFFFFFFFF

# Header block (zap_phys_t)
Q_BLOCK_TYPE = 0
Q_MAGIC = 1
Q_TBL_BLK = 2
Q_TBL_NUMBLKS = 3
Q_TBL_SHIFT = 4
Q_TBL_NEXTBLK = 5
Q_TBL_COPIED = 6
Q_FREEBLK = 7
Q_NUM_LEAFS = 8
Q_NUM_ENTRIES = 9
Q_SALT = 10
Q_NORMFLAGS = 11
Q_FLAGS = 12

# Leaf header (zap_leaf_header), 48 bytes
Q_LEAF_PAD1 = 1
Q_PREFIX = 2
I_LEAF_MAGIC = 6
H_NFREE = 14
H_NENTRIES = 15
H_PREFIX_LEN = 16
H_FREELIST = 17
B_FLAGS = 36
LEAF_HEADER_SIZE = 48
ENTRIES_CDSORTED = 1

# Chunks, 24 bytes each; the offsets are within a chunk
CHUNK_SIZE = 24
CHUNK_ENTRY = 252
CHUNK_ARRAY = 251
CHUNK_FREE = 253
CHAIN_END = 0xFFFF
ARRAY_BYTES = CHUNK_SIZE - 3
B_INTLEN = 1
H_ENTRY_NEXT = 1
H_NAME_CHUNK = 2
H_NAME_NUMINTS = 3
H_VALUE_CHUNK = 4
H_VALUE_NUMINTS = 5
I_CD = 3
Q_HASH = 2
H_CHUNK_NEXT = 11
"""Both an array chunk's la_next and a free chunk's lf_next."""

LOW_WATER = 20
"""With fewer free chunks than this in a leaf that needs every bit of the table, the table starts to grow."""


class Geometry(NamedTuple):
    """Where things lie in a leaf block of 2^shift bytes."""

    shift: int
    size: int
    hash_shift: int
    hash_entries: int
    h_hash: int
    chunks: int
    first_chunk: int
    h_chunk: int
    i_chunk: int
    q_chunk: int


@functools.cache
def geometry(shift: int) -> Geometry:
    """The geometry of a leaf of 2^shift bytes (ZAP_LEAF_NUMCHUNKS, ZAP_LEAF_HASH_NUMENTRIES)."""
    size = 1 << shift
    entries = 1 << (shift - 5)
    first = LEAF_HEADER_SIZE + 2 * entries
    chunks = (size - 2 * entries) // CHUNK_SIZE - 2
    return Geometry(
        shift,
        size,
        shift - 5,
        entries,
        LEAF_HEADER_SIZE // 2,
        chunks,
        first,
        first // 2,
        first // 4,
        first // 8,
    )


def array_chunks(size: int) -> int:
    """How many chunks an array of `size` bytes takes (ZAP_LEAF_ARRAY_NCHUNKS)."""
    return (size + ARRAY_BYTES - 1) // ARRAY_BYTES


def embedded_shift(block_shift: int) -> int:
    """log2 of the entries of a pointer table that lies in the header block."""
    return block_shift - 4


def hash_bits(flags: int) -> int:
    """How many bits of a hash count, from zap_flags (zap_hashbits)."""
    return 48 if flags & FLAG_HASH64 else 28


def hash_mask(bits: int) -> int:
    """The bits of a 64-bit hash that count, if so many do (zap_hash)."""
    return (1 << 64) - (1 << (64 - bits))


def hash_index(value: int, bits: int) -> int:
    """The first `bits` bits of a 64-bit hash (ZAP_HASH_IDX)."""
    return value >> (64 - bits)
