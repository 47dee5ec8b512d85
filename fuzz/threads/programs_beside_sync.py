"""Random programs whose threads run beside the sync of a txg.

What is dirty or freed in the txg that syncs is what the threads work on: leaves are emptied and shrunk away,
and made again on the same blocks, the table grows, dbufs are held by a cursor or evicted, up to three txgs
are open or on their way."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fuzz.language.program import Key, Op, Program
from fuzz.threads.thread_fuzzer import LENGTHS, ZAP, near_keys

MOST_SETUP = 9
SYNC_THREAD = 9
"""It comes last where nobody chooses."""


def program_beside_sync(rng: random.Random) -> Program:
    """A setup whose last txg is in flight, then one or two threads beside its sync, then all of it synced."""
    keys = near_keys(rng)[: rng.choice((2, 2, 3, 4, 8))]
    ops = [_change(rng, keys, adds=0.85) for _ in range(rng.randint(1, MOST_SETUP))]
    if rng.random() < 0.8:  # what is freed must have been on disk
        ops.append(Op(rng.choice(("sync", "sync", "txg"))))
        if rng.random() < 0.2:
            ops.append(Op("evict"))
    if rng.random() < 0.2:
        ops += [Op("cursor", "c", other="z"), *[Op("next", "c")] * rng.randint(1, 3)]
    ops += [_change(rng, keys, adds=rng.choice((0.1, 0.5))) for _ in range(rng.randint(0, MOST_SETUP))]
    if rng.random() < 0.04:
        ops.append(Op("destroy", "z"))
    ops.append(Op("txg"))
    if rng.random() < 0.3:
        ops += [_change(rng, keys, adds=0.5) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.5:
            ops.append(Op("txg"))
    if rng.random() < 0.3:
        ops.append(Op("evict"))
    threads = 2 if rng.random() < 0.15 else 1
    section = [
        _beside(rng, keys, thread) for thread in range(1, threads + 1) for _ in range(rng.randint(1, 4))
    ]
    section += [Op("spa_sync", thread=SYNC_THREAD)] * rng.choice((1, 1, 1, 2))
    end = rng.choice(((), ("sync",), ("sync", "evict"), ("sync", "reopen")))
    return Program((ZAP,), (*ops, *section, *map(Op, end)))


def _change(rng: random.Random, keys: Sequence[Key], adds: float) -> Op:
    key = rng.choice(keys)
    if rng.random() < adds:
        return Op("add", "z", key, 1, rng.choice(LENGTHS), rng.randrange(2))
    return Op("remove", "z", key)


_BESIDE = ("add", "remove", "update", "lookup", "count", "next", "txg", "evict")
_WEIGHTS = (16, 10, 2, 4, 1, 2, 1.5, 1)


def _beside(rng: random.Random, keys: Sequence[Key], thread: int) -> Op:
    """One op of a thread; the setup's cursor is the first thread's."""
    verb = rng.choices(_BESIDE, _WEIGHTS)[0]
    if verb == "next":
        return Op("next", "c", thread=1) if thread == 1 else Op("count", "z", thread=thread)
    if verb in ("txg", "evict"):
        return Op(verb, thread=thread)
    if verb == "count":
        return Op("count", "z", thread=thread)
    key = rng.choice(keys)
    if verb in ("add", "update"):
        return Op(verb, "z", key, 1, rng.choice(LENGTHS), rng.randrange(3), thread=thread)
    return (
        Op(verb, "z", key, 1, 180, thread=thread) if verb == "lookup" else Op(verb, "z", key, thread=thread)
    )
