"""Past what is known: programs are run on the model first, and what would end the real library's process in a
way that is known already never gets there.

A panic costs a real library its process, and a table that doubles to the limit costs seconds, where the model
needs milliseconds to say so. On the model such bugs have remedies; on a library nothing can be switched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from fuzz.execution.execute import run
from fuzz.execution.result import Trace
from fuzz.judge.signature import SILENT_KINDS, Failure
from fuzz.language.program import Program
from fuzz.targets.model import ModelTarget

RECHECKED = 16
"""Of so many programs that run into a known panic the last does run, lest something else hides there."""


class Steering:
    """Which failures are gone around, and how often each was. `known` says whether a signature's text is."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self.around: Counter[str] = Counter()

    def avoid(self, failure: Failure) -> bool:
        """Whether to stop short of this failure. Counts it."""
        text = str(failure.signature)
        if not self._known(text):
            return False
        self.around[text] += 1
        return failure.signature.kind in SILENT_KINDS or self.around[text] % RECHECKED != 0

    def cut(self, program: Program, model: ModelTarget, trace: Trace) -> Program:
        """The program up to where the model says that it fails in a known way or meets a limit. Known wrong
        answers end nothing; a known damage does: what a library makes of it is another failure each time."""
        outcome = run(program, model, trace=trace, forgive=lambda wrong: self._known(str(wrong.signature)))
        if outcome.limit is not None:
            self.around["limit"] += 1
        elif outcome.failure is None or not self.avoid(outcome.failure):
            return program
        return program.with_ops(program.ops[: outcome.ops - 1])
