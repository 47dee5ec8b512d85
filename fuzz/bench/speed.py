"""Speeds side by side: in each round, all lanes run the same batch of new programs, one lane after the other.

The load of the machine changes from second to second. So ratios are computed within a round, and their median
is what counts. Lanes that are one process and never wait are compared by CPU seconds, which other processes
hardly change. libzpool has threads and waits for them, so it is compared by wall seconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pickle
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from fuzz.bench.speed_lane import EMPTY_RUNS, LANES
from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import DEFAULT, WEIGHTS, Parameters, random_program
from fuzz.language.program import Op, Program
from fuzz.targets.libzpool import LibzpoolTarget, NoLibrary
from fuzz.targets.registry import make_target

RELEASE = "2.3"
_STEPS = ("txg", "finish", "sync", "reopen")
_WITHOUT_STEPS = {verb: weight for verb, weight in WEIGHTS.items() if verb not in _STEPS}


def _without_steps(rng: Random, ops: int) -> Program:
    return random_program(rng, Parameters(min_ops=ops, max_ops=ops, weights=_WITHOUT_STEPS))


def _two_txgs(rng: Random) -> Program:
    program = _without_steps(rng, 14)
    ops = list(program.ops)
    for at in sorted(rng.sample(range(1, 14), 2), reverse=True):
        ops.insert(at, Op("txg"))
    return program.with_ops(ops)


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """A kind of programs, how one is drawn, how many are a batch, and which lanes run them."""

    name: str
    draw: Callable[[Random], Program]
    batch: int
    lanes: tuple[str, ...]


_MODEL = ("model plain", "model judged", "atheris plain", "atheris judged")
SHAPES = (
    Shape("64 ops, no txg step", lambda rng: _without_steps(rng, 64), 150, (*_MODEL, "libzpool")),
    Shape("16 ops, two txgs", _two_txgs, 200, (*_MODEL, "libzpool")),
    Shape("as the random engine draws", lambda rng: random_program(rng, DEFAULT), 150, _MODEL),
)


class Rate(NamedTuple):
    """One batch in a lane: programs and ops a wall second, programs a CPU second of its process."""

    programs: float
    ops: float
    per_cpu: float


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A shape in a lane: programs and ops a second, the median over the rounds, the least and the most."""

    shape: str
    lane: str
    programs: tuple[float, float, float]
    ops: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Ratio:
    """A rate over another, the median over the rounds, the least and the most; `bar` is what it ought to
    reach, 0 for none."""

    name: str
    value: tuple[float, float, float]
    bar: float = 0

    @property
    def reached(self) -> bool:
        """Whether the median is at the bar."""
        return self.value[0] >= self.bar


@dataclasses.dataclass(frozen=True, slots=True)
class Speed:
    """All rates and ratios; `empty` is executions a second of an Atheris target that does nothing. `missing`
    says what could not be measured."""

    rounds: int
    rows: list[Row]
    ratios: list[Ratio]
    empty: tuple[float, float, float]
    missing: str = ""


BARS = (
    ("64 ops, no txg step", "model plain", "libzpool", 0.5),
    ("16 ops, two txgs", "model plain", "libzpool", 10.0),
    *((shape.name, "model judged", "model plain", 0.5) for shape in SHAPES),
    *((shape.name, "atheris plain", "model plain", 1 / 3) for shape in SHAPES),
    *((shape.name, "atheris judged", "model judged", 0.0) for shape in SHAPES),
)
"""Shape, lane, the lane it is compared with, and the least ratio."""


class _Lane:
    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "fuzz.bench.speed_lane", name, RELEASE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def took(self, programs: list[Program]) -> tuple[float, float]:
        """The wall and CPU seconds that a batch takes there."""
        assert self._process.stdin is not None and self._process.stdout is not None
        pickle.dump(programs, self._process.stdin)
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with status {self._process.wait()}")
        wall, cpu = json.loads(line)
        return wall, cpu

    def close(self) -> None:
        """End of input; the process ends by itself."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def middle(values: list[float]) -> tuple[float, float, float]:
    """Median, least and most."""
    return statistics.median(values), min(values), max(values)


def measure(rounds: int, seed: int, *, scale: float = 1.0) -> Speed:
    """Run `rounds` rounds. `scale` makes batches larger or smaller. A first, small batch warms each lane."""
    missing = ""
    names = list(LANES)
    try:
        LibzpoolTarget(RELEASE)
    except NoLibrary as reason:
        names.remove("libzpool")
        missing = f"libzpool: {reason}"
    rng = Random(seed)
    rates: dict[tuple[str, str], list[Rate]] = {}
    empty: list[float] = []
    with contextlib.ExitStack() as stack:
        lanes = {name: _Lane(name) for name in names}
        for lane in lanes.values():
            stack.callback(lane.close)
        warm = _batch(rng, SHAPES[0], 5)
        for lane in lanes.values():
            lane.took(warm)
        for number in range(rounds):
            for shape in SHAPES:
                programs = _batch(rng, shape, max(2, round(shape.batch * scale)))
                ops = sum(len(program.ops) for program in programs)
                order = [name for name in shape.lanes if name in lanes]
                turn = number % len(order)
                for name in order[turn:] + order[:turn]:
                    wall, cpu = lanes[name].took(programs)
                    rate = Rate(len(programs) / wall, ops / wall, len(programs) / cpu)
                    rates.setdefault((shape.name, name), []).append(rate)
            empty.append(EMPTY_RUNS / lanes["atheris empty"].took([])[0])
    return Speed(rounds, _rows(rates), _ratios(rates), middle(empty), missing)


def _batch(rng: Random, shape: Shape, count: int) -> list[Program]:
    """Fresh programs that end as they should: a panic would cost the real library its process."""
    model = make_target("model", RELEASE, small=True)
    programs: list[Program] = []
    while len(programs) < count:
        program = shape.draw(rng)
        if run(program, model, judge=False).fine:
            programs.append(program)
    return programs


def _rows(rates: Mapping[tuple[str, str], list[Rate]]) -> list[Row]:
    return [
        Row(shape, lane, middle([each.programs for each in all_]), middle([each.ops for each in all_]))
        for (shape, lane), all_ in rates.items()
    ]


def _ratios(rates: Mapping[tuple[str, str], list[Rate]]) -> list[Ratio]:
    found = []
    for shape, lane, other, bar in BARS:
        if (shape, lane) in rates and (shape, other) in rates:
            wall = "libzpool" in (lane, other)
            pairs = zip(rates[shape, lane], rates[shape, other], strict=True)
            ratios = [a.programs / b.programs if wall else a.per_cpu / b.per_cpu for a, b in pairs]
            clock = "wall" if wall else "CPU"
            found.append(Ratio(f"{shape}: {lane} / {other} ({clock})", middle(ratios), bar))
    return found
