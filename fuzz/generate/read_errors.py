"""Programs about reads that fail: blocks of data become unreadable and readable again while a program of any
theme goes on. The program runs on the model while it is drawn, so that the blocks are ones that there are:
leaves, those of the pointer table, and now and then the header."""

from __future__ import annotations

import dataclasses
from random import Random

from fuzz.generate.leaf_programs import random_program
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program
from fuzz.language.verbs import READ_ERRORS
from fuzz.targets.model import ModelTarget
from zapcore.errors import LimitExceeded

FAILS = 0.12
"""Of an op, that some block cannot be read from there on."""
HEALS = 0.06
SYNCS = 0.5
"""That all is on disk before."""
HEADER = 0.1
"""Of blocks, that it is the header if there are others."""


def _some_blocks(rng: Random, model: ModelTarget, name: str) -> tuple[int, int]:
    """A block of a ZAP that is on disk, if any is, and how many from there on."""
    dnode = model.objset.dnodes.get(model.numbers[name])
    blocks = sorted(dnode.stable) if dnode is not None else []
    if len(blocks) > 1 and rng.random() >= HEADER:
        blocks = blocks[1:]
    return rng.choice(blocks or [0, 1, 2]), rng.choice((1, 1, 1, 2, 64))


def read_error_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    drawn = random_program(rng)
    names = [zap.name for zap in drawn.zaps]
    ops: list[Op] = []
    try:
        model.begin(drawn)
        for op in drawn.ops:
            ops.append(op)
            model.apply(op)
            if rng.random() < FAILS:
                name = rng.choice(names)
                if rng.random() < SYNCS:
                    ops.append(Op("sync"))
                    model.apply(ops[-1])
                block, many = _some_blocks(rng, model, name)
                error = rng.choice(READ_ERRORS)
                ops.append(Op("fail", name, length=many, fill=block, extra=error))
                model.apply(ops[-1])
            elif rng.random() < HEALS:
                ops.append(Op("heal", rng.choice(names)))
                model.apply(ops[-1])
    except (Failure, LimitExceeded):
        pass
    return dataclasses.replace(drawn, ops=tuple(ops))
