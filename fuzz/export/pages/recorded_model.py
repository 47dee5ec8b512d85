"""The model, with a look at it after each step: what it changed.

A step is an op; in a section with threads, what one thread does from one scheduling point to the next. Before
them comes what the program began with; where the run ends before its end, the world as it fell comes last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from fuzz.execution.answer_in_words import answer_in_words
from fuzz.execution.result import Result
from fuzz.export.pages.world_as_parts import Looker
from fuzz.language.program import Op, Program
from fuzz.targets.model.target import ModelTarget


@dataclasses.dataclass(slots=True)
class Step:
    """What came to be between two looks: `op` is its number in the program (-1 for none), `thread` who did
    it, `answer` what the op returned, `where` at what point a thread stands then. `kind` is begin, op, point,
    failed or limit. `changed` has the parts that are other than before."""

    kind: str
    op: int
    thread: int
    answer: str
    where: str
    changed: dict[str, Any]


class RecordedModel(ModelTarget):
    """A model that is looked at."""

    def __init__(self, release: str) -> None:
        super().__init__(release)
        self.steps: list[Step] = []
        self.raised: BaseException | None = None
        self.more: Callable[[], dict[str, Any]] = dict
        """What else each step looks at."""
        self.looker = Looker(self)

    def begin(self, program: Program) -> None:
        super().begin(program)
        self.steps = []
        self.looker = Looker(self)
        self.step("begin", -1, 0)

    def step(self, kind: str, op: int, thread: int, answer: str = "", where: str = "") -> None:
        """Look, and keep what has changed."""
        self.steps.append(Step(kind, op, thread, answer, where, self.looker.changes(self.more())))

    def trace(self, index: int, op: Op, result: Result) -> None:
        """An op has ended."""
        self.step("op", index, op.thread, answer_in_words(op, result))

    def apply(self, op: Op) -> Result:
        try:
            return super().apply(op)
        except BaseException as error:
            self.raised = self.raised or error
            raise

    def audit(self, op: Op, oracle: Any, before: Any = ()) -> None:
        try:
            super().audit(op, oracle, before)
        except BaseException as error:
            self.raised = self.raised or error
            raise
