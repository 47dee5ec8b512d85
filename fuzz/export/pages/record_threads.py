"""The steps of a program with threads: who ran from point to point, on which stack, with which locks."""

from __future__ import annotations

from typing import Any

from fuzz.corpus.extras import lacking
from fuzz.execution.result import Outcome, Result
from fuzz.export.pages.recorded_model import RecordedModel
from fuzz.language.program import Op, Program
from fuzz.targets.base import NoTarget
from zapcore.errors import openzfs_stack
from zapcore.locks import RWLock

_BEFORE = {
    "read": "takes {} as reader next",
    "write": "takes {} as writer next",
    "exit": "has let {} go",
    "hold": "holds the dbuf of {} next",
    "rele": "releases the dbuf of {} next",
    "txg": "opens the txg after {} next",
    "commit": "has ended its op",
}

MOST_POINTS = 1500
"""Scheduling points that are steps of their own; after that only each op's end is one."""


def run_recorded(program: Program, target: RecordedModel) -> Outcome:
    """Run a program as its schedule says, with a step for each of its points. Raises NoTarget."""
    try:
        from fuzz.threads.parallel_run import ThreadedRun
    except ModuleNotFoundError as missing:
        raise NoTarget(f"threads need {lacking(missing)}") from missing
    from fuzz.threads.scheduling_policies import Replay

    watcher = _Watcher(target)
    watcher.run = ThreadedRun(
        program, target, Replay(program.schedule), trace=watcher.trace, watchers=(watcher,)
    )
    target.more = watcher.parts
    outcome: Outcome = watcher.run.run().outcome
    return outcome


class _Watcher:
    """Is told what threads do (`fuzz.threads.scheduler.Watcher`)."""

    def __init__(self, target: RecordedModel) -> None:
        self.target = target
        self.run: Any = None
        self.stacks: dict[int, tuple[str, ...]] = {}
        self.stands: dict[int, str] = {}
        self.answered: tuple[int, str] | None = None

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """A thread stands at a point: what it has done since the one before is a step."""
        self.stacks[thread] = openzfs_stack()
        self.stands[thread] = self._where(what, thing)
        if len(self.target.steps) < MOST_POINTS and what != "commit":
            self.target.step("point", self.run.running[thread], thread, where=self.stands[thread])

    def entered(self, thread: int, what: str, thing: object) -> None:
        """It goes on."""
        self.stands[thread] = "runs"

    def trace(self, index: int, op: Op, result: Result) -> None:
        """An op has ended."""
        self.stacks.pop(op.thread, None)
        self.stands[op.thread] = "between two ops"
        self.target.trace(index, op, result)

    def parts(self) -> dict[str, Any]:
        """What a picture shows of each thread: its op, where it stands, its stack and its locks."""
        if self.run is None or not hasattr(self.run, "scheduler"):
            return {}
        held = self.run.monitor.held
        shown = {}
        for number, thread in self.run.scheduler.threads.items():
            locks = [
                f"{self._lock(lock)} as {'writer' if writes else 'reader'}"
                for lock, writes in held.get(number, ())
            ]
            waits = thread.stuck if thread.ready is not None else ""
            stands = (
                "has ended"
                if thread.done
                else f"waits until {waits}"
                if waits
                else self.stands.get(number, "has not begun")
            )
            op = self.run.running.get(number, -1)
            shown[f"thread/{number}"] = [op, stands, list(self.stacks.get(number, ())), locks]
        return shown

    def _where(self, what: str, thing: object) -> str:
        if isinstance(thing, RWLock):
            named = self._lock(thing)
        elif isinstance(thing, tuple):
            named = f"block {thing[1]} of {self._name(thing[0])}"
        else:
            named = "" if thing is None else str(thing)
        return _BEFORE.get(what, f"goes on with {what}() for {{}} next").format(named)

    def _lock(self, lock: RWLock) -> str:
        number, blkid = lock.where
        of = f" of leaf {blkid}" if blkid else ""
        return f"{lock.name}{of} of {self._name(number)}"

    def _name(self, number: int) -> str:
        return self.target.names.get(number, f"object {number}")
