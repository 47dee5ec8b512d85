"""One run of a program with threads on the real library, judged, and what of its schedule could be forced.

Some order of a section's ops must explain its results, as on the model. The memory of a real library cannot
be audited. So after a section the bytes of every ZAP are checked (`zapcore.verify.object`), and their entries
must be those that the oracle has after one of these orders.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fuzz.execution.execute import judge_op
from fuzz.execution.result import Outcome, Trace
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Op, Program, Switch
from fuzz.language.verb_sets import CONCURRENT, TIME
from fuzz.targets.libzpool.plain_target import PlainLibzpool
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.linearizability import Event, explanations, unexplained
from fuzz.threads.parallel_run import check_section, sections
from fuzz.threads.real.held_target import Ended, HeldTarget
from fuzz.threads.real.section_request import EXACT, PENDING
from fuzz.threads.real.turn_plan import FREE, UNPLANNED, Plan, Point, SectionPlan, What, make_plan
from zapcore.errors import LimitExceeded
from zapcore.verify.invariants import INVARIANTS
from zapcore.verify.object import check_object
from zapcore.verify.report import Report
from zapcore.zap.leaf import to_stored

HELD_ONLY = TIME & CONCURRENT - {"evict"}
"""Ops that make several calls to the pool. No other thread may run between these calls."""


@dataclasses.dataclass(frozen=True, slots=True)
class Forced:
    """A switch of the schedule in words, and whether it was made exactly there. `reached` is False if the run
    ended before it. `why` says where it was made instead."""

    switch: Switch
    text: str
    exact: bool
    reached: bool = True
    why: str = ""


@dataclasses.dataclass(slots=True)
class HeldRun:
    """A run: its outcome, the model's outcome, and the switches. Of `turns` turns, `exact_turns` ended at
    their point. `compared` points were compared with the model's, `extra` ones exist in the real code alone,
    and `divergences` say where a thread left the model's path."""

    outcome: Outcome
    model: Outcome
    forced: list[Forced]
    turns: int = 0
    exact_turns: int = 0
    compared: int = 0
    extra: int = 0
    divergences: list[str] = dataclasses.field(default_factory=list)
    blocks: dict[str, list[bytes] | None] = dataclasses.field(default_factory=dict)
    dbufs: dict[str, bytes] = dataclasses.field(default_factory=dict)
    trees: dict[str, bytes] = dataclasses.field(default_factory=dict)

    @property
    def all_forced(self) -> bool:
        """Whether every turn ended where it does on the model."""
        return self.exact_turns == self.turns


class _Run:
    """One run; `run` once."""

    def __init__(
        self, program: Program, real: HeldTarget, plan: Plan, judge: bool, trace: Trace | None
    ) -> None:
        self.program, self.real, self.plan, self.trace = program, real, plan, trace
        self.names = [zap.name for zap in program.zaps]
        self.bits = {zap.name: zap.hash_bits for zap in program.zaps}
        self.oracle = Oracle(program, real.release) if judge else None
        self.done = 0
        self.report = HeldRun(Outcome(None, None, 0), plan.model.outcome, [])

    def run(self, keep_blocks: bool) -> HeldRun:
        failure: Failure | None = None
        limit: str | None = None
        plans = iter(self.plan.sections)
        try:
            self.real.begin(self.program)
            for parallel, ops in sections(self.program.ops):
                if parallel:
                    self._section(ops, next(plans, UNPLANNED))
                else:
                    self._alone(ops)
            if keep_blocks:
                self._keep()
            self.real.end()
        except Failure as found:
            failure = found
            if keep_blocks and found.signature.kind == "invariant":
                self._keep()
        except LimitExceeded as reached:
            limit = str(reached)
        self.report.outcome = Outcome(failure, limit, self.done)
        return self.report

    def _keep(self) -> None:
        self.report.blocks = {name: self.real.blocks(name) for name in self.names}
        self.report.dbufs = {name: self.real.dbufs(name) for name in self.names}
        self.report.trees = {name: self.real.block_tree(name) for name in self.names}

    def _alone(self, ops: list[tuple[int, Op]]) -> None:
        for index, op in ops:
            self.done += 1
            try:
                if self.oracle is not None:
                    result = judge_op(op, self.real, self.oracle)
                else:
                    result = self.real.apply(op)
            except Failure as failure:
                raise Failure(failure.signature, failure.text, index) from failure
            if self.trace is not None:
                self.trace(index, op, result)

    def _section(self, numbered: list[tuple[int, Op]], plan: SectionPlan) -> None:
        ops = [op for _, op in numbered]
        check_section(self.program, numbered, self.oracle is not None)
        for op in ops:
            if plan.free and op.verb in HELD_ONLY:
                raise LimitExceeded(f"{op.verb} beside threads that nobody holds")
        ended = self.real.section(ops, plan)
        self._note(plan, ended)
        if ended.failure is not None:
            self.done += sum(result is not None for result in ended.results)
            raise ended.failure
        self.done += len(ops)
        history = []
        for (index, op), result, ticks in zip(numbered, ended.results, ended.answer.ticks, strict=True):
            assert result is not None
            history.append(Event(index, op, *ticks, result))
        history.sort(key=lambda event: event.ended)
        if self.trace is not None:
            for event in history:
                self.trace(event.place, event.op, event.result)
        if self.oracle is not None:
            self.oracle = self._judge(self.oracle, history)

    def _note(self, plan: SectionPlan, ended: Ended) -> None:
        report, switches = self.report, self.plan.model.schedule
        if plan.first >= 0:
            switch = switches[plan.first]
            report.forced.append(Forced(switch, f"t{switch.thread} begins", True))
        for index, (turn, mark) in enumerate(zip(plan.turns, ended.marks, strict=False)):
            exact = mark == EXACT
            report.turns += 1
            # a turn without an end of its own lasts until the run ends, as it does on the model
            report.exact_turns += exact or (mark == PENDING and turn.points < 0)
            if turn.switch >= 0:
                point = self._standing(plan, turn.thread, turn.points)
                text = f"t{turn.thread} stops where it {point.describe(self.names)}, t{turn.to} goes on"
                why = self._why(*ended.answer.instead.get(index, (Point(What.START), False)))
                report.forced.append(Forced(switches[turn.switch], text, exact, mark != PENDING, why))
        report.compared += ended.answer.compared
        report.extra += ended.answer.extra
        report.divergences += [f"t{thread}: {how}" for thread, how in ended.answer.divergences.items()]

    def _why(self, at: Point | None, waits: bool) -> str:
        """Where a thread stopped instead."""
        if at is None:
            return "its ops were done before it came there"
        there = at.describe(self.names)
        return f"it had to wait before, where it {there}" if waits else f"the next that can be seen: {there}"

    @staticmethod
    def _standing(plan: SectionPlan, thread: int, points: int) -> Point:
        mine = plan.points.get(thread, [])
        return mine[points - 1] if 0 < points <= len(mine) else Point(What.START)

    def _judge(self, before: Oracle, history: Sequence[Event]) -> Oracle:
        """The oracle after a section. Raises Failure."""
        last = max(event.place for event in history)
        ends = explanations(before, history)
        if not ends:
            failure = unexplained(before, history)
            raise Failure(failure.signature, failure.text, last)
        reports = {name: self._checked(name, last) for name in self.names}
        for oracle in ends:
            if all(_holds(oracle, name, report) for name, report in reports.items()):
                return oracle
        raise _broken("entries", "no order of the ops leaves what the blocks hold", last)

    def _checked(self, name: str, last: int) -> Report | None:
        blocks = self.real.blocks(name)
        if blocks is None:
            return None
        report = check_object(blocks, self.real.release.lower_case, self.bits[name])
        if report.violations:
            first = report.violations[0]
            raise _broken(first.invariant, "\n".join(map(str, report.violations)), last)
        return report


def _broken(invariant: str, detail: str, op: int) -> Failure:
    signature = Signature("invariant", f"zap:{invariant}", INVARIANTS[invariant])
    return Failure(signature, f"{signature}\n{detail}", op)


def _holds(oracle: Oracle, name: str, report: Report | None) -> bool:
    """Whether a ZAP's blocks hold what an oracle says."""
    entries = oracle.state.entries[name]
    if report is None or entries is None:
        return report is None and entries is None
    held = {entry.key: (entry.size, entry.value) for entry in report.entries}
    said = {key: (value.size, to_stored(value.data, value.size)) for key, value in entries.items()}
    return held == said or len(report.entries) != report.entries_read


def model_for(real: PlainLibzpool) -> ModelTarget:
    """The model of the release whose behaviours a library has."""
    return ModelTarget(real.release)


def run_held(
    program: Program,
    real: HeldTarget,
    model: ModelTarget,
    *,
    judge: bool = True,
    trace: Trace | None = None,
    plan: Plan | None = None,
    keep_blocks: bool = False,
    free: bool = False,
) -> HeldRun:
    """Run a program with threads on the real library as its schedule says. `plan` is what `make_plan` made of
    it before; `keep_blocks` also reads all blocks at the end, and asks what holds their dbufs; `free` holds
    no thread anywhere. Raises HarnessError."""
    if plan is None:
        plan = make_plan(program, model, judge=judge)
    if free:
        plan = Plan(plan.model, [FREE] * len(program.ops))
    return _Run(program, real, plan, judge, trace).run(keep_blocks)
