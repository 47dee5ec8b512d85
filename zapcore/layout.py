"""On-disk structures of the ZAP: one table of fields for each, and what follows from these tables. No
behaviour.

Names and values come from include/sys/zap_impl.h and include/sys/zap_leaf.h. A field is named here and
nowhere else: where it lies, how a structure is packed, how it is turned into the other byte order, and the
names that people read in a report are all taken from the tables `HEADER` to `MICRO_SLOT`.

The model changes blocks in place, through views of them as arrays of little-endian words. Constants that
begin with `Q_`, `I_` and `H_` are a field's index in the view of 64-bit, 32-bit and 16-bit words; `B_` is an
offset in bytes. The index of a field of the header, or of a leaf's header, counts from the start of the
block; that of a field of a chunk counts from the start of the chunk, and that of a field of a slot from the
start of the slot.
"""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Iterator
from typing import Literal, NamedTuple

if sys.byteorder != "little":  # pragma: no cover - blocks are edited in place through native words
    raise ImportError("zapcore edits blocks in place as little-endian words and needs a little-endian host")

ByteOrder = Literal["little", "big"]


class Field(NamedTuple):
    """A field of a structure: its name in OpenZFS, its offset in the structure and its size, both in
    bytes."""

    name: str
    at: int
    size: int

    @property
    def is_padding(self) -> bool:
        """Whether nothing uses the field. OpenZFS does not swap the bytes of such a field either."""
        return "pad" in self.name


class Structure:
    """A structure on disk: its fields in order, without gaps between them.

    `codes` gives for each field its name and how the module `struct` writes it: Q, I, H or B for an integer,
    or a number of bytes and s. `packing` reads and writes all fields of a little-endian structure.
    """

    def __init__(self, codes: str) -> None:
        words = codes.split()
        names, types = words[::2], words[1::2]
        self.packing = struct.Struct("<" + "".join(types))
        fields: list[Field] = []
        at = 0
        for name, code in zip(names, types, strict=True):
            fields.append(Field(name, at, struct.calcsize("<" + code)))
            at += fields[-1].size
        self.size = at
        self.fields = tuple(fields)
        self._by_name = {field.name: field for field in fields}
        swapped = [
            f"{field.size}s" if field.is_padding else code for field, code in zip(fields, types, strict=True)
        ]
        self._orders = struct.Struct(">" + "".join(swapped)), struct.Struct("<" + "".join(swapped))

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __getitem__(self, name: str) -> Field:
        """The field of that name. Raises KeyError."""
        return self._by_name[name]

    def index(self, name: str) -> int:
        """Where a field lies in the structure if that is seen as an array of integers of the field's size."""
        field = self[name]
        return field.at // field.size

    def field_at(self, offset: int) -> Field:
        """The field that the byte at an offset of the structure belongs to."""
        return next(field for field in reversed(self.fields) if field.at <= offset)

    def span(self, first: str, last: str) -> slice:
        """The bytes of the structure from one field to another, both included."""
        return slice(self[first].at, self[last].at + self[last].size)

    def read(self, raw: bytes | bytearray, name: str, start: int = 0, order: ByteOrder = "little") -> int:
        """An integer field of the structure that begins at byte `start`. Of a field that `raw` does not have
        in full, only the bytes that are there count."""
        at, size = start + self[name].at, self[name].size
        return int.from_bytes(raw[at : at + size], order)

    def to_little(self, raw: bytearray, start: int = 0) -> None:
        """Turn a big-endian structure that begins at byte `start` into a little-endian one, in place."""
        big, little = self._orders
        little.pack_into(raw, start, *big.unpack_from(raw, start))


HEADER = Structure(
    """
    zap_block_type Q  zap_magic Q
    zt_blk Q  zt_numblks Q  zt_shift Q  zt_nextblk Q  zt_blks_copied Q
    zap_freeblk Q  zap_num_leafs Q  zap_num_entries Q  zap_salt Q  zap_normflags Q  zap_flags Q
    """
)
"""zap_phys_t, at the start of block 0 of a fat ZAP; the fields zt_* are its zap_table_phys_t."""

LEAF_HEADER = Structure(
    """
    lh_block_type Q  lh_pad1 Q  lh_prefix Q  lh_magic I  lh_nfree H  lh_nentries H
    lh_prefix_len H  lh_freelist H  lh_flags B  lh_pad2 11s
    """
)
"""struct zap_leaf_header, at the start of a leaf. The hash table l_hash follows it, then the chunks."""

ENTRY_CHUNK = Structure(
    """
    le_type B  le_value_intlen B  le_next H  le_name_chunk H  le_name_numints H
    le_value_chunk H  le_value_numints H  le_cd I  le_hash Q
    """
)
"""struct zap_leaf_entry, a chunk that is an entry."""

ARRAY_CHUNK = Structure("la_type B  la_array 21s  la_next H")
"""struct zap_leaf_array, a chunk that is a part of a name or of a value."""

FREE_CHUNK = Structure("lf_type B  lf_pad 21s  lf_next H")
"""struct zap_leaf_free, a chunk that nothing uses."""

MICRO_HEADER = Structure("mz_block_type Q  mz_salt Q  mz_normflags Q  mz_pad 40s")
"""The start of mzap_phys_t, the only block of a micro ZAP. The slots follow it."""

MICRO_SLOT = Structure("mze_value Q  mze_cd I  mze_pad H  mze_name 50s")
"""mzap_ent_phys_t, an entry of a micro ZAP, or room for one."""

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

Q_BLOCK_TYPE = HEADER.index("zap_block_type")
"""Also a leaf's lh_block_type and a micro ZAP's mz_block_type: every block of a ZAP but those of the pointer
table begins with its type."""
Q_MAGIC = HEADER.index("zap_magic")
Q_TBL_BLK = HEADER.index("zt_blk")
Q_TBL_NUMBLKS = HEADER.index("zt_numblks")
Q_TBL_SHIFT = HEADER.index("zt_shift")
Q_TBL_NEXTBLK = HEADER.index("zt_nextblk")
Q_TBL_COPIED = HEADER.index("zt_blks_copied")
Q_FREEBLK = HEADER.index("zap_freeblk")
Q_NUM_LEAFS = HEADER.index("zap_num_leafs")
Q_NUM_ENTRIES = HEADER.index("zap_num_entries")
Q_SALT = HEADER.index("zap_salt")
Q_NORMFLAGS = HEADER.index("zap_normflags")
Q_FLAGS = HEADER.index("zap_flags")

Q_LEAF_PAD1 = LEAF_HEADER.index("lh_pad1")
Q_PREFIX = LEAF_HEADER.index("lh_prefix")
I_LEAF_MAGIC = LEAF_HEADER.index("lh_magic")
H_NFREE = LEAF_HEADER.index("lh_nfree")
H_NENTRIES = LEAF_HEADER.index("lh_nentries")
H_PREFIX_LEN = LEAF_HEADER.index("lh_prefix_len")
H_FREELIST = LEAF_HEADER.index("lh_freelist")
B_FLAGS = LEAF_HEADER.index("lh_flags")
LEAF_HEADER_SIZE = LEAF_HEADER.size
ENTRIES_CDSORTED = 1

CHUNK_SIZE = ENTRY_CHUNK.size
Q_PER_CHUNK, I_PER_CHUNK, H_PER_CHUNK = CHUNK_SIZE // 8, CHUNK_SIZE // 4, CHUNK_SIZE // 2
"""The size of a chunk in 64-bit, 32-bit and 16-bit words."""
CHUNK_ENTRY = 252
CHUNK_ARRAY = 251
CHUNK_FREE = 253
CHAIN_END = 0xFFFF
ARRAY_BYTES = ARRAY_CHUNK["la_array"].size
B_ARRAY = ARRAY_CHUNK["la_array"].at
B_INTLEN = ENTRY_CHUNK.index("le_value_intlen")
H_ENTRY_NEXT = ENTRY_CHUNK.index("le_next")
H_NAME_CHUNK = ENTRY_CHUNK.index("le_name_chunk")
H_NAME_NUMINTS = ENTRY_CHUNK.index("le_name_numints")
H_VALUE_CHUNK = ENTRY_CHUNK.index("le_value_chunk")
H_VALUE_NUMINTS = ENTRY_CHUNK.index("le_value_numints")
I_CD = ENTRY_CHUNK.index("le_cd")
Q_HASH = ENTRY_CHUNK.index("le_hash")
H_CHUNK_NEXT = ARRAY_CHUNK.index("la_next")
"""Both an array chunk's la_next and a free chunk's lf_next."""

MICRO_HEADER_SIZE = MICRO_HEADER.size
SLOT_SIZE = MICRO_SLOT.size
Q_MZ_SALT = MICRO_HEADER.index("mz_salt")
Q_MZ_NORMFLAGS = MICRO_HEADER.index("mz_normflags")
Q_MZE_VALUE = MICRO_SLOT.index("mze_value")
I_MZE_CD = MICRO_SLOT.index("mze_cd")
B_MZE_NAME = MICRO_SLOT["mze_name"].at
MICRO_NAME_LEN = MICRO_SLOT["mze_name"].size
"""MZAP_NAME_LEN: room for a name in a micro ZAP, and for its NUL."""

LOW_WATER = 20
"""With fewer free chunks than this in a leaf that needs every bit of the table, the table starts to grow."""


class Geometry(NamedTuple):
    """Where things lie in a leaf block of 2^shift bytes.

    `hash_entries` are the buckets of the hash table l_hash, 2^hash_shift of them; the first one is the 16-bit
    word `h_hash`. `chunks` is how many chunks there are. The first of them begins at byte `first_chunk`,
    which is the 16-bit word `h_chunk`, the 32-bit word `i_chunk` and the 64-bit word `q_chunk`.
    """

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
    chunks_end: int


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
        first + CHUNK_SIZE * chunks,
    )


def array_chunks(size: int) -> int:
    """How many chunks an array of `size` bytes takes (ZAP_LEAF_ARRAY_NCHUNKS)."""
    return (size + ARRAY_BYTES - 1) // ARRAY_BYTES


def slot_offset(slot: int) -> int:
    """The offset of a micro ZAP's slot in its block."""
    return MICRO_HEADER_SIZE + SLOT_SIZE * slot


def slots_of(size: int) -> int:
    """How many slots a micro ZAP's block of `size` bytes has (MZAP_ENT_LEN)."""
    return (size - MICRO_HEADER_SIZE) // SLOT_SIZE


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
