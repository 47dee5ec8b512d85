"""Random programs. The only source of chance is the `random.Random` that is passed in.

A program is drawn in two steps: first a theme (which ZAPs, a few keys with hashes near each other, a few
sizes of values that matter to a leaf, which groups of verbs and how often), then ops of that theme. With few
keys and few sizes, many ops work on the same entries. With few groups of verbs, the ops that a bug needs come
close to each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from random import Random
from typing import Any

from fuzz.generate.keys_for_hash import key_for
from fuzz.generate.rooms import room_for_value
from fuzz.generate.whole_language import any_key, with_micro_max
from fuzz.language.program import MAX_VALUE, U64, Key, Op, Program, Zap
from fuzz.language.validate import NORMS
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import INTS, VALUED
from fuzz.language.verbs import VERBS
from zapcore.layout import ARRAY_BYTES, geometry

WEIGHTS: Mapping[str, int] = {name: verb.draw.weight for name, verb in VERBS.items() if verb.draw.weight}
"""How often each verb is drawn, before some are left out; verbs without a weight are never drawn."""
ALWAYS = frozenset(name for name, verb in VERBS.items() if verb.draw.always)
GROUPS = {name: VERBS[name].draw.group for name in WEIGHTS}
"""The group that each verb is drawn with or left out with; those of ALWAYS are in every program."""
CHANCES = {
    **{"time": 0.7, "cursors": 0.5, "objects": 0.25, "forms": 0.1, "usage": 0.02, "tasks": 0.02},
    **{"ints": 0.1, "helpers": 0.15},
    **{"errors": 0.02, "crashes": 0.02, "moves": 0.02, "room": 0.02, "holes": 0.05},
}
"""Of a group, that a program uses it; 0.3 for the others."""

CURSORS = ("c", "d")
TIME = ("txg", "txg", "txg", "finish", "sync", "sync", "evict")
ZAP_NAMES = ("z", "y", "x", "w")


@dataclasses.dataclass(frozen=True, slots=True)
class Parameters:
    """What random programs look like. Chances are of 1.

    `left_out`: that a verb of a group that is used is not; `many`: that a program has up to MANY times as
    many keys; `known_key`: that an op takes a key of the theme; `phased`: that a program goes on in phases;
    `max_shift`: the largest leaf block, log2 of bytes, that a header line asks for.
    """

    min_ops: int = 8
    max_ops: int = 80
    min_keys: int = 2
    max_keys: int = 6
    lengths: int = 2
    second_zap: float = 0.1
    left_out: float = 0.2
    many: float = 0.2
    known_key: float = 0.97
    phased: float = 0.5
    max_shift: int = 14
    weights: Mapping[str, int] = dataclasses.field(default_factory=lambda: WEIGHTS)


DEFAULT = Parameters()
MANY = 3
TWINS = 0.15
"""That all keys of a ZAP have one hash."""
ODD = 0.25
"""Of names: that they are of all lengths, and spellings of each other."""
IDS = 16
"""How many ids verbs on them have."""
WIDE = (1 << 32, 1 << 63, U64 - 15)
"""Bits above those of few ids."""
PHASE = (2, 14)
"""The least and the most ops of a phase."""
STRESSED = ("add", "add", "remove", "remove", "cursors", "time", "objects")
"""What a phase is about: a verb or a group. So objects fill, are walked over, empty and fill again."""
STRESS = 8


@dataclasses.dataclass(slots=True)
class Theme:
    """What the ops of a program are drawn from."""

    zaps: dict[str, Zap]
    keys: dict[str, list[Key]]
    lengths: dict[str, list[int]]
    verbs: list[str]
    weights: list[int]


def random_zap(rng: Random, name: str = "z", max_shift: int = 14) -> Zap:
    """A header line: mostly small leaves and keys that are their own hash, at times anything else."""
    shift = 9 if rng.random() < 0.75 else rng.randint(9, max_shift)
    kind = rng.random()
    salt = rng.getrandbits(64) | 1 if rng.random() < 0.1 else Zap(name).salt
    wide = rng.random() < 0.5
    if kind < 0.6:
        return Zap(name, words=1, prehashed=True, hash64=wide, leaf_shift=shift, salt=salt)
    if kind < 0.7:
        words = rng.choice((1, 1, 2, 3))
        return Zap(name, words=words, prehashed=rng.random() < 0.3, hash64=wide, leaf_shift=shift, salt=salt)
    norm = rng.choice(NORMS) if rng.random() < 0.2 else 0
    if kind < 0.85:
        return Zap(name, hash64=True, leaf_shift=shift, norm=norm, salt=salt)
    return with_micro_max(rng, Zap(name, fat=False, leaf_shift=shift, norm=norm, salt=salt))


def sizes_that_matter(zap: Zap, rng: Random) -> int:
    """A value's length in bytes: none, a few, or so many that 1, 2, 3 or 4 such entries just fill a leaf or
    just do not fit in it."""
    choice = rng.random()
    if choice < 0.25:
        return rng.choice((0, 1, 8, 21, 22))
    if choice < 0.28:
        return rng.choice((MAX_VALUE, MAX_VALUE - 1))
    chunks = geometry(zap.leaf_shift).chunks
    share = chunks // rng.choice((1, 2, 2, 2, 3, 4))
    # one chunk is the entry's own, one or more its key's
    spare = share - 1 - max(1, -(-8 * zap.words // ARRAY_BYTES))
    length = ARRAY_BYTES * max(spare, 0) + rng.choice((0, 1, 1, ARRAY_BYTES))
    return min(length, MAX_VALUE)


def half_of_leaf(zap: Zap) -> int:
    """The length of a value in bytes that leaves no room for a second one."""
    return min(ARRAY_BYTES * (geometry(zap.leaf_shift).chunks // 2), MAX_VALUE)


def near_keys(zap: Zap, count: int, rng: Random) -> list[Key]:
    """Keys that share some leading bits of their hashes: the corners of a few nested prefixes, and their
    end."""
    base = rng.choice((0, 0, 0, 1 << 63, U64, rng.getrandbits(64)))
    if not zap.words and rng.random() < ODD:
        return [any_key(rng, zap) for _ in range(count)]
    if rng.random() < TWINS and not (zap.prehashed and zap.words == 1):
        return [key_for(zap, base, 64, rng) for _ in range(count)]
    depth = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 7, 8))
    plain = rng.choice((0.5, 0.5, 0))
    keys: list[Key] = []
    for _ in range(count):
        if rng.random() < plain:
            keys.append(plain_key(zap, len(keys), depth))
            continue
        bits = rng.randint(0, depth)
        turned = base if bits == depth else base ^ (1 << (63 - bits))
        keys.append(key_for(zap, turned, rng.choice((bits + 1, bits + 1, 64)), rng))
    return keys


def plain_key(zap: Zap, number: int, depth: int) -> Key:
    """The number-th key of a grid: words spread over the first `depth` bits, or names a, b, c..."""
    if not zap.words:
        return b"abcdefghijklmnopqrstuvwxyz"[number % 26 : number % 26 + 1] * (1 + number // 26)
    spread = int(f"{number % (1 << depth):0{depth}b}"[::-1], 2)
    return (spread << (64 - depth), *([0] * (zap.words - 1)))


def theme(rng: Random, parameters: Parameters = DEFAULT) -> Theme:
    """Draw what a program will be about."""
    count = 1 + (rng.random() < parameters.second_zap)
    zaps = {name: random_zap(rng, name, parameters.max_shift) for name in ZAP_NAMES[:count]}
    keys = {}
    lengths = {}
    for name, zap in zaps.items():
        most = parameters.max_keys * (MANY if rng.random() < parameters.many else 1)
        keys[name] = near_keys(zap, rng.randint(parameters.min_keys, most), rng)
        wanted = rng.randint(1, parameters.lengths)
        lengths[name] = [sizes_that_matter(zap, rng) for _ in range(wanted)]
    groups = {group for group in dict.fromkeys(GROUPS.values()) if rng.random() < CHANCES.get(group, 0.3)}
    verbs = [
        verb
        for verb in parameters.weights
        if verb in ALWAYS or (GROUPS[verb] in groups and rng.random() >= parameters.left_out)
    ]
    stress = {group: rng.choice((1, 1, 3)) for group in dict.fromkeys(GROUPS.values())}
    weights = [parameters.weights[verb] * (1 if verb in ALWAYS else stress[GROUPS[verb]]) for verb in verbs]
    return Theme(zaps, keys, lengths, verbs, weights)


def random_op(rng: Random, about: Theme, parameters: Parameters = DEFAULT) -> Op:
    """One op of a theme."""
    name = rng.choices(about.verbs, about.weights)[0]
    return op_of(rng, name, about, parameters)


def op_of(rng: Random, name: str, about: Theme, parameters: Parameters = DEFAULT) -> Op:
    """An op of the given verb, its target, key and numbers drawn from the theme."""
    verb = VERBS[name]
    if verb.subject is Subject.NONE:
        return Op(name, **numbers_of(rng, name))
    zap = _some_zap(rng, about)
    numbers = numbers_of(rng, name)
    if name in ("lookup", "lookup_norm") and rng.random() < 0.3:
        numbers["length"] = room_for_value(rng, rng.choice(about.lengths[zap.name]))
    if verb.subject is Subject.CURSOR:
        cursor = CURSORS[rng.random() < 0.2]
        return Op(name, cursor, other=zap.name if verb.other else "", **numbers)
    key = _some_key(rng, about, zap, parameters) if verb.key else None
    if name in VALUED:
        return written(rng, name, zap, key, rng.choice(about.lengths[zap.name]))
    op = Op(name, zap.name, key, other=_some_zap(rng, about).name if verb.other else "", **numbers)
    return op._replace(to=_some_key(rng, about, zap, parameters)) if verb.to else op


def _some_zap(rng: Random, about: Theme) -> Zap:
    return about.zaps[next(iter(about.zaps)) if len(about.zaps) == 1 else rng.choice(list(about.zaps))]


def _some_key(rng: Random, about: Theme, zap: Zap, parameters: Parameters) -> Key:
    if rng.random() < parameters.known_key:
        return rng.choice(about.keys[zap.name])
    return key_for(zap, rng.getrandbits(64), 8, rng)


def some_id(rng: Random) -> int:
    """An id for the verbs on them: one of few, at times with more than 32 bits beside."""
    return rng.randrange(IDS) | (rng.choice(WIDE) if rng.random() < 0.15 else 0)


def numbers_of(rng: Random, name: str) -> dict[str, Any]:
    """A verb's numbers: mostly the defaults, at times any choice, a bound, or a small number."""
    numbers: dict[str, Any] = {}
    for number in VERBS[name].numbers:
        value = number.default
        if name in INTS and number.field == "fill":
            value = some_id(rng)
        elif number.drawn and rng.random() < 0.3:
            near = range(number.low, min(number.high, number.low + 4) + 1)
            bits = 1 << rng.randrange(number.high.bit_length())
            value = rng.choice(number.choices or (number.low, number.high, rng.choice(near), bits))
        numbers[number.field] = value
    return numbers


def written(rng: Random, name: str, zap: Zap, key: Key | None, length: int) -> Op:
    """An add or update of a value of `length` bytes, at times as larger integers."""
    if not zap.fat and rng.random() < 0.8:
        return Op(name, zap.name, key, 8, 1, rng.getrandbits(8))
    size = 1
    if rng.random() < 0.15:
        size = rng.choice((2, 4, 8))
        length //= size
    fill = 0 if rng.random() < 0.7 else rng.choice((rng.getrandbits(8), rng.getrandbits(64), U64))
    return Op(name, zap.name, key, size, length, fill)


def random_program(rng: Random, parameters: Parameters = DEFAULT) -> Program:
    """A whole program."""
    about = theme(rng, parameters)
    count = rng.randint(parameters.min_ops, parameters.max_ops)
    ops: list[Op] = []
    phased = rng.random() < parameters.phased
    while len(ops) < count:
        length = min(rng.randint(*PHASE), count - len(ops)) if phased else count
        now = _stressed(rng, about) if phased else about
        ops += [random_op(rng, now, parameters) for _ in range(length)]
    return Program(tuple(about.zaps.values()), tuple(ops))


def _stressed(rng: Random, about: Theme) -> Theme:
    """The theme with some of its verbs drawn more often."""
    stressed = rng.choice(STRESSED)
    weights = [
        weight * (STRESS if stressed in (verb, GROUPS[verb]) else 1)
        for verb, weight in zip(about.verbs, about.weights, strict=True)
    ]
    return dataclasses.replace(about, weights=weights)
