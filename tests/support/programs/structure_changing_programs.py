"""Programs that dwell where a fat ZAP's structure changes: keys along one path of prefixes, values that fill
a leaf, leaves emptied and filled again, txg steps and parked cursors between. Only chance: the Random."""

from __future__ import annotations

from random import Random

from fuzz.language.program import U64, Key, Op, Program, Zap

VALUES = {9: (180, 180, 90, 60, 1), 10: (400, 400, 190, 1), 14: (8192, 8191, 4000, 1)}
"""Per leaf shift: lengths of which one, two or three fit into a leaf with others, or many."""

VERBS = {
    "add": (5, 30),
    "remove": (5, 30),
    "update": (0, 5),
    "lookup": (0, 3),
    "length": (0, 1),
    "count": (0, 1),
    "txg": (0, 6),
    "finish": (0, 3),
    "sync": (0, 3),
    "evict": (0, 2),
    "cursor": (0, 5),
    "next": (0, 14),
    "retrieve": (0, 4),
    "close": (0, 2),
}
"""How often each verb comes, at least and at most; drawn anew for each program."""


def biased_program(rng: Random) -> Program:
    """One program of some 10 to 150 ops on one ZAP: mostly pre-hashed keys and small leaves."""
    zap, keys = _shape(rng)
    lengths = rng.sample(VALUES[zap.leaf_shift], rng.randint(1, 3))
    if not zap.fat and rng.random() < 0.8:
        lengths = [-1] * 9 + lengths[: rng.randint(0, 1)]
    weights = {verb: rng.randint(*bounds) for verb, bounds in VERBS.items()}
    ops: list[Op] = []
    for _ in range(rng.randint(1, 5)):
        order = rng.sample(keys, len(keys))
        phase = rng.random()
        if phase < 0.3:
            ops += [_write(rng, "add", key, lengths) for key in order]
        elif phase < 0.55:
            for key in order:
                ops.append(Op("remove", "z", key))
                if rng.random() < 0.15:
                    ops.append(_op(rng, weights, keys, lengths))
        else:
            ops += [_op(rng, weights, keys, lengths) for _ in range(rng.randint(3, 40))]
    return Program((zap,), tuple(ops))


def _shape(rng: Random) -> tuple[Zap, list[Key]]:
    kind = rng.random()
    wide = rng.random() < 0.8
    if kind < 0.8:
        shift = rng.choice((9, 9, 9, 9, 10, 14))
        return Zap("z", words=1, prehashed=True, hash64=wide, leaf_shift=shift), _keys(rng)
    names: list[Key] = [bytes([97 + letter]) for letter in range(rng.choice((3, 8, 20)))]
    if kind < 0.93:
        return Zap("z", hash64=True, leaf_shift=9), names
    return Zap("z", fat=False, leaf_shift=9), names


def _keys(rng: Random) -> list[Key]:
    """Keys that leave one path at each of its first bits; some that differ only in bits no hash has."""
    root = rng.choice((0, 0, 1 << 63, rng.getrandbits(64)))
    words = [root]
    for bit in range(rng.choice((2, 3, 4, 5, 6, 7, 7, 8))):
        turned = root ^ (1 << (63 - bit))
        if rng.random() < 0.8:
            words.append(turned)
        if rng.random() < 0.3:
            words.append(turned ^ (1 << (62 - bit)))
    for _ in range(rng.randint(0, 4)):
        words.append(rng.choice(words) ^ rng.getrandbits(rng.choice((8, 16, 36, 60))))
    return [(word & U64,) for word in dict.fromkeys(words)]


def _write(rng: Random, verb: str, key: Key, lengths: list[int]) -> Op:
    length = rng.choice(lengths)
    fill = rng.choice((0, 0, 5))
    if length < 0:
        return Op(verb, "z", key, 8, 1, fill)
    size = rng.choice((1, 1, 1, 1, 2, 4, 8))
    return Op(verb, "z", key, size, length // size, fill)


def _op(rng: Random, weights: dict[str, int], keys: list[Key], lengths: list[int]) -> Op:
    verb = rng.choices(list(weights), list(weights.values()))[0]
    if verb in ("add", "update"):
        return _write(rng, verb, rng.choice(keys), lengths)
    if verb in ("remove", "length"):
        return Op(verb, "z", rng.choice(keys))
    if verb == "lookup":
        return Op(verb, "z", rng.choice(keys), rng.choice((1, 8)), rng.choice((*map(abs, lengths), 1024)))
    if verb in ("cursor", "next", "retrieve", "close"):
        return Op(verb, rng.choice("ccd"), other="z" if verb == "cursor" else "")
    return Op(verb, "z" if verb == "count" else "")
