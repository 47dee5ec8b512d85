"""Uniform random programs: every op of every program is drawn in the same way, by one set of weights, from a
few keys and sizes. There is no theme, and nothing is learnt."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from random import Random

from fuzz.generate.leaf_programs import WEIGHTS, Theme, plain_key, random_op, random_zap
from fuzz.language.program import Program


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    """The parameters: least and most ops, how many keys (a power of two; words are spread over the hash),
    value lengths in bytes, and each verb's weight."""

    min_ops: int = 10
    max_ops: int = 200
    depth: int = 2
    lengths: tuple[int, ...] = (8, 148)
    weights: Mapping[str, int] = dataclasses.field(default_factory=lambda: WEIGHTS)


BEST = Fixed()
"""The best of twelve sets of parameters, which were tried on twelve bugs with five seeds each. They had 4, 8,
16 or 32 keys; up to 40, 120, 200 or 300 ops; three pairs of lengths; and the weights of
`fuzz.generate.leaf_programs`, flatter ones, or equal ones."""


def uniform_program(rng: Random, fixed: Fixed = BEST) -> Program:
    """A program whose ops are all drawn in the same way."""
    zap = random_zap(rng)
    keys = [plain_key(zap, number, fixed.depth) for number in range(1 << fixed.depth)]
    about = Theme(
        {zap.name: zap},
        {zap.name: keys},
        {zap.name: list(fixed.lengths)},
        list(fixed.weights),
        list(fixed.weights.values()),
    )
    count = rng.randint(fixed.min_ops, fixed.max_ops)
    return Program((zap,), tuple(random_op(rng, about) for _ in range(count)))
