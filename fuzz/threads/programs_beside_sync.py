"""Random programs whose threads run beside the sync of a txg, and changes of them.

What is dirty or freed in the txg that syncs is what the threads work on: leaves are emptied and shrunk away,
and made again on the same blocks, the table grows, dbufs are held by a cursor or evicted, up to three txgs
are open or on their way, the object is destroyed and its number claimed again once the sync has ended."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fuzz.language.program import Key, Op, Program, Zap
from fuzz.threads.blocks_over_txgs import program_over_txgs
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.ops_beside_sync import SYNC_THREAD, alone, beside, change, full
from fuzz.threads.thread_fuzzer import ZAP, Kind, keys_to_use, mutate_schedule, near_keys

MOST_SETUP = 9
MOST_OPS = 22
"""Of a program that is changed: one op more, and one is taken out."""

OVER_TXGS = 0.4
"""Share of programs in which blocks are written and freed over several txgs."""
AGAIN = 0.4
"""Share of programs whose threads make leaves again that were just freed."""
LEVELS = 0.4
"""Share of programs on an object of several levels, with dbufs of indirect blocks."""
FREED_WHILE_WRITTEN = 0.5
"""Of these, that the object is destroyed while it is written."""
EMPTIED = 0.6
"""Of these, that the txg that writes it frees a table of 32 blocks or more, of EMPTIES bits."""
EMPTIES = (10, 10, 11)
ENDS: tuple[tuple[str, ...], ...] = (
    *((), (), ("sync",), ("sync", "evict"), ("sync", "reopen"), ("finish", "evict")),
)
REMADE = 0.06
"""Share of programs in which a thread destroys the object beside the sync, and makes it again."""
DESTROYED = 0.06
"""Share of programs whose object is freed by the txg that syncs."""
CLAIMED = (("create", "sync"), ("sync", "create", "sync"), ("sync", "sync", "create"), ("sync",))


def program_beside_sync(rng: random.Random) -> Program:
    """A setup whose last txg is in flight, then one or two threads beside its sync, then all of it synced.
    Now and then a thread destroys the object meanwhile, and makes it again."""
    program = program_over_txgs(rng) if rng.random() < OVER_TXGS else _drawn(rng)
    return _remade(program, rng) if rng.random() < REMADE else program


def _remade(program: Program, rng: random.Random) -> Program:
    ops = list(program.ops)
    of_first = [at for at, op in enumerate(ops) if op.thread == 1]
    if of_first:
        at = rng.choice(of_first)
        between = [Op("txg", thread=1)] * (rng.random() < 0.3)
        ops[at:at] = [Op("destroy", "z", thread=1), *between, Op("create", "z", thread=1)]
    return program.with_ops(ops)


def _drawn(rng: random.Random) -> Program:
    if rng.random() < LEVELS:
        return _of_levels(rng)
    if rng.random() < AGAIN:
        return _made_again(rng)
    keys = near_keys(rng)[: rng.choice((2, 2, 3, 4, 8))]
    destroyed = rng.random() < DESTROYED
    ops = [change(rng, keys, adds=0.85) for _ in range(rng.randint(1, MOST_SETUP))]
    if rng.random() < 0.8:  # what is freed must have been on disk
        ops.append(Op(rng.choice(("sync", "sync", "txg"))))
        if rng.random() < 0.2:
            ops.append(Op("evict"))
    if rng.random() < (0.6 if destroyed else 0.2):
        ops += [Op("cursor", "c", other="z"), *[Op("next", "c")] * rng.randint(1, 3)]
    ops += [change(rng, keys, adds=rng.choice((0.1, 0.5))) for _ in range(rng.randint(0, MOST_SETUP))]
    if destroyed:
        ops.append(Op("destroy", "z"))
    ops.append(Op("txg"))
    if destroyed and rng.random() < 0.5:
        ops.append(Op("create", "z"))
    if rng.random() < 0.3:
        ops += [change(rng, keys, adds=0.5) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.5:
            ops.append(Op("txg"))
    if rng.random() < 0.3:
        ops.append(Op("evict"))
    threads = 2 if rng.random() < 0.15 else 1
    section = [
        beside(rng, keys, thread) for thread in range(1, threads + 1) for _ in range(rng.randint(1, 4))
    ]
    section += [Op("spa_sync", thread=SYNC_THREAD)] * rng.choice((1, 1, 1, 2))
    end = rng.choice(CLAIMED if destroyed else ENDS)
    return Program((ZAP,), (*ops, *section, *(alone(verb) for verb in end)))


def _made_again(rng: random.Random) -> Program:
    """Leaves are on disk; they are emptied and freed in the txg that syncs, and made again beside it."""
    keys = near_keys(rng)
    zap = ZAP
    if rng.random() < LEVELS:
        keys, zap = [*keys, *near_keys(rng)], ZAP._replace(indirect_shift=9)
    keys = rng.sample(keys, min(len(keys), rng.choice((2, 2, 2, 3, 4) if zap is ZAP else (3, 4, 5))))
    made = full(keys)
    ops = [*made, Op(rng.choice(("sync", "sync", "txg")))]
    if rng.random() < 0.15:
        ops += [Op("cursor", "c", other="z"), *[Op("next", "c")] * rng.randint(1, 2)]
    ops += [Op("remove", "z", key) for key in keys]
    if rng.random() < 0.2:
        ops.insert(rng.randrange(len(made), len(ops) + 1), change(rng, keys, adds=0.5))
    ops.append(Op("txg"))
    if rng.random() < 0.3:
        ops.append(Op("evict"))
    section = [op._replace(thread=1) for op in made]
    if rng.random() < 0.4:
        at = rng.randrange(len(section) + 1)
        section.insert(at, beside(rng, keys, rng.choice((1, 1, 2))))
    section += [Op("spa_sync", thread=SYNC_THREAD)] * rng.choice((1, 1, 1, 2))
    return Program((zap,), (*ops, *section, *(alone(verb) for verb in rng.choice(ENDS))))


def _of_levels(rng: random.Random) -> Program:
    """An object of several levels. The table grows over many blocks, so that the ranges which are freed go
    across indirect blocks; it goes on in the txg that syncs and beside it, or the object is destroyed."""
    zap = ZAP._replace(indirect_shift=rng.choice((9, 9, 9, 10)))
    base = rng.getrandbits(64)
    depths = rng.sample(range(5, 11), rng.choice((1, 2, 3, 4)))
    keys: list[Key] = [(base,), *((base ^ 1 << 63 - depth,) for depth in sorted(depths))]
    if rng.random() < FREED_WHILE_WRITTEN:
        return _freed_while_written(rng, zap, keys)
    many = len(keys) if rng.random() < 0.5 else rng.randint(2, len(keys))
    ops = full(keys[:many])
    if rng.random() < 0.7:
        ops.insert(rng.randint(1, len(ops)), Op(rng.choice(("sync", "sync", "txg"))))
        if rng.random() < 0.3:
            ops.append(Op("evict"))
    ops += [change(rng, keys, adds=0.5) for _ in range(rng.randint(0, 3))]
    ops += [Op("txg")] * rng.choice((1, 1, 1, 2))
    if rng.random() < 0.3:
        ops.append(Op("evict"))
    section = [beside(rng, keys, 1) for _ in range(rng.randint(0, 2))]
    if rng.random() < 0.4:
        section.append(Op("evict", thread=1))
    if rng.random() < 0.5:
        section.append(Op("destroy", "z", thread=1))
    section += [beside(rng, keys, 1) for _ in range(rng.randint(not section, 2))]
    section += [Op("spa_sync", thread=SYNC_THREAD)] * rng.choice((1, 1, 2))
    end = rng.choice((("sync",), ("sync", "evict"), ("sync", "reopen"), ("sync", "create", "sync")))
    return Program((zap,), (*ops, *section, *(alone(verb) for verb in end)))


def near(key: Key, depth: int) -> int:
    """A word that agrees with a key's in so many bits and no more."""
    assert not isinstance(key, bytes)
    return key[0] ^ 1 << 63 - depth


def _freed_while_written(rng: random.Random, zap: Zap, keys: Sequence[Key]) -> Program:
    """All blocks of an object are freed while a txg writes them; what is written leaves memory at once. Or
    that txg frees a table, with all that is below an indirect block of level 2."""
    emptied = rng.random() < EMPTIED
    if emptied:
        zap, depth = zap._replace(indirect_shift=9), rng.choice(EMPTIES)
        keys = [*keys[:1], *((near(keys[0], depth + more),) for more in (0, 1))]
    ops = full(keys)
    if emptied:
        ops.insert(2, Op("sync"))
    elif rng.random() < 0.3:
        ops.insert(rng.randint(1, len(ops)), Op("sync"))
    before = rng.random() < 0.5
    ops += [Op("txg"), *[Op("evict")] * before]
    section = [Op("evict", thread=1)] * (not before) + [Op("destroy", "z", thread=1)]
    return Program((zap,), (*ops, *section, Op("spa_sync", thread=SYNC_THREAD), Op("sync")))


_STEPS = ("txg", "txg", "sync", "finish", "evict", "destroy", "create")


def change_beside_sync(program: Program, rng: random.Random) -> Program:
    """One switch of the schedule changed; or one op changed, put in or taken out: before the section, beside
    the sync, or after it. An op moves to the other side of the section, now and then."""
    if program.schedule and rng.random() < 0.5:
        return with_schedule(program, mutate_schedule(program.schedule, rng))
    ops = list(program.ops)
    keys = keys_to_use(program, rng, 0.15)
    at = rng.randrange(len(ops))
    thread = ops[at].thread
    if ops[at].verb == "spa_sync":
        ops.insert(at, beside(rng, keys, 1))
        return program.with_ops(ops)
    if thread:
        new = beside(rng, keys, thread)
    elif rng.random() < 0.3:
        new = alone(rng.choice(_STEPS))
    else:
        new = change(rng, keys, adds=0.5)
    how = rng.random()
    if how < 0.45 or len(ops) > MOST_OPS:
        ops[at] = new
    elif how < 0.75:
        ops.insert(at, new)
    elif len(ops) > 3:
        del ops[at]
    return program.with_ops(ops)


BESIDE_SYNC = Kind(program_beside_sync, change_beside_sync, SYNC_THREAD)
