"""The model as a target: programs of one thread, and of several."""

from __future__ import annotations

from fuzz.corpus.extras import lacking
from fuzz.execution.result import Outcome, Trace
from fuzz.language.program import Program, threadless
from fuzz.targets.base import NoTarget
from fuzz.targets.model.verbs import (  # noqa: F401  (they register verbs)
    cursors,
    directories,
    entries,
    helpers,
    no_room,
    objects_and_time,
    read_errors,
)
from fuzz.targets.model.verbs.accounting import AccountedWorld
from fuzz.targets.model.verbs.sync_tasks import TaskedWorld
from fuzz.targets.model.world import HANDLERS

HANDLERS.complete()


class ModelTarget(AccountedWorld, TaskedWorld):
    """Runs programs on the model of one release. Every run starts from an empty object set."""

    def run_threads(self, program: Program, judge: bool, trace: Trace | None) -> Outcome:
        """Run a program with threads as its schedule says. One with ZAPs of usage or of the MOS ends at a
        limit. Raises NoTarget where greenlet is not installed."""
        if why := threadless(program):
            return Outcome(None, why, 0)
        try:
            from fuzz.threads.parallel_run import run_threads
        except ModuleNotFoundError as missing:
            raise NoTarget(f"threads need {lacking(missing)}") from missing
        return run_threads(program, self, judge=judge, trace=trace).outcome
