"""ZAP blocks written on a big-endian machine, turned into little-endian ones (zap_byteswap in
module/zfs/zap_micro.c, fzap_byteswap in zap.c, zap_leaf_byteswap in zap_leaf.c).

The DMU keeps the byte order for each block, so an object can have both. Leaves, headers and micro ZAPs show
theirs by their type; a pointer table shows it only by what its entries lead to.
"""

from __future__ import annotations

import struct
from array import array

from zapcore import layout as L
from zapcore.zap.micro import SLOT

TYPES = (L.ZBT_LEAF, L.ZBT_HEADER, L.ZBT_MICRO)
_ENTRY_BIG = struct.Struct(">BBHHHHHIQ")
_ENTRY_LITTLE = struct.Struct("<BBHHHHHIQ")


def is_big(raw: bytes) -> bool:
    """Whether a block's type is one of a ZAP's when read as big-endian."""
    return int.from_bytes(raw[:8], "big") in TYPES


def swap_words(raw: bytes) -> bytes:
    """A header or table block: 64-bit words. The length is a multiple of 8."""
    words = array("Q", raw)
    words.byteswap()
    return words.tobytes()


def swap_micro(raw: bytes) -> bytes:
    """A micro ZAP's block: three words, then each slot's value and differentiator."""
    out = bytearray(raw)
    out[:24] = swap_words(raw[:24])
    for at in range(SLOT, len(raw) - SLOT + 1, SLOT):
        out[at : at + 8] = raw[at : at + 8][::-1]
        out[at + 8 : at + 12] = raw[at + 8 : at + 12][::-1]
    return bytes(out)


def swap_leaf(raw: bytes) -> bytes:
    """A leaf of 2^9 bytes or more. A chunk of no known type, over which the real one panics, is swapped like
    a free one."""
    geo = L.geometry(len(raw).bit_length() - 1)
    out = bytearray(raw)
    for at, size in ((0, 8), (16, 8), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2)):
        out[at : at + size] = raw[at : at + size][::-1]
    buckets = array("H", raw[L.LEAF_HEADER_SIZE : geo.first_chunk])
    buckets.byteswap()
    out[L.LEAF_HEADER_SIZE : geo.first_chunk] = buckets.tobytes()
    for at in range(geo.first_chunk, geo.first_chunk + L.CHUNK_SIZE * geo.chunks, L.CHUNK_SIZE):
        if raw[at] == L.CHUNK_ENTRY:
            _ENTRY_LITTLE.pack_into(out, at, *_ENTRY_BIG.unpack_from(raw, at))
        else:
            out[at + 22], out[at + 23] = raw[at + 23], raw[at + 22]
    return bytes(out)


def table_is_big(raw: bytes, blocks: int) -> bool:
    """Whether the entries of a table block lead to existing blocks when read as big-endian, and not (or
    fewer of them) as little-endian."""
    little = array("Q", raw)
    if not little or max(little) < blocks:
        return False
    big = array("Q", raw)
    big.byteswap()
    return sum([entry < blocks for entry in big]) > sum([entry < blocks for entry in little])
