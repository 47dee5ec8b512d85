"""Programs about reads that fail: blocks become unreadable and readable again while a program of any theme
goes on. The program runs on the model while it is drawn, so that the blocks are ones that there are: leaves,
those of the pointer table, now and then the header; and of some objects indirect blocks. ZAPs of usage and
of the MOS cannot be read while a txg syncs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from random import Random

from fuzz.generate.keys_for_hash import hash_of, key_for
from fuzz.generate.leaf_programs import half_of_leaf, numbers_of, random_program, written
from fuzz.generate.names_and_directories import names_program
from fuzz.generate.themes.levels import levels_program
from fuzz.generate.themes.sync_tasks import sync_task_program
from fuzz.generate.themes.usage import usage_program
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.language.verbs import READ_ERRORS
from fuzz.targets.model.target import ModelTarget
from zapcore.dmu.indirect import IndirectDnode
from zapcore.errors import LimitExceeded
from zapcore.layout import Q_BLOCK_TYPE, ZBT_HEADER
from zapcore.verify.fat import next_table_blocks, table_blocks

HIGHEST = 2
"""Level of the indirect blocks that can fail (`fail`)."""
FAILS = 0.12
"""Of an op, that some block cannot be read from there on."""
HEALS = 0.06
SYNCS = 0.5
"""That all is on disk before."""
HEADER = 0.1
"""Of blocks, that it is the header if there are others."""
TABLE = 0.4
"""Of blocks, that it is one of the pointer table, or of the one that is being built."""
DEEP = 0.4
"""Of programs, that the pointer table of a ZAP with small leaves has several blocks from the start."""
KINDS: dict[Callable[[Random, ModelTarget], Program], float] = {
    lambda rng, model: levels_program(rng): 4,
    lambda rng, model: random_program(rng): 3,
    names_program: 1.5,
    usage_program: 0.75,
    sync_task_program: 0.75,
}
"""What programs are about, and how often: objects whose indirect blocks have dbufs, any theme, directories,
ZAPs that change while a txg syncs."""
ASKED = 0.5
"""Of blocks that cannot be read from now on, that ops of any kind ask for what may lie there."""
_ASKING = (
    "add",
    "add",
    "lookup",
    "length",
    "contains",
    "prefetch",
    "remove",
    "update",
    "increment",
    "seek",
    "stats",
    "next",
)
BESIDE = (3, 12)
"""The bit of a hash, from the first, in which a key that is added differs from one that was there."""
BELOW = 6
"""Verbs that ask for what lies below an indirect block, and keys of each."""
ABOVE = 0.6
"""Of blocks of such an object, that it is an indirect one."""


def _some_blocks(rng: Random, model: ModelTarget, name: str) -> tuple[int, int, int]:
    """The level and the number of a block of a ZAP that is on disk, if any is, and how many from there on."""
    dnode = model.objset.dnodes.get(model.numbers[name])
    if isinstance(dnode, IndirectDnode) and dnode.pointers and rng.random() < ABOVE:
        level, block = rng.choice(sorted(key for key in dnode.pointers if key[0] <= HIGHEST))
        return level, block, rng.choice((1, 1, 1, 2, 64))
    blocks = sorted(dnode.stable) if dnode is not None else []
    if dnode is not None and dnode.block_size >= 512 and rng.random() < TABLE:
        q = memoryview(dnode.peek(0)).cast("Q")
        table = {*table_blocks(q), *next_table_blocks(q)} if q[Q_BLOCK_TYPE] == ZBT_HEADER else set()
        blocks = [each for each in blocks if each in table] or blocks
    if len(blocks) > 1 and rng.random() >= HEADER:
        blocks = blocks[1:] if blocks[0] == 0 else blocks
    return 0, rng.choice(blocks or [0, 1, 2]), rng.choice((1, 1, 1, 2, 64))


def _asking(rng: Random, zap: Zap, before: Sequence[Op], level: int, block: int) -> list[Op]:
    """Ops that read some of a ZAP, with keys that were there, or from that block on; and adds beside keys
    that were there, for which leaves split and tables grow: these read, too. Below an indirect block lie many
    leaves, and some of those ops go through it: so more verbs are asked, for more keys."""
    keys = [op.key for op in before if op.subject == zap.name and op.key is not None]
    ops: list[Op] = []
    asked = BELOW if level else 3
    for verb in rng.sample(_ASKING, asked):
        if verb == "next":
            ops += [Op("cursor", "c", other=zap.name), *[Op("next", "c")] * rng.randint(1, 4)]
        elif verb == "stats":
            ops.append(Op(verb, zap.name))
        elif verb == "seek":
            begin = 0 if level else block << zap.leaf_shift
            ops.append(Op(verb, zap.name, fill=begin, extra=rng.randrange(2)))
        else:
            for key in rng.sample(keys, min(len(keys), asked)):
                if verb == "add":
                    beside = hash_of(zap, key) ^ 1 << 63 - rng.randrange(*BESIDE)
                    beside_key = key_for(zap, beside, BESIDE[1], rng)
                    ops.append(Op(verb, zap.name, beside_key, 1, half_of_leaf(zap)))
                    continue
                ops.append(
                    written(rng, verb, zap, key, half_of_leaf(zap))
                    if verb == "update"
                    else Op(verb, zap.name, key, **numbers_of(rng, verb))
                )
    return ops


def _deep(rng: Random, zap: Zap) -> list[Op]:
    """Ops that make the pointer table grow to several blocks: two keys that differ in a late bit, with values
    of which a leaf takes one, and others that do not reach so deep."""
    base, length = rng.getrandbits(64), half_of_leaf(zap)
    depths = [rng.choice((6, 7, 7, 8, 8, 9)), *rng.choices((0, 0, 1, 1, 2, 3), k=rng.randrange(4))]
    hashes = [base, *(base ^ 1 << 63 - depth for depth in depths)]
    return [Op("add", zap.name, key_for(zap, each, 12, rng), 1, length) for each in hashes]


def read_error_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    drawn = kind(rng, model)
    names = [zap.name for zap in drawn.zaps]
    ops: list[Op] = []
    first = drawn.zaps[0]
    small = first.fat and first.leaf_shift == 9 and not (first.indirect_shift or first.usage)
    deep = _deep(rng, first) if small and rng.random() < DEEP else []
    try:
        model.begin(drawn)
        for op in (*deep, *drawn.ops):
            ops.append(op)
            model.apply(op)
            if rng.random() < FAILS:
                name = rng.choice(names)
                if rng.random() < SYNCS:
                    ops.append(Op("sync"))
                    model.apply(ops[-1])
                level, block, many = _some_blocks(rng, model, name)
                error = rng.choice(READ_ERRORS)
                ops.append(Op("fail", name, size=level, length=many, fill=block, extra=error))
                model.apply(ops[-1])
                if rng.random() < ASKED:
                    zap = next(each for each in drawn.zaps if each.name == name)
                    for asked in _asking(rng, zap, ops, level, block):
                        ops.append(asked)
                        model.apply(asked)
            elif rng.random() < HEALS:
                ops.append(Op("heal", rng.choice(names)))
                model.apply(ops[-1])
    except (Failure, LimitExceeded):
        pass
    return dataclasses.replace(drawn, ops=tuple(ops))
