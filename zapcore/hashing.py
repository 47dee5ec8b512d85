"""The salted CRC-64 of a name or of words, as the ZAP hashes its keys (module/zfs/zap_micro.c: zap_hash), and
its inverse: a name for a wanted hash."""

from __future__ import annotations

import functools
import struct

POLYNOMIAL = 0xC96C5795D7870F42
"""ZFS_CRC64_POLY: the reflected ECMA-182 polynomial."""


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
        entries.append(crc)
    return tuple(entries)


TABLE = _table()


@functools.lru_cache(maxsize=1 << 12)
def crc64(salt: int, data: bytes) -> int:
    """The CRC-64 of some bytes, started from `salt`. The last results are remembered, because the same keys
    come again and again."""
    crc = salt
    table = TABLE
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


def hash_words(salt: int, words: tuple[int, ...]) -> int:
    """The CRC-64 of 64-bit words, started from `salt`. Of each word the lowest byte comes first."""
    return crc64(salt, struct.pack(f"<{len(words)}Q", *words))


SUFFIX_CHARS = 20
FREE_BITS = 4
SUFFIX_BASE = 0x30
"""A character of the suffix is this number plus its four free bits: a digit or one of :;<=>?. No normal form
changes any of these characters."""


@functools.cache
def _solver() -> tuple[tuple[int, int], ...]:
    """For each bit of a CRC, from the highest one down: which bits of the CRC flip, and which bits of the
    suffix have to be flipped for that. The bit itself is one of those that flip; no bit above it is.

    Found by Gaussian elimination, once.
    """
    rows = []
    for free in range(SUFFIX_CHARS * FREE_BITS):
        flipped = bytearray(SUFFIX_CHARS)
        flipped[free // FREE_BITS] = 1 << (free % FREE_BITS)
        rows.append((crc64(0, bytes(flipped)), 1 << free))
    pivots: list[tuple[int, int]] = []
    for bit in range(63, -1, -1):
        index = next((i for i, (effect, _) in enumerate(rows) if effect >> bit & 1), None)
        if index is None:  # pragma: no cover - 80 free bits reach every one of 64
            raise ArithmeticError(f"no suffix flips bit {bit}")
        effect, choice = rows.pop(index)
        rows = [(e ^ effect, c ^ choice) if e >> bit & 1 else (e, c) for e, c in rows]
        pivots.append((effect, choice))
    return tuple(pivots)


def name_for_hash(salt: int, wanted: int, bits: int, stem: bytes = b"") -> bytes:
    """A name that starts with `stem` and whose CRC-64 from `salt` agrees with `wanted` in the first `bits`
    bits (0 to 64).

    The name needs no search, because a CRC is linear: what a flipped bit of the name does to it depends only
    on how many bytes follow that bit. So the name is `stem` and 20 more characters, in each of which four
    bits are free, and these bits are the solution of a system of linear equations.
    """
    crc = crc64(salt, stem + bytes([SUFFIX_BASE]) * SUFFIX_CHARS)
    choices = 0
    for at, (effect, choice) in enumerate(_solver()[:bits]):
        if (crc ^ wanted) >> (63 - at) & 1:
            crc ^= effect
            choices ^= choice
    mask = (1 << FREE_BITS) - 1
    suffix = [SUFFIX_BASE | (choices >> (FREE_BITS * at) & mask) for at in range(SUFFIX_CHARS)]
    return stem + bytes(suffix)
