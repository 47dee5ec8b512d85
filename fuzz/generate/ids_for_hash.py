"""Ids of users, groups and projects for a wanted place: in a ZAP of usage an id is named by its hexadecimal
digits.

There are 2^32 ids and 28 bits of a hash count, so some ids have one hash, whatever the salt is: a CRC is
affine, and two names of one length differ by the same bits under every salt.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from random import Random

from zapcore.hashing import crc64

DIGITS = 8
_HALF = 1 << 16
_FIRST_LONG = 1 << 12
"""The first upper half with which an id has all its digits."""
_SEARCHED = 14
"""Bits up to which nearly each upper half goes with some lower half."""
_FEW = 4


@functools.cache
def _effects(text: str) -> list[int]:
    """What each half of an id does to a hash, all of it beside what digits 0 do."""
    plain = crc64(0, (text % 0).encode())
    return [crc64(0, (text % half).encode()) ^ plain for half in range(_HALF)]


@functools.cache
def _lower_by_bits(bits: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for low, effect in enumerate(_effects("%04x")):
        found.setdefault(effect >> (64 - bits), []).append(low)
    return found


def ids_for_hash(salt: int, wanted: int, bits: int, rng: Random, prefix: bytes = b"") -> Iterator[int]:
    """Ids of eight digits in a random order whose names, behind `prefix`, have a hash with the first `bits`
    bits (1 to 28) of `wanted`. There are some 2^(32 - bits)."""
    away = wanted ^ crc64(salt, prefix + b"0" * DIGITS)
    if bits > _SEARCHED:
        found = list(_rare_ids(away >> (64 - bits), bits))
        rng.shuffle(found)
        yield from found
        return
    lows, uppers = _lower_by_bits(bits), _effects("%04x0000")
    while True:
        high = rng.randrange(_FIRST_LONG, _HALF)
        for low in lows.get((uppers[high] ^ away) >> (64 - bits), ())[: rng.randrange(1, _FEW)]:
            yield high << 16 | low


@functools.lru_cache(maxsize=64)
def _rare_ids(away: int, bits: int) -> tuple[int, ...]:
    """All ids of eight digits whose effect on a hash begins with these bits."""
    lows, uppers = _lower_by_bits(bits), _effects("%04x0000")
    return tuple(
        high << 16 | low
        for high in range(_FIRST_LONG, _HALF)
        for low in lows.get(uppers[high] >> (64 - bits) ^ away, ())
    )
