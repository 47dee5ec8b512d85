"""Programs about ZAPs of the meta object set: what a program would do to any ZAP is put into txgs as sync
tasks, so that leaves split, tables grow and leaves are joined while a txg syncs, in its first pass and after
it."""

from __future__ import annotations

import dataclasses
from random import Random

from fuzz.generate.leaf_programs import random_program
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget

TURNS = 0.08
"""Of an op, that the tasks from there on go into the other list of their txg."""
STEPS = 0.12
"""Of an op, that a txg moves after it."""
_TIME = ("txg", "txg", "finish", "sync", "sync", "evict")
BOTH = 0.3
"""That one of two ZAPs is in an object set as usual."""


def _in_mos(zap: Zap) -> Zap:
    return zap._replace(mos=True, hash_bits=0, dataset=None, micro_max=0, by_dnode=False)


def sync_task_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    drawn = random_program(rng)
    zaps = [_in_mos(zap) for zap in drawn.zaps]
    if len(zaps) > 1 and rng.random() < BOTH:
        zaps[1] = drawn.zaps[1]
    ops: list[Op] = []
    for op in drawn.ops:
        if rng.random() < TURNS:
            ops.append(Op("early", fill=rng.randrange(2)))
        ops.append(op)
        if rng.random() < STEPS:
            ops.append(Op(rng.choice(_TIME)))
    return dataclasses.replace(drawn, zaps=tuple(zaps), ops=(*ops, Op("sync")))
