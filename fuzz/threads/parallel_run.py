"""Runs a program with threads on the model, and judges it.

Ops of thread 0 run alone, one after the other. All ops of other threads that follow each other are a parallel
section. In a section, each thread runs its own ops in the program's order, and the policy says how the
threads are interleaved. When all ops of the section are done, the next op of thread 0 runs. Scheduling points
are counted in sections only, and over the whole run.

An op that changes something is a transaction of its own. Before it begins, it waits until no transaction of
another txg on the same object is left uncommitted (dn_assigned_txg in dmu_tx.c), and is then assigned to the
open txg. A txg syncs when its transactions have committed (txg_quiesce), and in one step, but for `spa_sync`,
which syncs it step by step and lets other threads come between (`zapcore.dmu.spa_sync`). Each change of a
dbuf itself is one step, too, because OpenZFS makes it under db_mtx.

An op waits for the locks that its caller holds (`callers_locks`): of names in a directory, and of objects
that are destroyed.

Some ops are not allowed in parallel sections, and a program with one there ends at a limit: those that need
the pool for themselves (`reopen`), those on owners of objects, and ops on a cursor that two threads use. So
does a section that begins while reads fail (`fail` without `heal`)."""

from __future__ import annotations

import collections
import errno
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fuzz.execution.execute import judge_one_of
from fuzz.execution.result import Outcome, Result, Trace
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure
from fuzz.language.printing import format_op
from fuzz.language.program import Op, Program, Switch
from fuzz.language.verb_sets import CONCURRENT, CURSOR_VERBS, DIRECTORIES, MODIFIES, TIME
from fuzz.targets.model.world import ModelWorld
from fuzz.targets.panic_to_failure import failure_of
from fuzz.threads.apply_op import apply_op
from fuzz.threads.callers_locks import CallersLocks, Named, Wanted, broken_names, needs_objects, wanted_by
from fuzz.threads.dependence import Dependence
from fuzz.threads.linearizability import MAX_OPS, Event, explanations, unexplained
from fuzz.threads.lock_monitor import Monitor
from fuzz.threads.scheduler import Scheduler, Watcher
from fuzz.threads.scheduling_policies import Policy, Replay
from zapcore.audit.auditor import Auditor
from zapcore.audit.stepped_sync_blocks import SteppedSyncBlocks
from zapcore.dmu.spa_sync import SteppedSync
from zapcore.errors import LimitExceeded, Panic
from zapcore.name_locks import Asked
from zapcore.zap.norm import forms_of

NO_SUCH_NAME = Result(errno.ENOENT)
"""The answer of an op that zfs_dirent_lock() refuses."""


class ThreadRun(NamedTuple):
    """How a run with threads ended, the switches that repeat it, its points, and how often a thread that
    could have gone on was stopped."""

    outcome: Outcome
    schedule: tuple[Switch, ...]
    points: int
    preemptions: int


def has_threads(program: Program) -> bool:
    """Whether any op belongs to a thread other than 0."""
    return any(op.thread for op in program.ops)


def sections(ops: Sequence[Op]) -> Iterator[tuple[bool, list[tuple[int, Op]]]]:
    """The ops with their indexes: (False, ops of thread 0) and (True, a parallel section), in turn."""
    numbered = enumerate(ops)
    for parallel, group in itertools.groupby(numbered, key=lambda pair: pair[1].thread != 0):
        yield parallel, list(group)


class ThreadedRun:
    """One run of one program; `run` once."""

    def __init__(
        self,
        program: Program,
        target: ModelWorld,
        policy: Policy,
        *,
        judge: bool = True,
        trace: Trace | None = None,
        writers_first: bool = False,
        dependence: Dependence | None = None,
        watchers: tuple[Watcher, ...] = (),
        share_audits: bool = False,
    ) -> None:
        self.program = program
        self.target = target
        self.judge = judge
        self.trace = trace
        self.dependence = dependence
        self.watchers = watchers
        self.policy = policy
        self.writers_first = writers_first
        self.share_audits = share_audits
        self.oracle = Oracle(program, target.release)
        self.running: dict[int, int] = {}
        self.assigned: dict[int, tuple[int, frozenset[str]]] = {}
        self.places = {zap.name: place for place, zap in enumerate(program.zaps)}
        lower = target.release.lower_case
        norms = [None if zap.words else forms_of(zap.norm, lower) for zap in program.zaps]
        named = [self._named(op) for op in program.ops if op.thread]
        self.locks = CallersLocks(norms, broken=broken_names(named, norms))
        self.taken: dict[int, list[Wanted]] = collections.defaultdict(list)
        self.objects_too = False
        self.history: list[Event] = []
        self.ticks = itertools.count()
        self.done = 0

    def run(self) -> ThreadRun:
        """Run and judge it. Raises nothing but what a policy raises."""
        failure: Failure | None = None
        limit: str | None = None
        self.target.begin(self.program)
        self.monitor = Monitor(self.target.objset)
        watchers: tuple[Watcher, ...] = (self.monitor, *self.watchers)
        if self.dependence is not None:
            watchers += (self.dependence,)
        self.scheduler = Scheduler(
            self.target.objset.threads, self.policy, writers_first=self.writers_first, watchers=watchers
        )
        self.scheduler.quiesced = lambda txg: all(txg != held for held, _ in self.assigned.values())
        self.scheduler.assigns = self._assign_objects
        try:
            for parallel, ops in sections(self.program.ops):
                if parallel:
                    self._section(ops)
                else:
                    self._alone(ops)
            self.target.end()
        except Failure as found:
            failure = found
        except LimitExceeded as reached:
            limit = str(reached)
        schedule = tuple(self.scheduler.switches)
        outcome = Outcome(failure, limit, self.done)
        return ThreadRun(outcome, schedule, self.scheduler.step, self.scheduler.preemptions)

    def _alone(self, ops: list[tuple[int, Op]]) -> None:
        waiting: list[Op] = []
        for index, op in ops:
            last = index == ops[-1][0] or not self.share_audits
            self.done += 1
            try:
                if self.judge:
                    result = judge_one_of(op, self.target, self.oracle, waiting, last)
                else:
                    result = self.target.apply(op)
            except Failure as failure:
                raise Failure(failure.signature, failure.text, index) from failure
            if self.trace is not None:
                self.trace(index, op, result)

    def _section(self, ops: list[tuple[int, Op]]) -> None:
        check_section(self.program, ops, self.judge)
        self.history = []
        lanes: dict[int, list[tuple[int, Op]]] = {}
        for index, op in ops:
            lanes.setdefault(op.thread, []).append((index, op))
        self.running = {thread: mine[0][0] for thread, mine in lanes.items()}
        self.objects_too = needs_objects(op.verb for _, op in ops)
        self.monitor.begin()
        if self.dependence is not None:
            self.dependence.world_matters = any(op.verb in TIME for _, op in ops)
            self.dependence.cursors = any(op.verb in CURSOR_VERBS for op in self.program.ops)
        if any(op.verb == "spa_sync" for _, op in ops):
            watcher = SteppedSyncBlocks(self.target.objset)
            self.target.objset.stepped_sync = SteppedSync(self.target.objset, self.scheduler, watcher)
        bodies = {thread: self._body(thread, mine) for thread, mine in lanes.items()}
        try:
            with self.monitor:
                self.scheduler.run(bodies)
        except Panic as panic:  # a deadlock, found where nobody runs
            raise self._with_stacks(failure_of(panic)) from panic
        except Failure as failure:
            raise self._with_stacks(failure) from failure
        except LimitExceeded as reached:
            at = self.running.get(self.scheduler.failed)
            if at is None:
                raise
            raise LimitExceeded(f"{reached}, in op {at}: {format_op(self.program.ops[at])}") from reached
        finally:
            self.scheduler.abandon()
            self.target.objset.stepped_sync = None
        if self.judge:
            self._judge(ops[-1][0])

    def _body(self, thread: int, ops: list[tuple[int, Op]]) -> Callable[[], None]:
        def body() -> None:
            for index, op in ops:
                self.running[thread] = index
                if self.dependence is not None:
                    self.dependence.begin(thread, op.verb in TIME)
                began = next(self.ticks)
                if not self._lock(thread, op):
                    result = NO_SUCH_NAME
                else:
                    if op.verb in MODIFIES:
                        self._assign(thread, op.subject)
                    result = apply_op(self.target, op)
                self.assigned.pop(thread, None)
                self._unlock(thread)
                self.done += 1
                self.history.append(Event(index, op, began, next(self.ticks), result))
                if self.trace is not None:
                    self.trace(index, op, result)
                self.scheduler.point("commit", None)

        return body

    def _named(self, op: Op) -> Named:
        """What of an op decides about the locks that its caller holds."""
        key, to = (each if isinstance(each, bytes) else b"" for each in (op.key, op.to))
        zap, other = (self.places.get(name, -1) for name in (op.subject, op.other))
        return Named(op.verb, zap, key, other, to)

    def _lock(self, thread: int, op: Op) -> bool:
        """Take the locks that the op's caller holds; False where it is told that there is no such name."""
        for wanted in wanted_by(self._named(op), self.locks.norms, self.objects_too):
            while (asked := self.locks.take(thread, wanted)) is Asked.WAIT:
                decided = functools.partial(self.locks.is_decided, thread, wanted)
                self.scheduler.block(decided, "a lock that the op's caller takes")
            if self.dependence is not None:
                thing, shared = self.locks.thing(wanted)
                self.dependence.locked(thread, thing, shared)
            if asked is Asked.REFUSED:
                return False
            self.taken[thread].append(wanted)
        return True

    def _unlock(self, thread: int) -> None:
        self.locks.drop(thread)
        for wanted in self.taken.pop(thread, ()):
            if self.dependence is not None:
                thing, shared = self.locks.thing(wanted)
                self.dependence.locked(thread, thing, shared)

    def _assign_objects(self, numbers: Sequence[int]) -> None:
        """The same for an op that has done something before it begins its transaction."""
        names = [self.target.names[number] for number in numbers]
        self._assign(self.target.objset.threads.current, *names)

    def _assign(self, thread: int, *zaps: str) -> None:
        """dmu_tx_assign: wait while the objects have transactions of another txg, then join the open one."""
        objset, ours = self.target.objset, frozenset(zaps)

        def free() -> bool:
            now = objset.open_tx.txg
            return all(txg == now or ours.isdisjoint(others) for txg, others in self.assigned.values())

        while not free():
            self.scheduler.block(free, "the object's transactions of the txg before commit")
        self.assigned[thread] = (objset.open_tx.txg, ours)
        stepped = objset.stepped_sync
        if stepped is not None:
            for zap in zaps:
                stepped.before_transaction(self.target.numbers[zap])

    def _with_stacks(self, failure: Failure) -> Failure:
        """The failure with the stacks of all threads in its text."""
        stacks = self.scheduler.stacks()
        failed = self.scheduler.failed
        if failure.signature.stack:
            stacks[failed] = failure.signature.stack
        text = failure.text
        for thread, stack in sorted(stacks.items()):
            op = self.program.ops[self.running[thread]]
            here = " failed" if thread == failed else ""
            text += f"\nThread {thread}{here} in op {self.running[thread]}, {format_op(op)}:"
            text += "".join(f"\n {name}" for name in stack)
        freed = self.monitor.who_freed(self.scheduler.threads[failed].thing) if failed else None
        if freed is not None:
            text += f"\nFreed by thread {freed[0]}:" + "".join(f"\n {name}" for name in freed[1])
        return Failure(failure.signature, text, self.running.get(failed, -1))

    def _judge(self, last: int) -> None:
        """Find an order of the section's ops that explains their results and what the object holds now."""
        ends = explanations(self.oracle, self.history)
        if not ends:
            failure = unexplained(self.oracle, self.history)
            raise Failure(failure.signature, failure.text, last)
        fitting = [end for end in ends if len(ends) == 1 or self._holds(end)]
        self.oracle = fitting[0] if fitting else ends[0]
        try:
            self.target.audit(Op("sync"), self.oracle)
        except Failure as failure:
            raise Failure(failure.signature, failure.text, last) from failure

    def _holds(self, oracle: Oracle) -> bool:
        """Whether every ZAP holds what this oracle says."""
        auditor = Auditor(self.target.objset)
        held = self.target.objset.holds
        try:
            for name, number in self.target.numbers.items():
                auditor.check(number, oracle.state.entries[name], held, fat=oracle.state.fat[name])
        except Panic:
            return False
        return True


def without_room(ops: Sequence[Op]) -> bool:
    """Whether there is no room after these ops."""
    last = next((op for op in reversed(ops) if op.verb == "full"), None)
    return last is not None and bool(last.fill)


def unread(ops: Sequence[Op]) -> list[str]:
    """The ZAPs whose reads fail after these ops."""
    failing: dict[str, None] = {}
    for op in ops:
        if op.verb == "fail":
            failing[op.subject] = None
        elif op.verb == "heal":
            failing.pop(op.subject, None)
    return list(failing)


def check_section(program: Program, numbered: Sequence[tuple[int, Op]], judge: bool) -> None:
    """Raise LimitExceeded for a section that cannot be run or judged."""
    ops, zaps = [op for _, op in numbered], program.zaps
    for name in unread(program.ops[: numbered[0][0]]):
        raise LimitExceeded(f"a parallel section while reads of {name} fail: they fail during one op alone")
    if without_room(program.ops[: numbered[0][0]]):
        raise LimitExceeded("a parallel section while there is no room: threads would wait for some")
    if len({zap.micro_max for zap in zaps if not zap.fat}) > 1:
        raise LimitExceeded(
            "a parallel section, and micro ZAPs of different micro_max_size: one tunable says it for all"
        )
    if len({zap.leaf_shift for zap in zaps if not zap.fat}) > 1:
        for op in ops:
            if op.verb in DIRECTORIES:
                raise LimitExceeded(
                    f"{format_op(op)} in a parallel section, and micro ZAPs of different leaf_shift: "
                    "one tunable says it for all"
                )
    if judge and len(ops) > MAX_OPS:
        raise LimitExceeded(f"{len(ops)} ops in one parallel section, {MAX_OPS} can be judged")
    users: dict[str, int] = {}
    for op in ops:
        if op.verb not in CONCURRENT:
            raise LimitExceeded(f"{format_op(op)} in a parallel section: nothing else runs beside it")
        if op.verb in CURSOR_VERBS and users.setdefault(op.subject, op.thread) != op.thread:
            raise LimitExceeded(f"cursor {op.subject} in two threads at once: it belongs to one")


def run_threads(
    program: Program,
    target: ModelWorld,
    *,
    judge: bool = True,
    trace: Trace | None = None,
    policy: Policy | None = None,
    writers_first: bool = False,
    dependence: Dependence | None = None,
    watchers: tuple[Watcher, ...] = (),
    share_audits: bool = False,
) -> ThreadRun:
    """Run a program with threads; the program's own schedule decides where no policy is given. With
    `share_audits` a few writes outside sections may share a check: for programs that have run before."""
    return ThreadedRun(
        program,
        target,
        Replay(program.schedule) if policy is None else policy,
        judge=judge,
        trace=trace,
        writers_first=writers_first,
        dependence=dependence,
        watchers=watchers,
        share_audits=share_audits,
    ).run()
