"""How a compressed block begins once it is decompressed: enough to see that a ZAP's block was read without
decompressing it. The whole of it is zdb's work.

Formats of module/zfs/lz4.c, lzjb.c, zle.c, gzip.c and module/zstd. No bytes make these raise.
"""

from __future__ import annotations

import zlib

WANTED = 64
"""Bytes: more than any header's type and magic."""


def lz4(data: bytes) -> bytes:
    """A big-endian length and then LZ4's sequences: literals, then a match in what was written."""
    size = int.from_bytes(data[:4], "big")
    if not 0 < size <= len(data) - 4:
        return b""
    out = bytearray()
    at = 4
    while len(out) < WANTED and at < len(data):
        token = data[at]
        at += 1
        literals, at = _length(data, at, token >> 4)
        out += data[at : at + literals]
        at += literals
        back = int.from_bytes(data[at : at + 2], "little")
        match, at = _length(data, at + 2, token & 15)
        if not 0 < back <= len(out):
            break
        _copy(out, back, min(match + 4, WANTED))
    return bytes(out)


def _length(data: bytes, at: int, nibble: int) -> tuple[int, int]:
    """A length that goes on in bytes of 255, and where what follows it begins."""
    if nibble == 15:
        while at < len(data):
            nibble += data[at]
            at += 1
            if data[at - 1] != 255:
                break
    return nibble, at


def _copy(out: bytearray, back: int, count: int) -> None:
    for _ in range(count):
        out.append(out[-back])


def lzjb(data: bytes) -> bytes:
    """A byte says of the eight items after it which are literals and which matches."""
    out = bytearray()
    at = 0
    while len(out) < WANTED and at < len(data):
        copies = data[at]
        at += 1
        for bit in range(8):
            if at + 1 >= len(data):
                return bytes(out)
            if not copies >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            back = (data[at] << 8 | data[at + 1]) & 0x3FF
            if not 0 < back <= len(out):
                return bytes(out)
            _copy(out, back, (data[at] >> 2) + 3)
            at += 2
    return bytes(out)


def zle(data: bytes) -> bytes:
    """Runs of up to 64 bytes as they are, and of zeros."""
    out = bytearray()
    at = 0
    while len(out) < WANTED and at < len(data):
        length = 1 + data[at]
        at += 1
        if length <= 64:
            out += data[at : at + length]
            at += length
        else:
            out += bytes(length - 64)
    return bytes(out)


def gzip(data: bytes) -> bytes:
    """A zlib stream."""
    try:
        return zlib.decompressobj().decompress(data, WANTED)
    except zlib.error:
        return b""


METHODS = {"lz4": lz4, "lzjb": lzjb, "zle": zle, "gzip": gzip}
"""What gives the first bytes of a block compressed by each."""


def is_zstd(data: bytes) -> bool:
    """Whether a block begins as zstd's do: a length, a level and a version from 1.4.5 (zfs_zstdhdr_t)."""
    size, version = int.from_bytes(data[:4], "big"), int.from_bytes(data[5:8], "big")
    return 0 < size <= len(data) - 8 and 10_405 <= version < 20_000 and any(data[8:16])
