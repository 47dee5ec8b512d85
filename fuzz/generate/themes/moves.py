"""Programs whose pool goes from one release to another and back: what one has written, the others read,
change and walk over."""

from __future__ import annotations

import dataclasses
from random import Random

from fuzz.generate.leaf_programs import random_program
from fuzz.generate.names_and_directories import names_program
from fuzz.generate.whole_language import whole_language_program
from fuzz.language.program import OLDEST_LENGTH, TO_LOWER, Key, Op, Program
from fuzz.language.verbs import MOVES
from fuzz.targets.model.target import ModelTarget

STEPS = (1, 4)
"""The least and the most moves."""
SHORT = 0.5
"""That long names are cut, so that the oldest release can have the pool."""
TAIL = 0.3
"""Of a program, that the ops before a move come again after it: the next release works on the same keys."""


def _cut(key: Key | None) -> Key | None:
    return key[:OLDEST_LENGTH] if isinstance(key, bytes) else key


def moving_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    kind = rng.random()
    if kind < 0.5:
        drawn = random_program(rng)
    else:
        drawn = names_program(rng, model) if kind < 0.75 else whole_language_program(rng)
    zaps = tuple(zap._replace(norm=zap.norm & ~TO_LOWER) for zap in drawn.zaps)
    ops = [op for op in drawn.ops if op.verb not in ("fail", "heal")]
    if rng.random() < SHORT:
        ops = [op._replace(key=_cut(op.key), to=_cut(op.to)) for op in ops]
    for _ in range(rng.randint(*STEPS)):
        at = rng.randrange(len(ops) + 1)
        again = ops[max(0, at - rng.randint(2, 12)) : at] if rng.random() < TAIL else []
        ops[at:at] = [Op("move", fill=rng.choice(list(MOVES))), *again]
    return dataclasses.replace(drawn, zaps=zaps, ops=tuple(ops))
