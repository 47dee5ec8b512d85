"""What a target asks its worker about crashes inside a sync, and what that answers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

_ASKED = struct.Struct("<IIQ")
_HEAD = struct.Struct("<III")
DIGEST_BYTES = 8


class Asked(NamedTuple):
    """Which states: after every `each`-th write, and `random` in which writes since the last flush are
    missing, drawn from `seed`."""

    each: int
    random: int
    seed: int


class Seen(NamedTuple):
    """A state: how many writes had been made, how many of these that no flush had made sure of are missing,
    and the digests of all ZAPs after an import and after a second one."""

    writes: int
    missing: int
    first: bytes
    second: bytes


class States(NamedTuple):
    """How many writes and flushes the sync took, how many bytes, and the states that were looked at."""

    writes: int
    flushes: int
    size: int
    seen: list[Seen]


def pack_asked(asked: Asked) -> bytes:
    """The body of a request."""
    return _ASKED.pack(*asked)


def unpack_asked(body: bytes) -> Asked:
    """The other way."""
    return Asked(*_ASKED.unpack(body))


def pack_states(states: States) -> bytes:
    """The body of an answer."""
    seen = [struct.pack("<II", each.writes, each.missing) + each.first + each.second for each in states.seen]
    return _HEAD.pack(states.writes, states.flushes, states.size) + b"".join(seen)


def unpack_states(body: bytes) -> States:
    """The other way."""
    writes, flushes, size = _HEAD.unpack_from(body)
    seen = []
    step = 8 + 2 * DIGEST_BYTES
    for at in range(_HEAD.size, len(body), step):
        number, missing = struct.unpack_from("<II", body, at)
        first, second = body[at + 8 : at + 8 + DIGEST_BYTES], body[at + 8 + DIGEST_BYTES : at + step]
        seen.append(Seen(number, missing, first, second))
    return States(writes, flushes, size, seen)


def chosen(flushes: Sequence[int], writes: int, asked: Asked) -> list[int]:
    """The numbers of writes after which a crash is looked at: those asked for, and those at flushes."""
    return sorted({*range(0, writes + 1, max(asked.each, 1)), writes, *flushes})
