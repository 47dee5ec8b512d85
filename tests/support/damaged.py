"""Objects of every shape, damaged in every way that damage comes: a bit, bytes, blocks, names."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzz.evidence.check.shapes import SHAPES, fields_of, sound_object
from fuzz.language.program import Zap
from zapcore import layout as L
from zapcore.verify.object import check_object

Blocks = list[bytes]


def _put(blocks: Blocks, block: int, at: int, data: bytes) -> Blocks:
    raw = bytearray(blocks[block])
    raw[at : at + len(data)] = data[: len(raw) - at]
    return [*blocks[:block], bytes(raw), *blocks[block + 1 :]]


def one_bit(rng: Random, zap: Zap, blocks: Blocks, bits: int = 1) -> Blocks:
    """A bit of some field, each kind of field as likely as any."""
    places = fields_of(zap, blocks)
    kinds = sorted(places)
    for _ in range(bits):
        place = rng.choice(places[rng.choice(kinds)])
        at = place.at + rng.randrange(place.size)
        blocks = _put(blocks, place.block, at, bytes([blocks[place.block][at] ^ 1 << rng.randrange(8)]))
    return blocks


def several_bits(rng: Random, zap: Zap, blocks: Blocks) -> Blocks:
    return one_bit(rng, zap, blocks, rng.randint(2, 4))


def some_bytes(rng: Random, zap: Zap, blocks: Blocks) -> Blocks:
    block = rng.randrange(len(blocks))
    at = rng.choice((rng.randrange(128), rng.randrange(len(blocks[block]))))
    return _put(blocks, block, min(at, len(blocks[block]) - 1), rng.randbytes(rng.randint(1, 24)))


def a_link(rng: Random, zap: Zap, blocks: Blocks) -> Blocks:
    """A link that leads to a chunk that there is."""
    leaves = [
        block for block in range(1, len(blocks)) if blocks[block][:8] == L.ZBT_LEAF.to_bytes(8, "little")
    ]
    if not leaves:
        return some_bytes(rng, zap, blocks)
    block = rng.choice(leaves)
    geo = L.geometry(len(blocks[block]).bit_length() - 1)
    entries = [entry.chunk for entry in check_object(blocks).entries if entry.block == block] or [0]
    words = [geo.h_chunk + 12 * rng.choice(entries) + field for field in (1, 2, 4, 11)]
    words += [L.H_FREELIST, geo.h_hash + rng.randrange(geo.hash_entries)]
    target = rng.choice((rng.choice(entries), rng.randrange(geo.chunks)))
    return _put(blocks, block, 2 * rng.choice(words), target.to_bytes(2, "little"))


def a_block(rng: Random, zap: Zap, blocks: Blocks) -> Blocks:
    """A block that is zero, is another's, or is missing at the end."""
    block = rng.randrange(len(blocks))
    how = rng.randrange(3)
    if how == 0:
        return _put(blocks, block, 0, bytes(len(blocks[block])))
    if how == 1:
        return _put(blocks, block, 0, blocks[rng.randrange(len(blocks))])
    return blocks[: max(len(blocks) - 1, 1)]


def a_name(rng: Random, zap: Zap, blocks: Blocks) -> Blocks:
    """Bytes of a name, or a name that another entry has."""
    entries = [entry for entry in check_object(blocks).entries if isinstance(entry.key, bytes) and entry.key]
    if not entries:
        return one_bit(rng, zap, blocks)
    entry, other = rng.choice(entries), rng.choice(entries)
    raw = blocks[entry.block]
    old = entry.key[: L.ARRAY_BYTES - 1] if len(blocks) > 1 else entry.key
    assert isinstance(old, bytes) and isinstance(other.key, bytes)
    at = raw.find(old)
    new = other.key if rng.random() < 0.5 and len(other.key) == len(old) else bytes([old[0] ^ 1]) + old[1:]
    return _put(blocks, entry.block, at, new) if at >= 0 else one_bit(rng, zap, blocks)


DAMAGES: tuple[Callable[[Random, Zap, Blocks], Blocks], ...] = (
    *(one_bit, one_bit, one_bit, several_bits),
    *(some_bytes, a_link, a_block, a_name),
)


def damaged_object(rng: Random, number: int) -> tuple[Zap, Blocks, Blocks]:
    """Header, sound blocks and damaged ones: in turn every shape, and every kind of damage."""
    shift = rng.choice((9, 9, 9, 10, 12, 14))
    zap, blocks = sound_object(rng, shift, SHAPES[number % len(SHAPES)])
    damage = DAMAGES[number // len(SHAPES) % len(DAMAGES)]
    return zap, blocks, damage(rng, zap, blocks)
