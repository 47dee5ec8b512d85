"""Runs a program on the model, and keeps what each step changed: what a page needs to go through it."""

from __future__ import annotations

import dataclasses

from fuzz.execution.execute import run
from fuzz.execution.result import Outcome
from fuzz.export.pages.failing_bytes import FailingBytes, failing_bytes
from fuzz.export.pages.record_threads import run_recorded
from fuzz.export.pages.recorded_model import RecordedModel, Step
from fuzz.language.program import Program, threadless


@dataclasses.dataclass(slots=True)
class Recording:
    """A run of one release, step by step. `bytes_shown` are those that its failure speaks of."""

    release: str
    outcome: Outcome
    steps: list[Step]
    bytes_shown: FailingBytes | None


def record(program: Program, release: str) -> Recording:
    """Run a program on the model of a release, judged. Raises NoTarget where it has threads and greenlet is
    not there."""
    target = RecordedModel(release)
    if any(op.thread for op in program.ops) and not threadless(program):
        outcome = run_recorded(program, target)
    else:
        outcome = run(program, target, trace=target.trace)
    failure = outcome.failure
    shown = None
    if failure is not None:
        at = failure.op
        thread = program.ops[at].thread if 0 <= at < len(program.ops) else 0
        target.step("failed", at, thread, failure.text.partition("\n")[0])
        shown = failing_bytes(failure, target.raised, target)
    elif outcome.limit is not None:
        target.step("limit", outcome.ops - 1, 0, outcome.limit)
    return Recording(target.release.name, outcome, target.steps, shown)
