"""Programs in which memory is lost: what a program of any theme does is on disk, in txgs in flight or in the
open one when the pool is imported anew, and the program goes on with what is there."""

from __future__ import annotations

import dataclasses
from random import Random

from fuzz.generate.leaf_programs import random_program
from fuzz.language.program import Op, Program
from fuzz.targets.model.target import ModelTarget

CRASHES = 0.02
"""Of an op."""
STEPS = 0.15
"""Of an op, that a txg moves after it."""
_TIME = ("txg", "txg", "txg", "finish", "finish", "sync", "evict")
FROM_NOTHING = 0.1
"""That the first ops, and the ZAPs, are not synced at once."""


def crash_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    drawn = random_program(rng)
    names = [zap.name for zap in drawn.zaps]
    ops: list[Op] = [] if rng.random() < FROM_NOTHING else [Op("sync")]
    for op in drawn.ops:
        ops.append(op)
        if rng.random() < STEPS:
            ops.append(Op(rng.choice(_TIME)))
        if rng.random() < CRASHES:
            ops.append(Op("crash"))
            if rng.random() < 0.3:
                ops.append(Op("create", rng.choice(names)))
    return dataclasses.replace(drawn, ops=(*ops, Op("crash")))
