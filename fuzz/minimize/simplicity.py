"""Which of two programs is simpler: one sort key, and the reasons for its order. Knows no failure.

The number of ops is compared first, because every op costs a reader something. Then comes what has to be
known before the first op is read (the schedule, threads, ZAPs and how they are made), then how many kinds of
things there are (verbs, cursors, keys, sizes), and then each number. The last parts of the key are there only
so that of two programs that are equally simple always the same one is chosen.
"""

from __future__ import annotations

from fuzz.language.program import DEFAULT_SALT, Key, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS

VERB_RANK = {name: rank for rank, name in enumerate(sorted(VERBS, key=lambda name: VERBS[name].rank))}
"""Verbs from simple to less simple: a step of time, then the two ops that change entries, then verbs that
need more explanation."""

NAMES = {Subject.ZAP: "zyxwvu", Subject.CURSOR: "cdefgh"}
"""What ZAPs and cursors are usually called, in the order in which they come."""

OTHER_NUMBERS = ("fill", "extra")

Simplicity = tuple[object, ...]
_DEFAULTS = {verb: {number.field: number.default for number in row.numbers} for verb, row in VERBS.items()}


def zap_cost(zap: Zap) -> tuple[int, ...]:
    """How much a reader has to think about a header line. A key that is its own hash shows where it will be;
    a hashed word shows less, and a name shows nothing. A micro ZAP may become fat. In small leaves short
    values are enough."""
    kind = 3 if not zap.fat else 2 if not zap.words else 0 if zap.prehashed else 1
    told = 0 if zap.dataset is None else 1 + sum(zap.dataset)
    numbers = (kind, zap.words, zap.leaf_shift, zap.hash64, zap.norm)
    more = (
        zap.hash_bits,
        told,
        zap.usage,
        zap.mos,
        zap.indirect_shift,
        zap.micro_max != 0,
        zap.micro_max,
        zap.inode,
        zap.shorter,
        zap.by_dnode,
    )
    return (*numbers, zap.salt != DEFAULT_SALT, *more)


def key_cost(key: Key) -> tuple[int, int]:
    """Words: few set bits, and those at the top, where leaves are told apart. Names: short, then a, b, c."""
    if isinstance(key, bytes):
        return len(key), int.from_bytes(key, "big")
    return sum(word.bit_count() for word in key), sum(map(reversed_bits, key))


def reversed_bits(word: int) -> int:
    """The 64 bits of a word in reverse: small where only top bits are set."""
    return int(f"{word:064b}"[::-1], 2)


def value_cost(op: Op) -> int:
    """Bytes of a value or a buffer, and one for saying so; nothing for the default, which is not written."""
    defaults = _DEFAULTS[op.verb]
    if "length" not in defaults or (op.size, op.length) == (defaults.get("size", 0), defaults["length"]):
        return 0
    return 1 + max(op.size, 1) * op.length


def number_cost(op: Op) -> int:
    """Bits of the numbers beside a value's size and length; nothing for defaults."""
    defaults = _DEFAULTS[op.verb]
    return sum(
        1 + getattr(op, field).bit_length()
        for field in OTHER_NUMBERS
        if field in defaults and getattr(op, field) != defaults[field]
    )


def keys_of(op: Op) -> list[Key]:
    """The keys that an op names: none, one, or two."""
    return [key for key in (op.key, op.to) if key is not None]


def _op_order(op: Op) -> tuple[object, ...]:
    costs = tuple(map(key_cost, keys_of(op)))
    return (VERB_RANK[op.verb], costs, value_cost(op), op.fill, op.extra, op.thread)


def unusual_names(program: Program) -> int:
    """How many ZAPs and cursors have another name than the first, second and so on of a program usually
    has."""
    zaps = [zap.name for zap in program.zaps]
    cursors = dict.fromkeys(op.subject for op in program.ops if VERBS[op.verb].subject is Subject.CURSOR)
    return sum(
        name != NAMES[kind][at : at + 1]
        for kind, names in ((Subject.ZAP, zaps), (Subject.CURSOR, cursors))
        for at, name in enumerate(names)
    )


def simplicity(program: Program) -> Simplicity:
    """The sort key: the smaller, the simpler. Programs that differ only in names may be equally simple."""
    ops = program.ops
    keys = {(op.subject, key): key_cost(key) for op in ops for key in keys_of(op)}
    costs = [value_cost(op) for op in ops]
    sizes = {(op.size, op.length) for op, cost in zip(ops, costs, strict=True) if cost}
    headers = [zap_cost(zap) for zap in program.zaps]
    return (
        len(ops),
        len(program.schedule),
        len({op.thread for op in ops}),
        sum(op.thread for op in ops),
        len(headers),
        tuple(map(sum, zip(*headers, strict=True))),
        sum(VERB_RANK[op.verb] for op in ops),
        len({op.subject for op in ops if op.verb == "cursor"}),
        len(keys),
        sum(cost[0] for cost in keys.values()),
        sum(cost[1] for cost in keys.values()),
        len(sizes),
        sum(op.size > 1 for op, cost in zip(ops, costs, strict=True) if cost),
        max(costs, default=0),
        sum(costs),
        sum(map(number_cost, ops)),
        sum(op.fill + op.extra for op in ops),
        tuple(map(_op_order, ops)),
        program.schedule,
        unusual_names(program),
    )
