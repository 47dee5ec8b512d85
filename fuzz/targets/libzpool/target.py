"""A real libzpool as a target: programs of one thread, and of several, whose real threads are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.corpus.extras import lacking
from fuzz.execution.result import Outcome, Trace
from fuzz.language.program import Program, threadless
from fuzz.targets.base import NoTarget
from fuzz.targets.libzpool.moves import MovingLibzpool

if TYPE_CHECKING:
    from fuzz.threads.real.held_target import HeldTarget


class LibzpoolTarget(MovingLibzpool):
    """Programs on a real library. The worker whose threads are held is another one, started when a program
    has threads."""

    _held: HeldTarget | None = None

    def run_threads(self, program: Program, judge: bool, trace: Trace | None) -> Outcome:
        """Run a program with threads as its schedule says, by real threads that are held
        (`fuzz.threads.real`). Raises NoTarget where hold.c cannot be compiled or greenlet is not
        installed."""
        if why := threadless(program):
            return Outcome(None, why, 0)
        try:
            from fuzz.threads.real.held_run import model_for, run_held
            from fuzz.threads.real.held_target import HeldTarget
        except ModuleNotFoundError as missing:
            raise NoTarget(f"threads need {lacking(missing)}") from missing
        if self._held is None:
            self._held = HeldTarget(
                self.release.name, self.library, deadline=self._deadline, valgrind=self._valgrind
            )
        return run_held(program, self._held, model_for(self), judge=judge, trace=trace).outcome

    def close(self) -> None:
        """End the workers."""
        super().close()
        if self._held is not None:
            self._held.close()
