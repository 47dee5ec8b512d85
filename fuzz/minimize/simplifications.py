"""Passes that make a program plainer without leaving out ops: its header lines, verbs, keys, numbers, order
and names.

Each pass yields candidates, the best ones first. Whether a candidate is simpler, and whether it is taken, is
not decided here. Keys, values and names are first changed in the whole program at once, so that what was
equal stays equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fuzz.generate.keys_for_hash import hash_of
from fuzz.language.program import DEFAULT_SALT, MAX_VALUE, TO_UPPER, U64, Dataset, Key, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import VALUED
from fuzz.language.verbs import VERBS
from fuzz.minimize.simplicity import NAMES, OTHER_NUMBERS, VERB_RANK, key_cost, keys_of, value_cost
from zapcore.layout import ARRAY_BYTES, array_chunks, geometry

TOP = 1 << 63
SIMPLE_WORDS = (0, TOP, TOP >> 1, TOP | TOP >> 1, TOP >> 2, TOP | TOP >> 2, TOP >> 3)
LETTERS = tuple(bytes([letter]) for letter in b"abcdefghijklmnop")
_FEWER_THREADS = 2


def used_zaps(program: Program) -> tuple[Zap, ...]:
    """The header lines that some op needs."""
    names = {op.subject for op in program.ops} | {op.other for op in program.ops}
    return tuple(zap for zap in program.zaps if zap.name in names)


def _mapped(program: Program, change: Callable[[Op], Op]) -> Program:
    return program.with_ops([change(op) for op in program.ops])


def _with_zap(program: Program, zap: Zap) -> Program:
    """The program with another header line for the ZAP of that name."""
    return Program(
        tuple(zap if each.name == zap.name else each for each in program.zaps), program.ops, program.schedule
    )


def renamed_keys(program: Program, zap: str, names: Mapping[Key, Key]) -> Program:
    """Keys of one ZAP renamed all at once."""

    def change(op: Op) -> Op:
        if op.subject != zap:
            return op
        renamed: dict[str, Any] = {
            field: names[key] for field in ("key", "to") if (key := getattr(op, field)) in names
        }
        return op._replace(**renamed) if renamed else op

    return _mapped(program, change)


def all_keys(program: Program, zap: str) -> list[Key]:
    """The keys of one ZAP, in order."""
    return list(dict.fromkeys(key for op in program.ops if op.subject == zap for key in keys_of(op)))


def schedule(program: Program) -> Iterator[Program]:
    """Without the schedule, without half of it, without one switch; ops moved to a lower thread."""
    switches = program.schedule
    size = len(switches)
    while size:
        for at in range(0, len(switches), size):
            yield Program(program.zaps, program.ops, switches[:at] + switches[at + size :])
        size //= 2
    for thread in sorted({op.thread for op in program.ops if op.thread}, reverse=True):
        for lower in range(min(thread, _FEWER_THREADS)):
            yield _replaced(program, "thread", thread, lower)


def _replaced(program: Program, field: str, old: int, new: int) -> Program:
    """The program with another number wherever a field has this one and the verb allows the other."""
    change: dict[str, Any] = {field: new}

    def changed(op: Op) -> Op:
        if getattr(op, field) != old:
            return op
        row = VERBS[op.verb]
        bounds = [number for number in row.numbers if number.field == field]
        allowed = all(number.low <= new <= number.high for number in bounds)
        return op._replace(**change) if allowed else op

    return _mapped(program, changed)


def headers(program: Program) -> Iterator[Program]:
    """Each ZAP as plain as can be, or one option plainer; keys become the hashes that they had."""
    for zap in program.zaps:
        wide, few = dict.fromkeys((False, zap.hash64)), dict.fromkeys((0, zap.hash_bits))
        for hash64, bits in itertools.product(wide, few):
            plain = Zap(zap.name, words=1, prehashed=True, hash64=hash64, leaf_shift=9, hash_bits=bits)
            plain = plain._replace(indirect_shift=zap.indirect_shift)
            if not (zap.prehashed and zap.words == 1):
                hashed = renamed_keys(
                    _with_zap(program, plain),
                    zap.name,
                    {key: (hash_of(zap, key),) for key in all_keys(program, zap.name)},
                )
                freed: dict[Key, int] = {
                    (hash_of(zap, key),): _key_chunks(key) - 1 for key in all_keys(program, zap.name)
                }
                yield from _resized(hashed, zap, plain, freed)
                yield _with_zap(hashed, plain._replace(leaf_shift=zap.leaf_shift))
        if not zap.fat:
            yield _with_zap(program, zap._replace(fat=True, hash64=True, dataset=None, micro_max=0))
        if zap.dataset is not None:
            yield _with_zap(program, zap._replace(dataset=None))
            yield _with_zap(program, zap._replace(norm=0, dataset=Dataset()))
            plainer = ({"longname": False}, {"compression": 0}, {"encryption": 0})
            yield from (
                _with_zap(program, zap._replace(dataset=zap.dataset._replace(**each))) for each in plainer
            )
            if not zap.norm & ~TO_UPPER:
                yield _with_zap(program, zap._replace(dataset=zap.dataset._replace(utf8only=False)))
        if zap.words > 1:
            fewer: dict[Key, Key] = {
                key: key[:1] for key in all_keys(program, zap.name) if isinstance(key, tuple)
            }
            yield renamed_keys(_with_zap(program, zap._replace(words=1, shorter=False)), zap.name, fewer)
        for shift in range(9, zap.leaf_shift):
            smaller = zap._replace(leaf_shift=shift)
            yield from _resized(_with_zap(program, smaller), zap, smaller, {})
        if zap.words:
            yield _with_zap(program, zap._replace(hash64=False))
        yield _with_zap(program, zap._replace(norm=0, dataset=None))
        yield _with_zap(program, zap._replace(salt=DEFAULT_SALT))
        if zap.hash_bits:
            yield _with_zap(program, zap._replace(hash_bits=0))
        if zap.indirect_shift:
            yield _with_zap(program, zap._replace(indirect_shift=0))
        if zap.micro_max:
            yield from (_with_zap(program, zap._replace(micro_max=most)) for most in (0, 512))
        if zap.shorter and all(len(key) == zap.words for key in all_keys(program, zap.name)):
            yield _with_zap(program, zap._replace(shorter=False))
        if zap.by_dnode:
            yield _with_zap(program, zap._replace(by_dnode=False))
        if zap.inode:
            yield _with_zap(program, zap._replace(inode=0))


def _resized(program: Program, old: Zap, new: Zap, freed: Mapping[Key, int]) -> Iterator[Program]:
    """The program with its values as they are; with values that take the same share of the new leaves; and
    with values that also take the chunks which the keys do not take any more."""
    yield program
    was, now = geometry(old.leaf_shift).chunks, geometry(new.leaf_shift).chunks
    if was != now:
        yield _stretched(program, new.name, now, was, {})
    if any(freed.values()):
        yield _stretched(program, new.name, now, was, freed)


def _key_chunks(key: Key) -> int:
    """Chunks of a leaf that a key takes: words, or a name with its NUL."""
    return array_chunks(8 * len(key) if isinstance(key, tuple) else len(key) + 1)


def _stretched(program: Program, zap: str, times: int, by: int, more: Mapping[Key, int]) -> Program:
    """The program with every value of a ZAP longer: multiplied, and longer by some chunks of its key."""

    def change(op: Op) -> Op:
        if op.subject != zap or op.verb not in VALUED or op.key is None:
            return op
        wanted = -(-op.size * op.length * times // by) + ARRAY_BYTES * more.get(op.key, 0)
        return op._replace(length=min(-(-wanted // op.size), MAX_VALUE // op.size))

    return _mapped(program, change)


def fewer_keys(program: Program) -> Iterator[Program]:
    """The program without the ops of one key, and with values for the other keys that fill a half, a third
    and so on of a leaf: fewer entries must be larger to need as many leaves."""
    for zap in program.zaps:
        known = all_keys(program, zap.name)
        for key in known if len(known) > 1 else ():
            rest = program.with_ops(
                [op for op in program.ops if op.subject != zap.name or key not in keys_of(op)]
            )
            for share in range(2, len(known) + 1):
                yield _all_as_long(rest, zap.name, _share(zap, share))
        if zap.words and 2 < len(known) <= _SPLIT_UP_TO:
            yield from _two_keys(program, zap, known)


_SPLIT_UP_TO = 7


def _two_keys(program: Program, zap: Zap, known: list[Key]) -> Iterator[Program]:
    """The program with only two keys, which are in the two halves of all hashes, and with values of which two
    do not fit into one leaf."""
    rest = (0,) * (zap.words - 1)
    for halves in two_for_all(known, ((0, *rest), (TOP, *rest))):
        yield _all_as_long(renamed_keys(program, zap.name, halves), zap.name, _share(zap, 2))


def two_for_all(known: list[Key], two: tuple[Key, Key]) -> Iterator[dict[Key, Key]]:
    """Every way to replace all keys by two. The first key of the program becomes the first of the two, and
    both are used."""
    for upper in range(1, 1 << (len(known) - 1)):
        yield {key: two[upper << 1 >> at & 1] for at, key in enumerate(known)}


def _share(zap: Zap, share: int) -> int:
    """The least length of a value, in bytes, with which so many entries do not fit into one leaf."""
    chunks = geometry(zap.leaf_shift).chunks // share - array_chunks(8 * max(zap.words, 1))
    return ARRAY_BYTES * max(chunks - 1, 0) + 1


def _all_as_long(program: Program, zap: str, length: int) -> Program:
    """Every value that a ZAP is given of one length, in bytes."""
    return _mapped(
        program,
        lambda op: (
            op._replace(size=1, length=min(length, MAX_VALUE))
            if op.subject == zap and op.verb in VALUED
            else op
        ),
    )


def verbs(program: Program) -> Iterator[Program]:
    """One op with a simpler verb that needs nothing the op does not have."""
    for at, op in enumerate(program.ops):
        for name in sorted(VERB_RANK, key=VERB_RANK.__getitem__)[: VERB_RANK[op.verb]]:
            new = _as_verb(op, name)
            if new is not None:
                yield program.with_ops((*program.ops[:at], new, *program.ops[at + 1 :]))


def _as_verb(op: Op, name: str) -> Op | None:
    """The op with another verb; None where it lacks what that needs."""
    old, new = VERBS[op.verb], VERBS[name]
    numbers: dict[str, Any] = {number.field: number.default for number in new.numbers}
    if new.subject is Subject.NONE:
        return Op(name, thread=op.thread)._replace(**numbers)
    if new.subject is not old.subject:
        return None
    if (new.key and not old.key) or (new.other and not old.other) or (new.to and not old.to):
        return None
    if new.numbers == old.numbers:
        numbers = {field: getattr(op, field) for field in numbers}
    key, to = op.key if new.key else None, op.to if new.to else None
    other = op.other if new.other else ""
    return Op(name, op.subject, key, other=other, thread=op.thread, to=to)._replace(**numbers)


def keys(program: Program) -> Iterator[Program]:
    """Fewer keys; then all of them turned so that one is 0, or cut to their first bits; then one by one."""
    for zap in program.zaps:
        known = all_keys(program, zap.name)
        for old, new in itertools.permutations(known, 2):
            yield renamed_keys(program, zap.name, {old: new})
        if zap.words:
            yield from _words(program, zap.name, [key for key in known if isinstance(key, tuple)])
        else:
            yield from _names(program, zap.name, [key for key in known if isinstance(key, bytes)])
        for first, second in itertools.combinations(known, 2):
            yield renamed_keys(program, zap.name, {first: second, second: first})


def _words(program: Program, zap: str, known: list[tuple[int, ...]]) -> Iterator[Program]:
    for pivot in known:
        turned: dict[Key, Key] = {key: tuple(a ^ b for a, b in zip(key, pivot, strict=True)) for key in known}
        yield renamed_keys(program, zap, turned)
    for bits in (1, 2, 3, 4, 6, 8, 12, 16, 24, 28, 32, 48):
        mask = U64 << (64 - bits) & U64
        yield renamed_keys(program, zap, {key: tuple(word & mask for word in key) for key in known})
    for key in sorted(known, key=key_cost, reverse=True):
        for index, word in enumerate(key):
            for new in _simpler_words(word):
                yield renamed_keys(program, zap, {key: (*key[:index], new, *key[index + 1 :])})
        for bit in range(64):
            # a bit that is the same in all keys may not matter, and yet no key can lose it alone
            if all(each[0] >> bit & 1 for each in known):
                yield renamed_keys(program, zap, {each: (each[0] ^ 1 << bit, *each[1:]) for each in known})


def _simpler_words(word: int) -> Iterator[int]:
    """Words that are simpler than this one: first the few simplest ones, then this one with fewer bits set,
    then this one with its bits moved up."""
    yield from (new for new in SIMPLE_WORDS if key_cost((new,)) < key_cost((word,)))
    yield word & 0xFFFFFFFF00000000
    places = [bit for bit in range(64) if word >> bit & 1]
    yield from (word ^ 1 << bit for bit in places)
    yield from (word ^ 3 << bit for bit in places if bit < 63 and not word >> bit & 2)


def _names(program: Program, zap: str, known: list[bytes]) -> Iterator[Program]:
    yield renamed_keys(program, zap, dict(zip(known, LETTERS, strict=False)))
    for key in sorted(known, key=key_cost, reverse=True):
        shorter = (*LETTERS[: len(known) + 1], key[: len(key) // 2], key[:-1], key[1:])
        for new in shorter:
            if new and key_cost(new) < key_cost(key):
                yield renamed_keys(program, zap, {key: new})


def values(program: Program) -> Iterator[Program]:
    """Values and buffers: the default, integers of one byte, shorter; all that are alike at once, then one
    by one; every fill likewise."""
    for zap in program.zaps:
        longest = max(
            (op.size * op.length for op in program.ops if op.subject == zap.name and op.verb in VALUED),
            default=0,
        )
        for length in _shorter(longest):
            yield _all_as_long(program, zap.name, length)
    written = [op for op in program.ops if value_cost(op)]
    for size, length in sorted({(op.size, op.length) for op in written}, reverse=True):
        alike = frozenset(
            at
            for at, op in enumerate(program.ops)
            if value_cost(op) and (op.size, op.length) == (size, length)
        )
        for chosen in (alike, *([frozenset({at}) for at in sorted(alike)] if len(alike) > 1 else [])):
            for new in _simpler_values(size, length, {(op.size, op.length) for op in written}):
                yield _revalued(program, chosen, *new)
    for field in OTHER_NUMBERS:
        for old in sorted({getattr(op, field) for op in program.ops if getattr(op, field)}, reverse=True):
            for new_number in dict.fromkeys((0, 1, old >> 32, old >> 8, old >> 1)):
                yield _replaced(program, field, old, new_number)
        for at, op in enumerate(program.ops):
            for default in _defaults(op, field):
                plain: dict[str, Any] = {field: default}
                yield program.with_ops((*program.ops[:at], op._replace(**plain), *program.ops[at + 1 :]))


def _defaults(op: Op, field: str) -> list[int]:
    """The default of a verb's number, if it has that number and another value."""
    return [
        number.default
        for number in VERBS[op.verb].numbers
        if number.field == field and getattr(op, field) != number.default
    ]


def _simpler_values(size: int, length: int, known: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sizes and lengths to try in place of one, far away first and then near."""
    yield 0, 0  # stands for the verb's default
    yield from sorted(known, key=lambda pair: pair[0] * pair[1])
    if size > 1:
        yield 1, min(size * length, MAX_VALUE)
        yield 1, length
    yield from ((size, shorter) for shorter in _shorter(length))


def _shorter(length: int) -> Iterator[int]:
    """Lengths below one, far away first and then near."""
    step = length
    while step:
        yield length - step
        step //= 2


def _revalued(program: Program, chosen: frozenset[int], size: int, length: int) -> Program:
    ops = list(program.ops)
    for at in chosen:
        defaults = {number.field: number.default for number in VERBS[ops[at].verb].numbers}
        # a length alone is how many there is room for, and is only put to its default
        changed = size and "size" in defaults
        new = (size, length) if changed else (defaults.get("size", 0), defaults["length"])
        ops[at] = ops[at]._replace(size=new[0], length=new[1])
    return program.with_ops(ops)


def order(program: Program) -> Iterator[Program]:
    """The program with two neighbours in the other order, so that programs that are equally simple always get
    the same order."""
    ops = program.ops
    for at in range(len(ops) - 1):
        if ops[at] != ops[at + 1]:
            yield program.with_ops((*ops[:at], ops[at + 1], ops[at], *ops[at + 2 :]))


def names(program: Program) -> Iterator[Program]:
    """The program with its ZAPs called z, y, x and so on, and its cursors c, d, e and so on, in the order in
    which they come."""
    zaps = dict(zip((zap.name for zap in program.zaps), NAMES[Subject.ZAP], strict=False))
    cursors = dict.fromkeys(op.subject for op in program.ops if VERBS[op.verb].subject is Subject.CURSOR)
    called = dict(zip(cursors, NAMES[Subject.CURSOR], strict=False))
    if len(zaps) < len(program.zaps) or len(called) < len(cursors):
        return

    def change(op: Op) -> Op:
        target = called if VERBS[op.verb].subject is Subject.CURSOR else zaps
        return op._replace(subject=target.get(op.subject, ""), other=zaps.get(op.other, ""))

    renamed = tuple(zap._replace(name=zaps[zap.name]) for zap in program.zaps)
    yield Program(renamed, _mapped(program, change).ops, program.schedule)


SIMPLIFICATIONS: tuple[tuple[str, Callable[[Program], Iterator[Program]]], ...] = (
    ("fewer keys", fewer_keys),
    ("schedule", schedule),
    ("headers", headers),
    ("verbs", verbs),
    ("keys", keys),
    ("values", values),
    ("order", order),
    ("names", names),
)
