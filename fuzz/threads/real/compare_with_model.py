"""A program with threads and its schedule on the model and on the real library: is all of it the same?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fuzz.execution.result import Outcome, Result
from fuzz.language.program import Program, Switch
from fuzz.targets.first_difference import first_dbuf_difference, first_difference, first_tree_difference
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import explore
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.real.held_run import HeldRun, run_held
from fuzz.threads.real.held_target import HeldTarget
from fuzz.threads.real.turn_plan import make_plan


class Compared(NamedTuple):
    """A run on the real library, and how it differs from the model's (nothing if it does not): the outcome,
    or if both are fine a result of an op, a block, what holds its dbuf, or the tree of blocks. Where both
    have broken invariants after the same op, blocks, dbufs and trees are compared, too: which of several
    broken ones is named depends on who looks, at what the ops have changed or at all bytes. Nobody looks at
    all bytes after an op that no thread does: where that has broken one on the model, both stop there.

    `kind` says what differs in words that are the same for all programs that one fault makes differ so."""

    run: HeldRun
    difference: str = ""
    kind: str = ""


def compare(program: Program, real: HeldTarget, model: ModelTarget) -> Compared:
    """Run a program as its schedule says on both. Raises HarnessError."""
    ours: dict[int, Result] = {}
    theirs: dict[int, Result] = {}
    plan = make_plan(program, model, trace=lambda index, op, result: ours.update({index: result}))
    broken = _broken_after(plan.model.outcome)
    unlooked = False
    if broken is not None and not program.ops[broken].thread:
        unlooked, program = True, program.with_ops(program.ops[: broken + 1])
    comparable = plan.model.outcome.fine or broken is not None
    names = [zap.name for zap in program.zaps] if comparable else []
    blocks = {name: model.blocks(name) for name in names}
    dbufs = {name: model.dbufs(name) for name in names}
    trees = {name: model.block_tree(name) for name in names}
    run = run_held(
        program,
        real,
        model,
        plan=plan,
        trace=lambda index, op, result: theirs.update({index: result}),
        keep_blocks=True,
    )
    alike = run.outcome.fine if unlooked else broken is not None and broken == _broken_after(run.outcome)
    if not alike and str(run.outcome) != str(run.model) and not _both_suspended(run.outcome, run.model):
        ends = f"model {run.model}, real {run.outcome}"
        return Compared(run, f"{run.outcome}, the model: {run.model}", f"failure: {ends}")
    if not (alike or run.outcome.fine):
        return Compared(run)
    for index, result in ours.items():
        if theirs.get(index) != result:
            verb = program.ops[index].verb
            return Compared(run, f"op {index}: {theirs.get(index)}, the model: {result}", f"{verb} result")
    for name in names:
        for kind, found in (
            ("blocks", first_difference(blocks[name], run.blocks[name])),
            ("dbufs", first_dbuf_difference(dbufs[name], run.dbufs[name])),
            ("tree", first_tree_difference(trees[name], run.trees[name])),
        ):
            if found is not None:
                return Compared(run, f"{name}: {found}", kind)
    return Compared(run)


def _both_suspended(*outcomes: Outcome) -> bool:
    """Whether both end with a suspended pool; the library does not tell where."""
    failures = [outcome.failure for outcome in outcomes]
    return all(failure is not None and failure.signature.kind == "suspended" for failure in failures)


def _broken_after(outcome: Outcome) -> int | None:
    """The op after which an invariant did not hold, if that is how a run ended."""
    failure = outcome.failure
    return failure.op if failure is not None and failure.signature.kind == "invariant" else None


def every_schedule(program: Program, model: ModelTarget, preemptions: int) -> list[Program]:
    """The program with each of its schedules up to a number of preemptions; equivalent ones once."""
    schedules: dict[tuple[Switch, ...], None] = {}
    explore(program, model, preemptions, seen=lambda done: schedules.setdefault(done.schedule))
    return [with_schedule(program, schedule) for schedule in schedules]


def compare_all(
    program: Program, real: HeldTarget, model: ModelTarget, preemptions: int
) -> Iterator[tuple[Program, Compared]]:
    """Each schedule of a program up to a number of preemptions, on both."""
    for scheduled in every_schedule(program, model, preemptions):
        yield scheduled, compare(scheduled, real, model)
