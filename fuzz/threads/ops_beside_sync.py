"""Single ops of programs with a sync thread, and the ZAP that they are about."""

from __future__ import annotations

import random
from collections.abc import Sequence

from fuzz.language.program import Key, Op
from fuzz.threads.thread_fuzzer import LENGTHS, ZAP

BLOCK = 1 << ZAP.leaf_shift
SYNC_THREAD = 9
"""It comes last where nobody chooses."""

_BESIDE = ("add", "remove", "update", "lookup", "count", "next", "txg", "evict", "seek")
_WEIGHTS = (16, 10, 2, 4, 1, 2, 2, 2, 6)
_PROBES = (0, 0, 0, 4, 0, 0, 1, 3, 10)
BLOCKS_SOUGHT = (1, 1, 6, 40)


def full(keys: Sequence[Key]) -> list[Op]:
    """Ops that add keys with values of which a leaf takes one."""
    return [Op("add", "z", key, 1, 180) for key in keys]


def change(rng: random.Random, keys: Sequence[Key], adds: float) -> Op:
    """An op alone that adds or removes one of the keys."""
    key = rng.choice(keys)
    if rng.random() < adds:
        return Op("add", "z", key, 1, rng.choice(LENGTHS), rng.randrange(2))
    return Op("remove", "z", key)


def beside(rng: random.Random, keys: Sequence[Key], thread: int, *, probes: bool = False) -> Op:
    """One op of a thread; with `probes` one that changes nothing, and asks what is there. The setup's cursor
    is the first thread's."""
    verb = rng.choices(_BESIDE, _PROBES if probes else _WEIGHTS)[0]
    if verb == "next":
        return Op("next", "c", thread=1) if thread == 1 else Op("count", "z", thread=thread)
    if verb in ("txg", "evict"):
        return Op(verb, thread=thread)
    if verb == "count":
        return Op("count", "z", thread=thread)
    if verb == "seek":
        block = rng.randrange(rng.choice(BLOCKS_SOUGHT))
        hole = not block or rng.random() < 0.5  # the first block is the header, which is data
        return Op("seek", "z", fill=block * BLOCK, extra=int(hole), thread=thread)
    key = rng.choice(keys)
    if verb in ("add", "update"):
        return Op(verb, "z", key, 1, rng.choice(LENGTHS), rng.randrange(3), thread=thread)
    return (
        Op(verb, "z", key, 1, 180, thread=thread) if verb == "lookup" else Op(verb, "z", key, thread=thread)
    )


def alone(verb: str) -> Op:
    """A step that no thread takes."""
    return Op(verb, "z") if verb in ("create", "destroy") else Op(verb)
