"""One program on one target, judged: the oracle looks at every answer, the invariants at the whole object."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from operator import attrgetter

from fuzz.execution.result import Forgive, Outcome, Result, Trace
from fuzz.execution.work_bound import too_much
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure, Signature
from fuzz.judge.wrong_answers import Wrong
from fuzz.language.program import Op, Program
from fuzz.language.verb_sets import BRINGS, INTS, JOINS, READING, TAKES
from fuzz.language.verbs import VERBS
from fuzz.targets.base import Target
from zapcore.errors import LimitExceeded

THREAD = attrgetter("thread")
ALL = Op("txg")
"""An audit after it looks at every ZAP."""
SHARING = (BRINGS | TAKES) - INTS
"""Verbs that may share an audit: those that write one entry, under a key of their own."""
MOST_WAITING = 5
"""Writes that wait for the audit of a later one."""
_NEW = frozenset(name for name, verb in VERBS.items() if verb.refused_if_there)
"""Verbs that an entry that is there refuses."""
_REFUSALS = (errno.EEXIST, errno.ENOENT)
_CHANGES_BEFORE = BRINGS | JOINS
"""Verbs that may have changed something before they are refused."""


def changes_nothing(op: Op, result: Result) -> bool:
    """Whether an op only looks, or was refused before it changed anything: if that is not so, the next audit
    of the ZAP shows it, or the last one. An add makes room in a micro ZAP before it is refused
    (zap_lockdir)."""
    return op.verb in READING or (result.errno in _REFUSALS and op.verb not in _CHANGES_BEFORE)


def may_wait(waiting: Sequence[Op], op: Op) -> bool:
    """Whether one audit after an op does for the writes that wait for one, too: reading a leaf is most of
    what an audit costs. All write one ZAP, under different keys, or the op is refused if the one before it
    was right: what those have put wrong it leaves."""
    if op.subject != waiting[0].subject or op.verb not in SHARING:
        return False
    for each in waiting:
        if each.key == op.key and op.verb not in (TAKES if each.verb in TAKES else _NEW):
            return False
    return True


def run(
    program: Program,
    target: Target,
    *,
    judge: bool = True,
    trace: Trace | None = None,
    forgive: Forgive | None = None,
    share_audits: bool = False,
) -> Outcome:
    """Run a program from an empty world. `judge` also holds every answer against the oracle and, where the
    target can be looked into, checks its invariants after every op that may change something, and at the end.
    After a wrong answer that `forgive` says yes to the run goes on, since the world did not end. With
    `share_audits` a few writes may share a check (`may_wait`), as suits fuzzing; a failure is told as
    without."""
    ended = None
    if any(map(THREAD, program.ops)):
        ended = target.run_threads(program, judge, trace)
        # where that is None they run one after the other, as they stand, which is one of the possible orders
    if ended is None and trace is None:
        ended = target.run_at_once(program, judge, forgive)
    if ended is not None:
        return ended
    outcome, unaudited = _run_by_op(program, target, judge, trace, forgive, share_audits)
    if not unaudited:
        return outcome
    last = outcome.failure and outcome.failure.signature

    def again(wrong: Failure) -> bool:
        """What was forgiven is forgiven again, and not counted twice."""
        return wrong.signature != last

    if outcome.limit is not None:
        # what an op does before it meets a limit is most of the cost: only what came before it is looked at
        before = program.with_ops(program.ops[: outcome.ops - 1])
        if _run_by_op(before, target, judge, None, forgive and again, share_audits)[0].fine:
            return outcome
    exact, _ = _run_by_op(program, target, judge, None, forgive and again, share_audits=False)
    return outcome if exact.fine else exact


def _run_by_op(
    program: Program,
    target: Target,
    judge: bool,
    trace: Trace | None,
    forgive: Forgive | None,
    share_audits: bool,
) -> tuple[Outcome, bool]:
    """Run a program op by op, with `share_audits` one audit for ops that `may_wait` for it; also whether it
    ended in or after an op before which one had not been audited."""
    oracle = Oracle(program, target.release) if judge else None
    audit: Callable[..., None] | None = target.audit if judge and target.can_audit else None
    owed = False
    waiting: list[Op] = []
    index = -1
    try:
        target.begin(program)
        work = target.work if judge else None
        for index, op in enumerate(program.ops):
            reads = op.verb in READING
            if waiting and not reads and audit is not None and not may_wait(waiting, op):
                audit(waiting[-1], oracle, waiting[:-1])
                waiting = []
            result = target.apply(op)
            if trace is not None:
                trace(index, op, result)
            if oracle is not None:
                wrong = oracle.check(op, result)
                if wrong is not None:
                    failure = _wrong_answer(op, wrong)
                    if forgive is None or not forgive(failure):
                        raise failure
            if work is not None and work.steps:
                heavy = too_much(op, work, index)
                work.clear()
                if heavy is not None and (forgive is None or not forgive(heavy)):
                    raise heavy
            if audit is not None:
                if reads or changes_nothing(op, result):
                    owed = True
                elif share_audits and len(waiting) < MOST_WAITING and op.verb in SHARING:
                    waiting.append(op)
                else:
                    audit(op, oracle, waiting)
                    waiting = []
        if audit is not None and waiting:
            audit(waiting[-1], oracle, waiting[:-1])
            waiting = []
        if audit is not None and owed:
            audit(ALL, oracle)
        target.end()
    except Failure as failure:
        return Outcome(Failure(failure.signature, failure.text, index), None, index + 1), bool(waiting)
    except LimitExceeded as limit:
        denied = judge_limit(program.ops[index], limit, oracle) if oracle is not None and index >= 0 else None
        if denied is None:
            return Outcome(None, str(limit), index + 1), bool(waiting)
        return Outcome(Failure(denied.signature, denied.text, index), None, index + 1), bool(waiting)
    return Outcome(None, None, len(program.ops)), False


def judge_result(op: Op, result: Result, oracle: Oracle) -> None:
    """Hold an answer against the oracle. Raises Failure."""
    wrong = oracle.check(op, result)
    if wrong is not None:
        raise _wrong_answer(op, wrong)


def judge_limit(op: Op, limit: LimitExceeded, oracle: Oracle) -> Failure | None:
    """A limit that an op met where it should have had room; None if nothing is wrong with it."""
    wrong = oracle.check_limit(op, limit)
    return None if wrong is None else _wrong_answer(op, wrong)


def judge_op(op: Op, target: Target, oracle: Oracle) -> Result:
    """Run one op and hold it against the oracle and the invariants. Raises Failure, LimitExceeded."""
    result = target.apply(op)
    judge_result(op, result, oracle)
    target.audit(op, oracle)
    return result


def judge_one_of(op: Op, target: Target, oracle: Oracle, waiting: list[Op], last: bool) -> Result:
    """The same of one of several ops, of which writes may share an audit (`may_wait`): that of the `last` one
    at the latest. `waiting` are those that wait. Raises Failure, LimitExceeded."""
    if waiting and op.verb not in READING and not may_wait(waiting, op):
        target.audit(waiting[-1], oracle, waiting[:-1])
        waiting.clear()
    result = target.apply(op)
    judge_result(op, result, oracle)
    if op.verb in SHARING and not last:
        waiting.append(op)
    else:
        target.audit(op, oracle, waiting)
        waiting.clear()
    return result


def run_far(
    program: Program,
    target: Target,
    call: Callable[[Program], list[Result]],
    judge: bool,
    forgive: Forgive | None,
) -> Outcome:
    """Run a program on a target that is far away, which `call` does in one round trip, and judge its answers
    afterwards."""
    try:
        results = call(program)
    except Failure as failure:
        return Outcome(failure, None, min(failure.op + 1, len(program.ops)))
    except LimitExceeded as limit:
        return Outcome(None, str(limit), 0)
    oracle = Oracle(program, target.release) if judge else None
    for index, (op, result) in enumerate(zip(program.ops, results, strict=True)):
        wrong = oracle.check(op, result) if oracle is not None else None
        if wrong is not None:
            denied = _wrong_answer(op, wrong)
            if forgive is None or not forgive(denied):
                return Outcome(Failure(denied.signature, denied.text, index), None, index + 1)
    return Outcome(None, None, len(program.ops))


def _wrong_answer(op: Op, wrong: Wrong) -> Failure:
    """An answer that the oracle denies."""
    return Failure(Signature("oracle", f"zap:{op.verb}", wrong.code), f"{op.verb}: {wrong.text}")
