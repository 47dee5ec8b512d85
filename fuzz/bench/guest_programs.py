"""Random file operations in a guest, compared with the model op by op: `python -m fuzz.bench.guest_programs
[--version V] [--build B] [--first SEED] [--programs N] [--thorough N]`.

Each program is drawn from a seed of its own, with directories of any properties. Every errno and every list
of names must be the model's, up to where the model itself ends in a failure, and every N-th program looks
again at everything after an export and an import. How long a guest needs to be fresh again is measured beside
it, after a program that ended well and after one that ended the guest.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from random import Random

from fuzz.execution.execute import run
from fuzz.execution.result import Result
from fuzz.generate.reach.plain_user import plain_user_program
from fuzz.judge.signature import Failure
from fuzz.language.printing import format_op
from fuzz.language.program import Op, Program
from fuzz.targets.kernel.locate import BUILDS, SHIPPED
from fuzz.targets.kernel.target import KernelTarget
from fuzz.targets.model.target import ModelTarget

TOLD_EVERY = 20
"""Programs between two lines of how far it is."""


def modelled(program: Program, model: ModelTarget) -> tuple[list[Result], str]:
    """What the model answers, and how the program ends on it."""
    found: list[Result] = []
    outcome = run(program, model, trace=lambda _, __, result: found.append(result))
    return found, str(outcome)


def difference(ops: tuple[Op, ...], model: list[Result], guest: list[Result]) -> str | None:
    """The first answer that is not the model's; names are compared as a set."""
    for index, (op, wanted, got) in enumerate(zip(ops, model, guest, strict=False)):
        if wanted.errno != got.errno:
            return f"op {index}: {format_op(op)[:300]}: errno {got.errno}, the model {wanted.errno}"
        if op.verb == "readdir" and not got.errno and _names(wanted) != _names(got):
            return f"op {index}: {format_op(op)}: other names"
    return None


def _names(result: Result) -> list[bytes]:
    assert isinstance(result.value, bytes)
    return sorted(result.value.split(b"\0"))


class Counted:
    """What all the programs so far came to."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.ops = self.declared = 0
        self.after_program: list[float] = []
        self.after_panic: list[float] = []

    def report(self) -> str:
        """Both in a few lines."""
        lines = [f"{self.ends.total()} programs, {self.declared} with properties, {self.ops} operations"]
        lines += [f"  {count} {end}" for end, count in self.ends.most_common()]
        for name, seconds in (("a program", self.after_program), ("a panic or hang", self.after_panic)):
            if seconds:
                median = statistics.median(seconds)
                lines.append(f"  reset after {name}: {median:.2f} s at the median of {len(seconds)}")
        return "\n".join(lines)


def compare(target: KernelTarget, model: ModelTarget, seed: int, counted: Counted) -> str | None:
    """One program; what is different, if anything is. Raises NoKernel."""
    program = plain_user_program(Random(seed), model)
    wanted, end = modelled(program, model)
    counted.ops += len(program.ops)
    counted.declared += any(zap.dataset for zap in program.zaps)
    wrong, times = None, counted.after_program
    try:
        wrong = difference(program.ops, wanted, target.run_program(program))
    except Failure as failure:
        times = counted.after_panic
        wrong = f"op {failure.op}: {failure.signature}\n{failure.text}"
    counted.ends[f"different ({end} on the model)" if wrong else end] += 1
    began = time.monotonic()
    target.guest.fresh()
    times.append(time.monotonic() - began)
    return wrong


def main() -> int:
    """Compare, and say what is different as it comes; 1 if anything was."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.bench.guest_programs", description=__doc__)
    parser.add_argument("--version", default="2.3.2")
    parser.add_argument("--build", default=SHIPPED, choices=BUILDS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--thorough", type=int, default=10)
    given = parser.parse_args()
    target, counted = KernelTarget(given.version, given.build), Counted()
    model, different = ModelTarget(given.version), 0
    for number in range(given.programs):
        target.thorough = number % given.thorough == 0
        wrong = compare(target, model, given.first + number, counted)
        if wrong is not None:
            different += 1
            print(f"seed {given.first + number}: {wrong}", flush=True)
        if number % TOLD_EVERY == TOLD_EVERY - 1:
            print(counted.report(), flush=True)
    print(counted.report())
    target.close()
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
