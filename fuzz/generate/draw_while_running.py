"""A program that is drawn while it runs on the model, step by step. It is always known which keys are there,
and each next step, a few ops, is chosen by that. `fuzz.generate.model_guided` and
`fuzz.generate.names_and_directories` share this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import TypeVar

from fuzz.execution.result import Result
from fuzz.generate.keys_for_hash import hash_of
from fuzz.generate.leaf_programs import CURSORS, TIME
from fuzz.judge.signature import Failure
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verb_sets import BRINGS, TAKES
from fuzz.targets.model.target import ModelTarget
from zapcore.errors import LimitExceeded
from zapcore.layout import FLAG_HASH64, hash_bits

LATELY = 6
"""So many keys that were removed last may be added back."""


class Drawing:
    """A program under way on the model; `name` is the ZAP that the next move is about."""

    def __init__(self, rng: Random, target: ModelTarget, zaps: Mapping[str, Zap]) -> None:
        self.rng = rng
        self.target = target
        self.zaps = zaps
        self.ops: list[Op] = []
        self.alive: dict[str, dict[Key, int]] = {name: {} for name in zaps}
        self.gone: dict[str, list[Key]] = {name: [] for name in zaps}
        self.name = next(iter(zaps))
        target.begin(Program(tuple(zaps.values()), ()))

    def do(self, op: Op) -> Result:
        """Add an op to the program and run it. Raises Failure, LimitExceeded."""
        self.ops.append(op)
        result = self.target.apply(op)
        if op.key is None or result.errno:
            if op.verb == "destroy":
                self.alive[op.subject].clear()
        elif op.verb in BRINGS:
            self.alive[op.subject][op.key] = hash_of(self.zaps[op.subject], op.key)
        elif op.verb in TAKES:
            self.alive[op.subject].pop(op.key, None)
            self.gone[op.subject].append(op.key)
        elif op.to is not None:
            if op.verb == "rename":
                self.alive[op.subject].pop(op.key, None)
            self.alive[op.other][op.to] = hash_of(self.zaps[op.other], op.to)
        return result

    def lately_gone(self) -> Key | None:
        """One of the keys that were removed last."""
        gone = self.gone[self.name][-LATELY:]
        return self.rng.choice(gone) if gone else None


def use(drawing: Drawing) -> None:
    """Go on with a cursor that is open."""
    if drawing.target.cursors:
        cursor = drawing.rng.choice(list(drawing.target.cursors))
        verb = drawing.rng.choice(("next", "next", "next", "retrieve", "advance", "serialize", "close"))
        drawing.do(Op(verb, cursor))


def beside(rng: Random, zap: Zap, place: int) -> int:
    """The place of a cursor, at times with a differentiator that no entry has, or the place of no cursor."""
    if rng.random() < 0.8:
        return place
    bits = hash_bits(FLAG_HASH64 * zap.hash64)
    return place & ((1 << bits) - 1) | rng.choice((1, 0x101, 0xFFFF, 0xFFFF)) << bits


def resume(drawing: Drawing) -> None:
    """Serialize a cursor and begin another one there, as readdir() does from call to call."""
    if drawing.target.cursors:
        cursor, opened = drawing.rng.choice(list(drawing.target.cursors.items()))
        place = drawing.do(Op("serialize", cursor)).value
        if isinstance(place, int):
            other = drawing.rng.choice(CURSORS)
            place = beside(drawing.rng, drawing.zaps[opened.zap], place)
            drawing.do(Op("cursor", other, other=opened.zap, fill=place))
            if drawing.rng.random() < 0.3:
                drawing.do(Op("advance", other))
            drawing.do(Op("next", other))


def destroy_under(drawing: Drawing) -> None:
    """Destroy the object that a cursor was opened on, let time pass or not, go on with the cursor; at times
    the object is created again in between."""
    if not drawing.target.cursors:
        drawing.do(Op("cursor", CURSORS[0], other=drawing.name))
        drawing.do(Op("next", CURSORS[0]))
    if drawing.target.cursors:
        zap = drawing.rng.choice(list(drawing.target.cursors.values())).zap
        drawing.do(Op("destroy", zap))
        for step in (pass_time, use, use, pass_time):
            if drawing.rng.random() < 0.5:
                step(drawing)
        drawing.do(Op("create", zap))
        use(drawing)


def pass_time(drawing: Drawing) -> None:
    """A step of time."""
    drawing.do(Op(drawing.rng.choice(TIME)))


C = TypeVar("C", bound=Drawing)


def drawn(
    drawing: C,
    moves: Mapping[Callable[[C], None], int],
    ops: tuple[int, int],
    max_ops: int,
    first: Iterable[Op] = (),
) -> Program:
    """A program of some moves one after the other, up to the op that fails, if one does.

    Of the table of moves and how often each is taken, each program leaves out some and prefers others. `ops`
    are the least and the most that they add to those that come `first`.
    """
    rng = drawing.rng
    table, weights = list(moves), [weight * rng.choice((0, 1, 1, 2)) for weight in moves.values()]
    weights[0] += 1
    names = list(drawing.zaps)
    try:
        for op in first:
            drawing.do(op)
        wanted = rng.randint(*ops)
        while wanted > 0 and len(drawing.ops) < max_ops:
            drawing.name = rng.choice(names)
            before = len(drawing.ops)
            rng.choices(table, weights)[0](drawing)
            wanted -= max(1, len(drawing.ops) - before)
    except (Failure, LimitExceeded):
        pass  # whoever runs the program meets the failure again, in a judged run
    return Program(tuple(drawing.zaps.values()), tuple(drawing.ops[:max_ops]))
