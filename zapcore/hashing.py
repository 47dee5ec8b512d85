"""The salted CRC-64 of a name or of words, as the ZAP hashes its keys (module/zfs/zap_micro.c: zap_hash)."""

from __future__ import annotations

from collections.abc import Iterable

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


def crc64(salt: int, data: Iterable[int]) -> int:
    """The CRC-64 of `data`'s bytes, started from `salt`."""
    crc = salt
    table = TABLE
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


def hash_words(salt: int, words: tuple[int, ...]) -> int:
    """The CRC-64 of 64-bit words, each taken from its low byte up."""
    return crc64(salt, b"".join(word.to_bytes(8, "little") for word in words))
