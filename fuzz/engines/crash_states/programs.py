"""Every short program after every starting shape, and many of them merged into one, so that one txg of one
pool is the last txg of all of them.

What stands in the same place of each of them is done one after the other; where time moves it moves for all.
So those are merged whose time moves in the same places.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fuzz.engines.enumerate import HEADER, LARGE, alphabet
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import TIME
from fuzz.language.verbs import VERBS

FAT, MICRO = HEADER[0], Zap("z", fat=False, leaf_shift=9)
_BOTH = (Op("add", "z", (0,), 1, LARGE), Op("add", "z", (1 << 63,), 1, LARGE))
SHAPES: Mapping[str, tuple[Zap, tuple[Op, ...], tuple[Op, ...]]] = {
    "empty": (FAT, (), ()),
    "one leaf": (FAT, _BOTH[:1], ()),
    "two leaves": (FAT, _BOTH, ()),
    "one entry of two leaves": (FAT, (*_BOTH, Op("remove", "z", (0,))), ()),
    "a table that grows": (FAT, (*_BOTH, Op("add", "z", (1 << 56,), 1, LARGE)), ()),
    "destroyed": (FAT, _BOTH, (Op("destroy", "z"),)),
    "made again": (FAT, (*_BOTH, Op("destroy", "z")), (Op("create", "z"),)),
    "micro": (MICRO, (Op("add", "z", b"a", 8, 1),), ()),
    "full micro": (MICRO, tuple(Op("add", "z", b"%d" % number, 8, 1) for number in range(7)), ()),
}
"""The ZAP, what has been done to it and is on disk, and what has been done to it since in the open txg."""
_NAMES: Mapping[Key, bytes] = {(0,): b"a", (1 << 63,): b"b"}


def _ops(zap: Zap) -> tuple[Op, ...]:
    """The alphabet of `zapfuzz enumerate`; in a micro ZAP with names, where a small value is one integer, and
    a large one makes it fat."""
    ops = alphabet()
    if zap.words:
        return ops
    named = (op._replace(key=_NAMES[op.key]) if op.key is not None else op for op in ops)
    return tuple(op._replace(size=8) if op.length == 1 else op for op in named)


def all_programs(most: int) -> Iterator[tuple[str, tuple[Op, ...]]]:
    """Every program of 1 to `most` ops after each shape, by the shape's name."""
    for name, (zap, _, _) in SHAPES.items():
        for length in range(1, most + 1):
            for ops in itertools.product(_ops(zap), repeat=length):
                yield name, ops


def skeleton(ops: Sequence[Op]) -> tuple[str, ...]:
    """How many ops there are, and in which places time moves, and how."""
    return tuple(op.verb if op.verb in TIME else "" for op in ops)


def alone(shape: str, ops: Sequence[Op]) -> Program:
    """One program, from its beginning."""
    zap, on_disk, since = SHAPES[shape]
    return Program((zap,), (*on_disk, Op("sync"), Op("sync"), *since, *ops))


def merged(programs: Sequence[tuple[str, tuple[Op, ...]]]) -> Program:
    """Programs of one skeleton as one program, each with a ZAP and a cursor of its own."""
    zaps = [SHAPES[shape][0]._replace(name=f"z{number}") for number, (shape, _) in enumerate(programs)]
    before = [_renamed(SHAPES[shape][1], number) for number, (shape, _) in enumerate(programs)]
    since = [_renamed(SHAPES[shape][2], number) for number, (shape, _) in enumerate(programs)]
    bodies = [_renamed(ops, number) for number, (_, ops) in enumerate(programs)]
    ops = [*itertools.chain(*before), Op("sync"), Op("sync"), *itertools.chain(*since)]
    for step in zip(*bodies, strict=True):
        ops += step[:1] if step[0].verb in TIME else step
    return Program(tuple(zaps), tuple(ops))


def _renamed(ops: Iterable[Op], number: int) -> list[Op]:
    names = {Subject.ZAP: f"z{number}", Subject.CURSOR: f"c{number}", Subject.NONE: ""}
    return [
        op._replace(subject=names[VERBS[op.verb].subject], other=f"z{number}" if op.other else "")
        for op in ops
    ]


def batches(most: int, size: int) -> Iterator[list[tuple[str, tuple[Op, ...]]]]:
    """All programs of up to `most` ops, in lists of at most `size` that can be merged."""
    by_skeleton: dict[tuple[str, ...], list[tuple[str, tuple[Op, ...]]]] = {}
    for shape, ops in all_programs(most):
        by_skeleton.setdefault(skeleton(ops), []).append((shape, ops))
    for programs in by_skeleton.values():
        for at in range(0, len(programs), size):
            yield programs[at : at + size]
