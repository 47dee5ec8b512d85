"""Shorter programs that are built in another way, for the case that no op can be left out and yet a shorter
program exists.

If single changes lead from a program to a shorter one that fails in the same way, all programs between the
two may not fail. A candidate here makes several changes in one step: it has fewer ops, and some that are left
have other keys, are at other places, or are done once more. There are many such candidates, so they are tried
for short programs only, and at the very end.

As in `fuzz.minimize.simplifications`, the best candidates come first, and nothing is known of the property
that is to be kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from fuzz.language.program import Key, Op, Program, Zap
from fuzz.minimize.simplifications import (
    LETTERS,
    SIMPLE_WORDS,
    TOP,
    all_keys,
    fewer_keys,
    renamed_keys,
    two_for_all,
)

UP_TO = 16
"""Programs with more ops than this are not tried, because there are at least as many candidates as pairs of
ops."""
_FOLD_UP_TO = 6
_FRESH = 4


def swaps(program: Program) -> Iterator[Program]:
    """Without one op, and two keys in each other's place."""
    for zap in program.zaps:
        for first, second in itertools.combinations(all_keys(program, zap.name), 2):
            yield from without_one(renamed_keys(program, zap.name, {first: second, second: first}))


def thinner(program: Program) -> Iterator[Program]:
    """The program with one key less and larger values for the other keys, and without one more op, for
    example a cursor's step to the key."""
    for fewer in fewer_keys(program):
        if len(fewer.ops) < len(program.ops):
            yield from without_one(fewer)


def without_one(program: Program) -> Iterator[Program]:
    """Without one op, the last ones first."""
    for at in reversed(range(len(program.ops))):
        yield program.with_ops(program.ops[:at] + program.ops[at + 1 :])


def lives(program: Program) -> Iterator[Program]:
    """The program in which a key that is added again after its removal is another key from there on. The
    removals before that are left out, because they only made room for it. First all such keys at once, then
    one by one."""
    for zap in program.zaps:
        again = _added_again(program, zap.name)
        for chosen in dict.fromkeys((tuple(again), *((key,) for key in again))):
            if chosen:
                for fresh in itertools.permutations(_unused(program, zap), len(chosen)):
                    yield _with_new_lives(program, zap.name, {key: again[key] for key in chosen}, fresh)


def _added_again(program: Program, zap: str) -> dict[Key, tuple[int, int]]:
    """The keys that are there, removed, and added again: where they are removed first, and where they are
    added last."""
    ended: dict[Key, int] = {}
    found: dict[Key, tuple[int, int]] = {}
    for at, op in enumerate(program.ops):
        if op.subject != zap or op.key is None:
            continue
        if op.verb == "remove":
            ended[op.key] = at
        elif op.key in ended:
            found[op.key] = ended.pop(op.key), at
    return found


def _unused(program: Program, zap: Zap) -> list[Key]:
    known = set(all_keys(program, zap.name))
    simple: Iterable[Key] = [(word,) * zap.words for word in SIMPLE_WORDS] if zap.words else LETTERS
    return [key for key in simple if key not in known][:_FRESH]


def _with_new_lives(
    program: Program, zap: str, again: dict[Key, tuple[int, int]], fresh: tuple[Key, ...]
) -> Program:
    ops: list[Op] = []
    new = dict(zip(again, fresh, strict=True))
    ends = {end for end, _ in again.values()}
    for at, op in enumerate(program.ops):
        if at in ends:
            continue
        if op.subject == zap and op.key in again and at >= again[op.key][1]:
            op = op._replace(key=new[op.key])
        ops.append(op)
    return program.with_ops(ops)


def folds(program: Program) -> Iterator[Program]:
    """The program with only two keys, without the ops that then have nothing to do, and with one op done once
    more somewhere: two keys that come again may have the effect for which many keys were needed."""
    for zap in program.zaps:
        known = all_keys(program, zap.name)
        if not 2 < len(known) <= _FOLD_UP_TO:
            continue
        folded = dict.fromkeys(
            _busy(renamed_keys(program, zap.name, names), zap.name)
            for two in _pairs_of_keys(known, zap)
            for names in two_for_all(known, two)
        )
        shorter = [each for each in folded if len(each.ops) < len(program.ops)]
        yield from shorter
        for each in sorted(shorter, key=lambda each: len(each.ops), reverse=True):
            if len(each.ops) + 1 < len(program.ops):
                yield from _with_one_again(each, zap.name)


def _pairs_of_keys(known: list[Key], zap: Zap) -> list[tuple[Key, Key]]:
    """The two keys: those that part first, and of the known ones those that part last."""
    if not zap.words:
        return [(LETTERS[0], LETTERS[1])]
    rest = (0,) * (zap.words - 1)
    words = [key[0] for key in known if isinstance(key, tuple)]
    nearest = min((a ^ b for a, b in itertools.combinations(words, 2) if a != b), default=TOP)
    return [((0, *rest), (word, *rest)) for word in dict.fromkeys((TOP, nearest))]


def _busy(program: Program, zap: str) -> Program:
    """Without adds of keys that are there, and removals of keys that are not."""
    there: dict[Key, bool] | None = {}
    ops = []
    for op in program.ops:
        if op.subject == zap and there is not None:
            if op.verb in ("destroy", "create", "rename"):
                there = None  # from here on it is not known which keys are there
            elif op.key is not None and op.verb in ("add", "update", "remove"):
                new = op.verb != "remove"
                if op.verb != "update" and there.get(op.key, False) is new:
                    continue
                there[op.key] = new
        ops.append(op)
    return program.with_ops(ops)


def _with_one_again(program: Program, zap: str) -> Iterator[Program]:
    """With one op in one more place, where it has something to do; at the end first."""
    ops = program.ops
    for at in reversed(range(len(ops) + 1)):
        for op in dict.fromkeys(ops):
            new = program.with_ops((*ops[:at], op, *ops[at:]))
            if _busy(new, zap) == new:
                yield new


REBUILDS: tuple[tuple[str, Callable[[Program], Iterator[Program]]], ...] = (
    ("swaps", swaps),
    ("thinner", thinner),
    ("lives", lives),
    ("folds", folds),
)
"""All these searches in their order: those with the fewest candidates come first."""
