"""What the format makes of a key: its hash, and how many bytes and chunks it and its value take."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from fuzz.language.program import Key, Zap
from zapcore.layout import FLAG_HASH64, FLAG_PRE_HASHED_KEY, array_chunks
from zapcore.verify.name_hash import hash_of_key
from zapcore.zap import MATCH_CASE
from zapcore.zap.name import LONG_NAME, MAX_NAME
from zapcore.zap.norm import TO_UPPER, Unmappable, normalize


def hash_bits(zap: Zap) -> int:
    """How many bits a hash has (zap_hashbits)."""
    return zap.hash_bits or (48 if zap.hash64 else 28)


def max_cd(zap: Zap) -> int:
    """The differentiator at which a serialized cursor begins with none (zap_maxcd, as 32 bits)."""
    return 0xFFFF if zap.hash64 else 0xFFFFFFFF


Hashing = tuple[int, int, int, int]
"""What a hash depends on beside the key: salt, flags, normalization, and bits (0 for as many as the flags
say)."""


def hashing(zap: Zap) -> Hashing:
    """How a ZAP hashes its keys."""
    flags = FLAG_HASH64 * zap.hash64 | FLAG_PRE_HASHED_KEY * zap.prehashed
    return zap.salt, flags, zap.norm, zap.hash_bits


def hash_of(key: Key, how: Hashing) -> int:
    """The hash of a key that is there, or can be."""
    hashed = hash_of_key(key, *how)
    assert hashed is not None
    return hashed


def stored_bytes(key: Key) -> int:
    """How many bytes a leaf stores of a key: words, or a name and its NUL."""
    return 8 * len(key) if isinstance(key, tuple) else len(key) + 1


def chunks(key: Key, value_bytes: int) -> int:
    """How many chunks of a leaf an entry takes."""
    return 1 + array_chunks(stored_bytes(key)) + array_chunks(value_bytes)


def form(key: bytes, flags: int, room: int = 0) -> bytes | None:
    """A name's normal form; None if it has none, or not that much room."""
    try:
        return normalize(key, flags, room or (LONG_NAME if len(key) >= MAX_NAME else MAX_NAME))
    except Unmappable:
        return None


def refused_form(zap: Zap, key: bytes, match: int, long_names: bool) -> int:
    """ENOTSUP for a name that has no normal form, or not one for its case where `match` asks for that; and
    for any match where names have no form. Else 0 (zap_name_alloc_str)."""
    if not zap.norm:
        return errno.ENOTSUP if match else 0
    room = LONG_NAME if long_names and len(key) >= MAX_NAME else MAX_NAME
    if form(key, zap.norm, room) is None:
        return errno.ENOTSUP
    cased = match & MATCH_CASE and zap.norm & TO_UPPER
    return errno.ENOTSUP if cased and form(key, zap.norm & ~TO_UPPER, room) is None else 0


def matching(zap: Zap, bucket: Sequence[tuple[int, Key]], key: bytes, match: int) -> list[Key]:
    """Which of the names of its hash a name matches if normalized, in the order in which they are found."""
    flags = zap.norm & ~TO_UPPER if match & MATCH_CASE else zap.norm
    wanted = form(key, flags)
    return [name for _, name in bucket if isinstance(name, bytes) and form(name, flags) == wanted]
