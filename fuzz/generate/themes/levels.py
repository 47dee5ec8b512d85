"""Programs about objects of several levels: indirect blocks with room for few pointers, and a pointer table
that grows over dozens of blocks, so that ranges of blocks are freed that begin, end and go on across indirect
blocks. A program of any theme goes on from there, in txgs that move."""

from __future__ import annotations

import dataclasses
from random import Random

from fuzz.generate.keys_for_hash import key_for
from fuzz.generate.leaf_programs import half_of_leaf, random_program
from fuzz.language.program import Op, Program, Zap

STEPS = 0.2
"""Of an op, that a txg moves after it, or that what nobody holds goes from memory."""
_TIME = ("txg", "txg", "txg", "finish", "finish", "sync", "evict", "evict", "crash")
REMADE = 0.03
"""Of an op, that the object is destroyed and made again after it."""
SOUGHT = 0.03
"""Of an op, that data and holes are looked for after it, mostly in an object that is on disk: of a dirty one
nothing is told."""
DEPTHS = (6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 12, 13)
"""At how many common bits two keys make the table grow: to 2, 4, ... 128 blocks of the least size."""


def deep_keys(rng: Random, zap: Zap, count: int) -> list[Op]:
    """Ops that add keys which differ in a late bit, with values of which a leaf takes one."""
    base, length = rng.getrandbits(64), half_of_leaf(zap)
    depths = [rng.choice(DEPTHS), *rng.choices((0, 0, 1, 1, 2, 3), k=count - 1)]
    hashes = [base, *(base ^ 1 << 63 - depth for depth in depths)]
    return [Op("add", zap.name, key_for(zap, each, 12, rng), 1, length) for each in hashes]


def with_levels(rng: Random, zap: Zap) -> Zap:
    """The same ZAP with indirect blocks of the least sizes."""
    if zap.usage or zap.mos:
        return zap
    shift = rng.choice((9, 9, 9, 10, 10, 12, 13))
    return zap._replace(indirect_shift=shift, hash_bits=0, dataset=None)


def looks(rng: Random, zap: Zap) -> list[Op]:
    """Ask where data and holes are, from some block on."""
    begin = rng.randrange(rng.choice((2, 5, 40))) << zap.leaf_shift
    asked = [Op("seek", zap.name, fill=begin, extra=hole) for hole in rng.choice(((1,), (0, 1), (1, 0)))]
    return [*[Op("sync")] * (rng.random() < 0.7), *asked]


def levels_program(rng: Random) -> Program:
    """A whole program."""
    drawn = random_program(rng)
    first = with_levels(rng, drawn.zaps[0]._replace(leaf_shift=9))
    zaps = (first, *[with_levels(rng, zap) for zap in drawn.zaps[1:]])
    grown = deep_keys(rng, first, rng.randint(1, 4))
    ops: list[Op] = []
    for op in (*grown, *drawn.ops):
        ops.append(op)
        if rng.random() < STEPS:
            ops.append(Op(rng.choice(_TIME)))
        if rng.random() < REMADE:
            ops += [Op("destroy", first.name), Op("create", first.name)]
        if rng.random() < REMADE:
            ops += [op._replace(verb="remove", size=0, length=0) for op in grown[:2]]
        if rng.random() < REMADE:
            ops += grown[:2]
        if rng.random() < SOUGHT:
            ops += looks(rng, first)
    return dataclasses.replace(drawn, zaps=zaps, ops=tuple(ops))
