"""Programs about many small entries: large micro ZAPs, full leaves, splits that move dozens."""

from __future__ import annotations

from random import Random

from fuzz.generate.keys_for_hash import hash_of, key_for
from fuzz.generate.leaf_programs import CURSORS, Theme, random_op, theme
from fuzz.generate.whole_language import any_zap
from fuzz.language.program import U64, Key, Op, Program, Zap
from zapcore.layout import FLAG_HASH64, geometry, hash_bits, slots_of

COUNTS = (30, 60, 60, 120, 120, 240)
"""How many entries, one of these for a program."""
WHOLE_BLOCK, MOST_SECTORS, OPENED = 0.7, 16, 0.5
"""How often a micro ZAP's entries take all slots of a block of so many sectors at most; and how often the
object is opened anew before something else is done, so that what is in memory is made of the block."""
OVERFULL = 2050
"""Of a micro ZAP, at times: more than its 128 KiB hold."""
OVERFULL_MAXIMA = (0, 0, (1 << 17) + 512, 1 << 18, 1 << 20)
"""How large it may become then."""
ALIKE, MANY, FEWEST, MOST_CHUNKS = 0.25, 45, 8, 7
"""How often all keys of a program have the same hash, if keys of the ZAP can be chosen so. There are MANY
such keys, or as many as one leaf has room for if each entry takes MOST_CHUNKS chunks; if these are fewer than
FEWEST, it is not done. More keys would make the table grow without end."""
ONE_HASH = 30
"""Bits of a word that is its own hash, of which 28 count."""
SOME_OPS = 30
ONE_CHAIN, CHUNKS = 20, 5
"""Bits that all hashes share where a leaf has room for all entries, of so many chunks each: they are in one
bucket then."""


def _small(rng: Random, zap: Zap, key: Key) -> Op:
    size, length = (8, 1) if not zap.fat else rng.choice(((8, 1), (8, 1), (1, 1), (4, 2), (1, 0), (2, 3)))
    return Op("add", zap.name, key, size, length, rng.getrandbits(3))


def _walk(rng: Random, zap: Zap, hashed: int, count: int) -> list[Op]:
    """Go past some of the entries of one hash, serialize the cursor there, and begin another cursor at the
    place of any of them."""
    first, second = CURSORS[0], CURSORS[1]
    bits = hash_bits(FLAG_HASH64 * zap.hash64)
    place = hashed >> (64 - bits) | rng.randrange(count + 2) << bits
    return [
        Op("cursor", first, other=zap.name),
        *[Op("next", first)] * rng.randint(1, count + 1),
        Op("serialize", first),
        Op("cursor", second, other=zap.name, fill=place & U64),
        *[Op("next", second)] * 2,
    ]


def many_entries_program(rng: Random) -> Program:
    """Add many, do a few other things, remove some or all, do a few more, add some back."""
    zap = any_zap(rng, "z")
    base = rng.getrandbits(64)
    count = OVERFULL if not zap.fat and rng.random() < 0.05 else rng.choice(COUNTS)
    if count == OVERFULL:
        zap = zap._replace(micro_max=rng.choice(OVERFULL_MAXIMA))
    elif not zap.fat and rng.random() < WHOLE_BLOCK:
        count = slots_of(512 * rng.randint(1, MOST_SECTORS))
    elif not zap.fat:
        zap = zap._replace(micro_max=0 if rng.random() < 0.5 else 512 * rng.randint(1, count // 8 + 2))
    roomy = CHUNKS * count < geometry(zap.leaf_shift).chunks
    bits = rng.choice((0, 0, 1, 3, 7, ONE_CHAIN if roomy else 0))
    most = geometry(zap.leaf_shift).chunks // MOST_CHUNKS
    alike = (not zap.words or (zap.prehashed and not zap.hash64)) and most >= FEWEST and rng.random() < ALIKE
    if alike:
        bits, count = (ONE_HASH if zap.words else 64), min(MANY, most)
    keys = [key_for(zap, base, bits, rng) for _ in range(count)]
    some = theme(rng)
    about = Theme({zap.name: zap}, {zap.name: keys}, {zap.name: [1, 8, 22]}, some.verbs, some.weights)
    gone = rng.sample(keys, rng.choice((len(keys), len(keys), len(keys) // 2, len(keys) // 8)))
    pieces = [
        [_small(rng, zap, key) for key in keys],
        [Op("remove", zap.name, key) for key in gone],
        [_small(rng, zap, key) for key in gone[: len(gone) // rng.choice((1, 2, 4))]],
    ]
    ops: list[Op] = []
    for piece in pieces:
        ops += piece
        if rng.random() < OPENED:
            ops += [Op("reopen"), Op(rng.choice(("count", "readdir", "stats")), zap.name)]
        ops += [random_op(rng, about) for _ in range(rng.randint(1, SOME_OPS))]
        if alike:
            ops += _walk(rng, zap, hash_of(zap, keys[0]), count)
    return Program((zap,), tuple(ops))
