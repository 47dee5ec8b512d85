"""The hash that a key must have, from what the header says: salt, flags, normalization (zap_hash)."""

from __future__ import annotations

import functools

from zapcore import layout as L
from zapcore.hashing import crc64, hash_words
from zapcore.zap.name import LONG_NAME, MAX_NAME, Key
from zapcore.zap.norm import Unmappable, normalize

_CASES = (0, 1, 2, 4)
_FORMS = (0, 0x10, 0x20, 0x50, 0x60)


@functools.lru_cache(maxsize=4096)
def hash_of_key(key: Key, salt: int, flags: int, norm: int, bits: int = 0) -> int | None:
    """The hash as an entry stores it, of `bits` bits (0 for as many as the flags say). None if no ZAP can
    have these flags, or if the name has no normal form."""
    if isinstance(key, tuple):
        whole = key[0] if flags & L.FLAG_PRE_HASHED_KEY else hash_words(salt, key)
    else:
        form = _form(key, norm)
        if form is None:
            return None
        whole = crc64(salt, form)
    return whole & L.hash_mask(bits or L.hash_bits(flags))


def known_form(norm: int) -> bool:
    """Whether these are normalization flags that u8_textprep_str() takes together."""
    return norm & 7 in _CASES and norm & ~7 in _FORMS


def _form(name: bytes, norm: int) -> bytes | None:
    if not norm:
        return name
    if not known_form(norm):
        return None
    try:
        return normalize(name, norm, LONG_NAME if len(name) >= MAX_NAME else MAX_NAME)
    except Unmappable:
        return None
