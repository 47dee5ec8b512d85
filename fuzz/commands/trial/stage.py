"""What a stage of a trial came to."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from pathlib import Path

from fuzz.judge.signature import Failure
from fuzz.language.printing import format_op
from fuzz.language.program import Program

END = "the end: cursors are closed, txgs synced, ZAPs destroyed"


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Something that should not be so: a failure, on which program, and where that is kept. `minimal` says
    that it was cut down."""

    failure: Failure
    program: Program
    file: Path | None = None
    minimal: bool = False

    @property
    def first_op(self) -> str:
        """The op at which it shows, in words."""
        ops = self.program.ops
        op = self.failure.op
        if 0 <= op < len(ops):
            return f"op {op}: {format_op(ops[op])}"
        return f"op {op}: {'creating the ZAPs' if op < 0 else END}"


@dataclasses.dataclass(slots=True)
class Stage:
    """One stage: its name, what was done in it, in a few words a line, what differs, and its seconds.
    `skipped` says why there was none."""

    name: str
    lines: list[str] = dataclasses.field(default_factory=list)
    differences: list[Difference] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    skipped: str = ""
    unfinished: bool = False
    """Whether something failed that could not be cut down, or did not come again, or the library broke the
    stage off; its lines say what."""
    expected: dict[str, int] = dataclasses.field(default_factory=dict)
    """How often each failure came that was expected, by the text of its signature."""

    def is_expected(self, text: str, expected: Collection[str], times: int = 1) -> bool:
        """Whether a failure, by the text of its signature, is one that is expected; it is counted if so."""
        if text not in expected:
            return False
        self.expected[text] = self.expected.get(text, 0) + times
        return True


def keep_shortest(stages: Iterable[Stage]) -> None:
    """Of the differences that several stages have met leave the one with the shortest program; of two as
    short the first."""
    shortest: dict[str, Difference] = {}
    stages = list(stages)
    for stage in stages:
        for each in stage.differences:
            before = shortest.setdefault(str(each.failure.signature), each)
            if len(each.program.ops) < len(before.program.ops):
                shortest[str(each.failure.signature)] = each
    for stage in stages:
        kept = [each for each in stage.differences if shortest[str(each.failure.signature)] is each]
        stage.differences[:] = kept
