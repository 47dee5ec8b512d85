"""What the operations of a program with threads may return: what they do in one order of them or another.

The package `threads` is not imported: it needs greenlet, and an export does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from fuzz.execution.execute import run
from fuzz.language.program import Op, Program
from fuzz.language.verbs import CURSOR_VERBS
from fuzz.targets.base import Result
from fuzz.targets.model import ModelTarget

MAX_ORDERS = 400
"""Orders of a whole program that are tried; with more, nothing is promised."""


def has_threads(program: Program) -> bool:
    """Whether any op belongs to a thread other than 0."""
    return any(op.thread for op in program.ops)


def sections(ops: Sequence[Op]) -> Iterator[tuple[bool, list[tuple[int, Op]]]]:
    """The ops with their indexes: (False, ops of thread 0) and (True, ops of the others), in turn."""
    for parallel, group in itertools.groupby(enumerate(ops), key=lambda pair: pair[1].thread != 0):
        yield parallel, list(group)


def _merged(lanes: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Every order of the lanes' items that keeps each lane's own."""
    if not any(lanes):
        yield []
    for at, lane in enumerate(lanes):
        if lane:
            for rest in _merged([*lanes[:at], lane[1:], *lanes[at + 1 :]]):
                yield [lane[0], *rest]


def orders(program: Program) -> Iterator[list[int]]:
    """The indexes of the ops in every order that the threads allow."""

    def after(groups: list[list[list[int]]]) -> Iterator[list[int]]:
        if not groups:
            yield []
            return
        for first in _merged(groups[0]):
            for rest in after(groups[1:]):
                yield first + rest

    groups = []
    for _, section in sections(program.ops):
        lanes: dict[int, list[int]] = {}
        for index, op in section:
            lanes.setdefault(op.thread, []).append(index)
        groups.append(list(lanes.values()))
    return after(groups)


def errnos(program: Program, release: str) -> list[set[int]]:
    """For each op the errnos that it returns in some order on a release's model. Empty: nothing is promised,
    as for what follows a panic, for a cursor beside other threads, and where there are too many orders."""
    found: list[set[int]] = [set() for _ in program.ops]
    for number, order in enumerate(orders(program)):
        if number == MAX_ORDERS:
            return [set() for _ in program.ops]
        alone = Program(program.zaps, tuple(program.ops[index]._replace(thread=0) for index in order))

        def see(place: int, _: Op, result: Result, order: list[int] = order) -> None:
            found[order[place]].add(result.errno)

        run(alone, ModelTarget(release, stale_bytes=False), judge=False, trace=see)
    threads = False
    for op, allowed in zip(program.ops, found, strict=True):
        threads |= op.thread != 0
        if threads and op.verb in CURSOR_VERBS:
            allowed.clear()
    return found
