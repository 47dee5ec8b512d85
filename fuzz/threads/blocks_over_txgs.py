"""Random programs in which the same blocks are written, freed and written again over several txgs, and the
part that is beside a sync begins anywhere in that.

Blocks that a txg frees may have been on disk before, or written by a txg in flight, or by the same one; what
is freed is written again in that txg, the next, or not. So between any two of these changes there may be a
sync that is half done."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fuzz.language.program import Key, Op, Program, Zap
from fuzz.threads.ops_beside_sync import SYNC_THREAD, alone, beside, change, full
from fuzz.threads.thread_fuzzer import ZAP, near_keys

LEVELS = 0.45
"""Share of programs on objects with dbufs of indirect blocks."""
SPREAD = 0.5
"""Of these, that there are many leaves; the others have a table of many blocks."""
ASKED = 0.25
"""Share of programs whose threads change nothing beside the sync: they ask what is there."""
DESTROYED = 0.35
"""Of the others, that a thread destroys the object in the end."""
TWO_THREADS = 0.35
DEPTHS = range(5, 12)
"""At how many common bits two keys make the table grow, to up to 64 blocks."""
GROWN = 0.6
"""Of programs with a table of many blocks, that it does nothing but grow."""
MOST_BESIDE = 9
"""Ops of a section, its syncs not counted: the order of them is searched."""
_MOVES: tuple[tuple[str, ...], ...] = (
    *((), (), ("txg",), ("txg",), ("txg",), ("sync",), ("txg", "evict"), ("sync", "evict"), ("finish",)),
)
_ENDS: tuple[tuple[str, ...], ...] = (("sync",), ("sync",), ("sync", "evict"), ("sync", "reopen"), ())
_CLAIMS = (("sync", "create"), ("sync", "sync", "create"), ("sync", "create", "sync"))
"""Where an object was destroyed beside the sync: its number is claimed again."""


def program_over_txgs(rng: random.Random) -> Program:
    """One program."""
    zap, keys, groups = _world(rng)
    ops: list[Op] = []
    begins = []
    grows = groups[0] is not keys
    for part in _growth(groups) if grows else _lives(rng, keys, groups):
        ops += part
        begins.append(len(ops))
        ops += [alone(verb) for verb in (("sync",) if grows and rng.random() < 0.5 else rng.choice(_MOVES))]
    likely = begins[-1] if grows else begins[-2:][0]
    last = likely if rng.random() < 0.5 else rng.choice(begins[-3:])
    begin = last - rng.choice((0, 0, 1))
    before, after = ops[:begin], ops[begin:]
    if rng.random() < 0.25:
        at = min(rng.choice(begins), len(before))
        before[at:at] = [Op("cursor", "c", other="z"), *[Op("next", "c")] * rng.randint(1, 3)]
    asked = rng.random() < ASKED
    if asked and rng.random() < 0.6:  # nothing is dirty but what the sync writes
        before = [Op("sync") if op.verb in ("txg", "finish") else op for op in before] + [Op("txg")]
    elif rng.random() < 0.8:
        before.append(Op("txg"))
    if rng.random() < 0.35:  # only what is dirty stays in memory
        before.append(Op("evict"))
    section = _section(rng, keys, () if asked else after, asked)
    section += [Op("spa_sync", thread=SYNC_THREAD)] * rng.choice((1, 1, 2, 2, 3))
    gone = any(op.verb == "destroy" for op in section) and rng.random() < 0.6
    end = rng.choice(_CLAIMS if gone else _ENDS)
    return Program((zap,), (*before, *section, *(alone(verb) for verb in end)))


def _section(rng: random.Random, keys: Sequence[Key], after: Sequence[Op], asked: bool) -> list[Op]:
    """What one or two threads do beside the sync: they go on with what comes after, or ask."""
    section = [_threads(op) for op in after[:MOST_BESIDE] if op.verb != "finish"]
    if not section:
        section = [beside(rng, keys, 1, probes=asked) for _ in range(rng.randint(1, 3))]
    elif rng.random() < 0.4:
        section.insert(rng.randrange(len(section) + 1), beside(rng, keys, 1))
    if not asked and rng.random() < DESTROYED:
        section = section[: rng.randint(0, 4)]
        section += [Op("evict", thread=1)] * (rng.random() < 0.5) + [Op("destroy", "z", thread=1)]
    if rng.random() < TWO_THREADS:
        if rng.random() < 0.3:  # it moves time while the first one is in the middle of something
            section.append(Op(rng.choice(("txg", "txg", "evict")), thread=2))
        probes = asked or rng.random() < 0.3
        section += [beside(rng, keys, 2, probes=probes) for _ in range(rng.randint(0, 2))]
    return section


def _threads(op: Op) -> Op:
    """What was the setup's, by a thread: there a sync is the sync thread's."""
    return Op("txg", thread=1) if op.verb == "sync" else op._replace(thread=1)


def _world(rng: random.Random) -> tuple[Zap, list[Key], list[list[Key]]]:
    """A ZAP, all its keys, and groups of them whose leaves come and go together."""
    keys = near_keys(rng)
    rng.shuffle(keys)
    if rng.random() >= LEVELS:
        keys = keys[: rng.choice((2, 2, 3, 3, 4))]
        return ZAP, keys, [keys, keys[:2], keys[-2:]]
    zap = ZAP._replace(indirect_shift=rng.choice((9, 9, 9, 10)))
    if rng.random() < SPREAD:
        words = {rng.getrandbits(64)}
        for _ in range(rng.randint(4, 8)):
            words.add(rng.choice(sorted(words)) ^ 1 << rng.randrange(60, 64))
        keys = [(word,) for word in rng.sample(sorted(words), len(words))]
        some = rng.randint(2, len(keys))
        return zap, keys, [keys, keys[:some], keys[some - 2 :]]
    base = rng.getrandbits(64)
    depths = sorted(rng.sample(DEPTHS, rng.choice((2, 2, 3, 4))))
    if rng.random() < 0.6:  # each step frees all of the table before
        first = rng.choice((5, 7, 8, 9, 10, 10, 10))
        depths = [first, first + 1, first + 2][: rng.choice((2, 2, 3))]
    keys = [(base,), *((base ^ 1 << 63 - depth,) for depth in depths)]
    if rng.random() < GROWN:
        return zap, keys, [keys[:2], *([key] for key in keys[2:])]
    return zap, keys, [keys, keys[:2], keys[1:]]


def _growth(groups: Sequence[Sequence[Key]]) -> list[list[Op]]:
    """Parts of a program in each of which the table grows, and its old blocks are freed."""
    return [full(group) for group in groups]


def _lives(rng: random.Random, keys: Sequence[Key], groups: Sequence[Sequence[Key]]) -> list[list[Op]]:
    """Parts of a program, between which time may move: leaves are made, emptied and made again; now and then
    the object goes and comes."""
    parts = [full(groups[0])]
    there = True
    for _ in range(rng.randint(1, 4)):
        how = rng.random()
        if how < 0.75:
            group = rng.choice(groups)
            there = not there
            parts.append(full(group) if there else [Op("remove", "z", key) for key in group])
        elif how < 0.9:
            parts.append([change(rng, keys, adds=0.5) for _ in range(rng.randint(1, 3))])
        else:
            parts += [[Op("destroy", "z")], [Op("create", "z")], full(groups[1])][: rng.choice((1, 2, 3, 3))]
            there = True
    if there and rng.random() < 0.5:  # leaves are made on blocks that were just freed
        group = rng.choice(groups)
        parts += [[Op("remove", "z", key) for key in group], full(group)]
    return parts
