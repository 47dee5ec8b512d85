"""The model as a target: programs of one thread, and of several."""

from __future__ import annotations

from fuzz.execution.result import Outcome, Trace
from fuzz.language.program import Program
from fuzz.targets import model_directories  # noqa: F401  (it registers the verbs on directories)
from fuzz.targets.model_world import HANDLERS, ModelWorld

HANDLERS.complete()


class ModelTarget(ModelWorld):
    """Runs programs on the model of one release. Every run starts from an empty object set."""

    def run_threads(self, program: Program, judge: bool, trace: Trace | None) -> Outcome:
        """Run a program with threads as its schedule says; without greenlet that is a limit."""
        try:
            from fuzz.threads.parallel_run import run_threads
        except ModuleNotFoundError:
            return Outcome(None, "threads need greenlet: pip install 'zapfuzz[threads]'", 0)
        return run_threads(program, self, judge=judge, trace=trace).outcome
