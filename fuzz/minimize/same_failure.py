"""Whether a program fails in the same way as another one, and the simplest program found that does."""

from __future__ import annotations

from fuzz.execution.execute import run
from fuzz.execution.result import Outcome
from fuzz.judge.signature import JUDGED_KINDS, Failure, Signature
from fuzz.language.program import Program
from fuzz.minimize.minimize import Predicate, Stats, minimize
from fuzz.targets.base import Target
from fuzz.targets.model.target import ModelTarget


def fails_as(signature: Signature, target: Target, *, judge: bool = True) -> Predicate:
    """The predicate that holds of programs whose run on the target ends with a failure of the same kind,
    place and expression. Other wrong answers before that do not end the run."""

    def pass_by(failure: Failure) -> bool:
        return failure.signature.key != signature.key

    def predicate(program: Program) -> bool:
        failure = run(program, target, judge=judge, forgive=pass_by).failure
        return failure is not None and failure.signature.key == signature.key

    return predicate


def with_verbs_of(program: Program, predicate: Predicate) -> Predicate:
    """The same predicate, but only for programs that use no other verbs than this one, so that another way to
    the same failure is not taken for this one."""
    verbs = {op.verb for op in program.ops}
    return lambda candidate: verbs.issuperset(op.verb for op in candidate.ops) and predicate(candidate)


def minimize_failure(
    program: Program,
    failure: Failure,
    target: Target,
    *,
    keep_form: bool = False,
    stats: Stats | None = None,
) -> tuple[Program, Outcome]:
    """The simplest program found that fails as `program` does, and how its judged run ends.

    `keep_form` allows no verb that the program has not. Raises ValueError if the failure does not come again.
    Of a program with threads the schedule is cut down too; there `keep_form` keeps two of them.
    """
    if any(op.thread for op in program.ops) and isinstance(target, ModelTarget):
        from fuzz.threads.minimize_schedule import minimize_threads

        fewest = minimize_threads(program, failure, target, keep_threads=keep_form, stats=stats)
        return fewest.program, run(fewest.program, target)
    judge = failure.signature.kind in JUDGED_KINDS
    if not judge:
        small = _smallest(program, failure.signature, target, False, keep_form, stats)
        outcome = run(small, target)
        same = outcome.failure is not None and outcome.failure.signature.key == failure.signature.key
        if same or not fails_as(failure.signature, target)(program):
            return small, outcome
        # cut down, it fails earlier of something that only a judge sees
    small = _smallest(program, failure.signature, target, True, keep_form, stats)
    return small, run(small, target)


def _smallest(
    program: Program,
    signature: Signature,
    target: Target,
    judge: bool,
    keep_form: bool,
    stats: Stats | None,
) -> Program:
    predicate = fails_as(signature, target, judge=judge)
    return minimize(program, with_verbs_of(program, predicate) if keep_form else predicate, stats=stats)
