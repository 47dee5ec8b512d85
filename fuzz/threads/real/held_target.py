"""A real library whose threads are held: `PlainLibzpool` with one more request, in a worker of its own."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fuzz.execution.result import Result
from fuzz.judge.signature import Failure, Signature
from fuzz.language.printing import format_op
from fuzz.language.program import Op
from fuzz.targets.libzpool.plain_target import DEADLINE_SECONDS, PlainLibzpool
from fuzz.targets.libzpool.process.child import Child
from fuzz.targets.libzpool.process.wire import Command, Flags, Reader, pack_run
from fuzz.targets.packages.compile_once import compiled
from fuzz.threads.real import section_request, worker
from fuzz.threads.real.turn_plan import SectionPlan

HOLD_SOURCES = ("hold_locks.c", "hold_sync.c", "hold_sync_writes.c", "hold.h", "hold_sync.h")
"""What is compiled with hold.c."""
PATIENCE_SECONDS = 10.0
"""Within so many seconds a thread comes to its next point, even on a machine that is busy."""


class Ended(NamedTuple):
    """How a section went.

    `results` are in the order of its ops; None stands for an op that did not end. `marks` has the mark of
    each turn (`section_request.EXACT`, NEAR, PENDING). `failure` is None if nothing failed.
    """

    results: list[Result | None]
    answer: section_request.Answer
    marks: list[int]
    failure: Failure | None


class HeldTarget(PlainLibzpool):
    """The library of a release or a path; `patience` is how many seconds a thread may take from one point to
    the next. Raises NoLibrary, NoCompiler."""

    def __init__(
        self,
        release: str = "",
        path: str | os.PathLike[str] | None = None,
        *,
        deadline: float = DEADLINE_SECONDS,
        patience: float = PATIENCE_SECONDS,
        valgrind: bool = False,
    ) -> None:
        super().__init__(release, path, deadline=deadline, valgrind=valgrind)
        self._patience = patience * (self.watch.slower if self.watch is not None else 1)
        self._hold: Path = compiled(__package__, "hold", "holding real threads", HOLD_SOURCES)

    def _new_child(self) -> Child:
        return Child(
            self.library,
            self._deadline,
            worker.__name__,
            (str(self._hold),),
            self._ours,
            watch=self.watch,
            counters=self.counters,
        )

    def section(self, ops: Sequence[Op], plan: SectionPlan) -> Ended:
        """Run ops of threads at the same time, as a plan says. After a failure the worker is gone. Raises
        LimitExceeded, HarnessError."""
        names, child = self._known_names(), self._ready()
        threads = [op.thread for op in ops]
        assert self._program is not None
        section = section_request.Section(threads, plan, self._patience)
        body = section_request.pack_section(section, pack_run(Flags(0), self._program, names, ops))
        first = self._applied
        words = names.packed_words[-len(ops) :]
        try:
            whole = self._ask(Command.SECTION, body, ops)
        except Failure as failure:
            died = _with_threads(failure, child, ops, first)
            return Ended([], _NOTHING, _marks(child, plan), died)
        self._applied += len(ops)
        answer, packed = section_request.unpack_answer(whole)
        reader = Reader(packed)
        results = [
            reader.result(count) if ended else None
            for count, (_, ended) in zip(words, answer.ticks, strict=True)
        ]
        stuck = _stuck(answer, child, ops, first) if answer.stuck else None
        if stuck is not None:
            self.close()
        return Ended(results, answer, _marks(child, plan), stuck)


_NOTHING = section_request.Answer([], {}, 0, 0, {})


def _marks(child: Child, plan: SectionPlan) -> list[int]:
    return list(child.noted(section_request.TURNS_AT, min(len(plan.turns), section_request.MOST_TURNS)))


def _op_of(child: Child, threads: Sequence[int], thread: int) -> int:
    """The index in the section of the op that a thread was at last."""
    slot = sorted(set(threads)).index(thread)
    return int(struct.unpack("<q", child.noted(section_request.OPS_AT + 8 * slot, 8))[0])


def _stack_of(thread: int, how: str, first: int, ops: Sequence[Op], index: int, names: Sequence[str]) -> str:
    head = f"\nThread {thread}{how} in op {first + index}, {format_op(ops[index])}:"
    return head + "".join(f"\n {name}" for name in names)


def _stuck(answer: section_request.Answer, child: Child, ops: Sequence[Op], first: int) -> Failure:
    """The failure of a section in which no thread gets on, with all stacks."""
    threads = [op.thread for op in ops]
    if answer.silent:
        verb = ops[_op_of(child, threads, answer.silent)].verb
        signature = Signature("hang", f"?:{verb}", "no answer")
        text = f"{verb}: thread {answer.silent} comes to no point any more"
    else:
        signature = Signature("deadlock", "rwlock:rw_enter", "some thread can go on")
        text = "deadlock: every thread waits"
    for thread in sorted(set(threads)):
        at = _op_of(child, threads, thread)
        text += _stack_of(thread, "", first, ops, at, answer.stacks.get(thread, []))
    return Failure(signature, text, first)


def _with_threads(failure: Failure, child: Child, ops: Sequence[Op], first: int) -> Failure:
    """The failure with the op of the thread that died, and every thread's stack in its text."""
    threads = [op.thread for op in ops]
    slots = sorted(set(threads))
    died = -1
    others: dict[int, list[str]] = {}
    kept = []
    for line in failure.text.splitlines():
        if line.startswith(worker.THREAD_MARK):
            died = int(line[len(worker.THREAD_MARK) :])
        elif line.startswith(worker.OTHER_MARK):
            number, _, name = line[len(worker.OTHER_MARK) :].partition(" ")
            others.setdefault(int(number), []).append(name)
        else:
            kept.append(line)
    text, op = "\n".join(kept), failure.op
    for slot, thread in enumerate(slots):
        at = _op_of(child, threads, thread)
        if slot == died:
            op = first + at
            text += _stack_of(thread, " failed", first, ops, at, failure.signature.stack)
        elif slot in others:
            text += _stack_of(thread, "", first, ops, at, others[slot])
    return Failure(failure.signature, text, op)
