"""Turn ZAP blocks that a big-endian machine has written into little-endian ones (zap_byteswap in
module/zfs/zap_micro.c, fzap_byteswap in zap.c, zap_leaf_byteswap in zap_leaf.c).

The DMU keeps the byte order of each block for itself, so that one object can have blocks of both orders.
Leaves, headers and micro ZAPs show their order by their type. A block of the pointer table has no type: it
shows its order only by whether its entries lead to blocks that the object has.
"""

from __future__ import annotations

from array import array

from zapcore import layout as L

TYPES = (L.ZBT_LEAF, L.ZBT_HEADER, L.ZBT_MICRO)


def is_big(raw: bytes) -> bool:
    """Whether a block's type is one of a ZAP's when it is read as a big-endian number."""
    return L.HEADER.read(raw, "zap_block_type", order="big") in TYPES


def swap_words(raw: bytes) -> bytes:
    """A block of the pointer table, or a header: every 64-bit word is swapped. The length is a multiple of
    8."""
    words = array("Q", raw)
    words.byteswap()
    return words.tobytes()


def swap_micro(raw: bytes) -> bytes:
    """A micro ZAP's block. Bytes behind the last whole slot stay as they are."""
    out = bytearray(raw)
    L.MICRO_HEADER.to_little(out)
    for slot in range(L.slots_of(len(raw))):
        L.MICRO_SLOT.to_little(out, L.slot_offset(slot))
    return bytes(out)


def swap_leaf(raw: bytes) -> bytes:
    """A leaf of 2^9 bytes or more. OpenZFS panics over a chunk of no known type; here it is swapped as a free
    one is."""
    geo = L.geometry(len(raw).bit_length() - 1)
    out = bytearray(raw)
    L.LEAF_HEADER.to_little(out)
    buckets = array("H", raw[L.LEAF_HEADER_SIZE : geo.first_chunk])
    buckets.byteswap()
    out[L.LEAF_HEADER_SIZE : geo.first_chunk] = buckets.tobytes()
    for at in range(geo.first_chunk, geo.chunks_end, L.CHUNK_SIZE):
        chunk = L.ENTRY_CHUNK if raw[at] == L.CHUNK_ENTRY else L.FREE_CHUNK
        chunk.to_little(out, at)
    return bytes(out)


def table_is_big(raw: bytes, blocks: int) -> bool:
    """Whether a table block of an object with so many blocks is big-endian: whether more of its entries lead
    to existing blocks when they are read as big-endian numbers than when they are read as little-endian
    ones."""
    little = array("Q", raw)
    if not little or max(little) < blocks:
        return False
    big = array("Q", raw)
    big.byteswap()
    return sum([entry < blocks for entry in big]) > sum([entry < blocks for entry in little])
