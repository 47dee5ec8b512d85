"""A key on its way into a ZAP: the bytes that a leaf stores for it, and its hash (zap_name_t)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zapcore.errors import openzfs
from zapcore.hashing import crc64, hash_words

if TYPE_CHECKING:
    from zapcore.zap.zap import Zap

Key = bytes | tuple[int, ...]
"""A name without its final NUL, or one or more 64-bit words."""

HASH28_MASK = ~((1 << 36) - 1) & ((1 << 64) - 1)
HASH48_MASK = ~((1 << 16) - 1) & ((1 << 64) - 1)


class Name:
    """zap_name_t. `stored` is the key as a leaf has it (words big-endian, names with their NUL), `numints`
    its length in integers of `intlen` bytes, `hash` what decides its leaf and bucket."""

    __slots__ = ("hash", "intlen", "key", "numints", "stored", "zap")

    @openzfs("zap_micro.c", "zap_name_alloc_str")
    def __init__(self, zap: Zap, key: Key) -> None:
        self.zap = zap
        self.key = key
        if isinstance(key, tuple):
            self.intlen = 8
            self.numints = len(key)
            self.stored = b"".join([word.to_bytes(8, "big") for word in key])
            hashed = key[0] if zap.prehashed else hash_words(zap.salt, key)
        else:
            self.intlen = 1
            self.numints = len(key) + 1
            self.stored = key + b"\0"
            hashed = crc64(zap.salt, key)
        self.hash = hashed & zap.hash_mask


def key_of(stored: bytes, words: bool) -> Key:
    """The key that a leaf's stored bytes stand for."""
    if words:
        return tuple(int.from_bytes(stored[at : at + 8], "big") for at in range(0, len(stored), 8))
    return stored.split(b"\0", 1)[0]
