"""A key on its way into a ZAP: the bytes that a leaf stores for it, and its hash (zap_name_t)."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, NamedTuple

from zapcore.errors import Kind, Panic, ZapErrno, openzfs
from zapcore.hashing import crc64, hash_words
from zapcore.zap.norm import TO_UPPER, Unmappable, normalize, takes_its_nul

if TYPE_CHECKING:
    from zapcore.zap.zap import Zap

Key = bytes | tuple[int, ...]
"""A name without its final NUL, or one or more 64-bit words."""


class Found(NamedTuple):
    """What a lookup finds: the value, whether it has more integers than fit (EOVERFLOW), the key as it is
    stored, and whether another entry matches, too."""

    value: bytes
    more: bool
    key: Key
    conflict: bool


MATCH_NORMALIZE = 1
"""MT_NORMALIZE: every name of the same normal form matches, not only the same name."""
MATCH_CASE = 2
"""MT_MATCH_CASE: together with MATCH_NORMALIZE, only a name of the same case matches."""

MAX_NAME = 256
LONG_NAME = 1024
"""ZAP_MAXNAMELEN and ZAP_MAXNAMELEN_NEW: the room for a name, or for its normal form, and for its NUL. The
larger one is for directories (DMU_OT_DIRECTORY_CONTENTS) in releases with long names. The ZAP does not ask
whether the pool has the feature for it."""


class Name:
    """zap_name_t: a key on its way into a ZAP.

    `stored` is the key as a leaf has it: words are big-endian, and a name has its NUL. `numints` is its
    length in words or bytes. `hash` is the hash of its normal form, which decides in which leaf and bucket it
    is.

    If `match` has MATCH_NORMALIZE, then another name matches if its normal form is `form`. `flags` and `room`
    say how that normal form is made.
    """

    __slots__ = ("flags", "form", "hash", "key", "match", "numints", "room", "stored", "zap")

    @openzfs("zap_micro.c", "zap_name_alloc_str")
    def __init__(self, zap: Zap, key: Key, match: int = 0) -> None:
        """Raises ENOTSUP for a name without a normal form, and for a `match` if the ZAP does not normalize
        names."""
        self.zap = zap
        self.key = key
        self.match = match
        self.stored = stored_key(key)
        if isinstance(key, tuple):
            self.numints = len(key)
            hashed = key[0] if zap.prehashed else hash_words(zap.salt, key)
        else:
            self.numints = len(key) + 1
            if zap.norm:
                self.flags = zap.forms
                long = zap.objset.release.long_names and len(key) >= MAX_NAME
                self.room = LONG_NAME if long else MAX_NAME
                self.form = self._form(key)
            elif match:
                raise ZapErrno(errno.ENOTSUP)
            hashed = crc64(zap.salt, self.form if zap.norm else key)
            if match & MATCH_CASE and zap.norm & TO_UPPER:
                self.flags = zap.forms & ~TO_UPPER
                self.form = self._form(key)
        self.hash = hashed & zap.hash_mask

    def _form(self, key: bytes) -> bytes:
        try:
            form = normalize(key, self.flags, self.room)
        except Unmappable:
            raise ZapErrno(errno.ENOTSUP) from None
        if takes_its_nul(key, self.flags) and self.zap.objset.stale_bytes:
            raise Panic(Kind.STALE_BYTES, "zap_micro.c:zap_name_alloc_str", "a name's normal form has an end")
        return form

    @openzfs("zap_micro.c", "zap_match")
    def matches(self, name: bytes) -> bool:
        """Whether a name that is stored matches this name."""
        if not self.match & MATCH_NORMALIZE:
            return name == self.key
        try:
            return normalize(name, self.flags, self.room) == self.form
        except Unmappable:
            return False


def stored_key(key: Key) -> bytes:
    """A key as a leaf has it: words are big-endian, and a name has its NUL."""
    if isinstance(key, bytes):
        return key + b"\0"
    return key[0].to_bytes(8, "big") if len(key) == 1 else struct.pack(f">{len(key)}Q", *key)


def key_of(stored: bytes, words: bool) -> Key:
    """The key that the bytes stored in a leaf stand for."""
    if words:
        count = len(stored) // 8
        if count == 1:
            return (int.from_bytes(stored[:8], "big"),)
        return struct.unpack(f">{count}Q", stored[: 8 * count])
    return stored.split(b"\0", 1)[0]
