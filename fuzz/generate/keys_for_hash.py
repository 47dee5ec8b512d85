"""Keys for a wanted place: a key whose hash begins with given bits, whatever kind of keys a ZAP has.

It knows how keys hash and nothing of leaves. CRC-64 is affine, so eight free bytes reach any hash.
"""

from __future__ import annotations

from random import Random

from fuzz.judge.keys import form
from fuzz.language.program import U64, Key, Zap
from zapcore.hashing import TABLE, crc64, name_for_hash

_BY_TOP = {entry >> 56: index for index, entry in enumerate(TABLE)}
_TRIES = 64


def hash_of(zap: Zap, key: Key) -> int:
    """All 64 bits of a key's hash in this ZAP, before low bits are cut off."""
    if isinstance(key, bytes):
        return crc64(zap.salt, key if not zap.norm else form(key, zap.norm) or key)
    if zap.prehashed:
        return key[0]
    return crc64(zap.salt, b"".join(word.to_bytes(8, "little") for word in key))


def _register_before(wanted: int) -> int:
    """The CRC register that eight NUL bytes turn into `wanted`."""
    crc = wanted
    for _ in range(8):
        index = _BY_TOP[crc >> 56]
        crc = ((crc ^ TABLE[index]) << 8 & U64) | index
    return crc


def key_for(zap: Zap, wanted: int, bits: int, rng: Random) -> Key:
    """A key whose hash has the first `bits` bits of `wanted`; the bits after them are random.

    Of a key of many words the last is made to fit (the first, where it is the hash itself); the others are
    all alike, 0 or 1, so that several keys may have one hash.
    """
    mask = (1 << (64 - bits)) - 1
    others = (int(rng.random() < 0.3),) * (zap.words - 1)
    if zap.prehashed:
        return (wanted & ~mask | rng.getrandbits(64) & mask, *others)
    if zap.words:
        head = others
        start = crc64(zap.salt, b"".join(word.to_bytes(8, "little") for word in head))
        return (*head, _register_before(wanted & ~mask | rng.getrandbits(64) & mask) ^ start)
    if zap.norm or bits == 64:
        # several names for one hash, and each its own normal form
        return name_for_hash(
            zap.salt, wanted & ~mask | rng.getrandbits(64) & mask, 64, b"%d" % rng.randrange(99)
        )
    for _ in range(_TRIES):
        tail = _register_before(wanted & ~mask | rng.getrandbits(64) & mask) ^ zap.salt
        name = tail.to_bytes(8, "little")
        if 0 not in name:
            break
    return name.replace(b"\0", b"\1")
