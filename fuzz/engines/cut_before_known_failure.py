"""Keeps known failures away from a real library: each program is run on the model first, and if it fails
there in a known way, the library runs it only up to that op.

A panic costs a real library its process, and a table that doubles until the limit costs it seconds. The model
needs milliseconds to find out. On the model, known bugs can be switched off by remedies; in a real library
they cannot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from fuzz.execution.execute import run
from fuzz.execution.result import Trace
from fuzz.judge.signature import SILENT_KINDS, Failure
from fuzz.language.program import Program
from fuzz.targets.model.target import ModelTarget

RECHECKED = 16
"""One of so many programs that run into a known panic is run on the library nevertheless, because something
else may hide behind that panic."""


class Steering:
    """Decides which failures are avoided, and counts how often each was. `known` says whether the text of a
    signature is that of a known failure."""

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
        """The program up to the op at which it fails on the model in a known way, or meets a limit.

        A known wrong answer does not count, because the program goes on after it. A known damage of the
        object does count, because what a library makes of the damage is another failure each time.
        """
        outcome = run(program, model, trace=trace, forgive=lambda wrong: self._known(str(wrong.signature)))
        if outcome.limit is not None:
            self.around["limit"] += 1
        elif outcome.failure is None or not self.avoid(outcome.failure):
            return program
        return program.with_ops(program.ops[: outcome.ops - 1])
