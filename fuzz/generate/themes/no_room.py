"""Programs on a pool that has no room for a while, or on a file system over its quota: what a program of any
theme does is refused, but for what frees; afterwards it goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from random import Random

from fuzz.generate.leaf_programs import random_program
from fuzz.generate.names_and_directories import names_program
from fuzz.generate.themes.trees import tree_program
from fuzz.generate.whole_language import whole_language_program
from fuzz.language.program import Op, Program
from fuzz.language.verbs import NO_ROOM
from fuzz.targets.model.target import ModelTarget

KINDS: tuple[Callable[[Random, ModelTarget], Program], ...] = (
    lambda rng, model: random_program(rng),
    lambda rng, model: whole_language_program(rng),
    lambda rng, model: tree_program(rng),
    *(names_program, names_program),
)
FULL, ROOM = 0.15, 0.3
"""Of an op, that there is no room after it, and that there is room again; where each is the other way."""
FIRST = 0.3
"""The share of the ops for which there is room, so that something is there."""
GOES = 0.3
"""Of an op while there is no room, that a file or a directory that was there goes after it."""
_GOING = {"touch": "unlink", "mkdir": "rmdir"}
"""What takes away what each makes, and says that it frees."""
STEPS = 0.1
"""Of an op, that a txg moves after it."""
_TIME = ("txg", "txg", "finish", "sync", "evict", "crash")


def no_room_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    drawn = rng.choice(KINDS)(rng, model)
    zaps = tuple(zap._replace(usage=0, mos=False) for zap in drawn.zaps)
    ops: list[Op] = []
    full = False
    for done, op in enumerate(drawn.ops):
        ops.append(op)
        if rng.random() < STEPS:
            ops.append(Op(rng.choice(_TIME)))
        made = [each for each in drawn.ops[:done] if each.verb in _GOING] if full else []
        if made and rng.random() < GOES:
            gone = rng.choice(made)
            ops.append(Op(_GOING[gone.verb], gone.subject, gone.key))
        if done >= FIRST * len(drawn.ops) and rng.random() < (ROOM if full else FULL):
            full = not full
            ops.append(Op("full", fill=int(full), extra=rng.choice(NO_ROOM)))
    return dataclasses.replace(drawn, zaps=zaps, ops=tuple(ops))
