"""Two builds of the real library side by side, without the model: that a change of OpenZFS changes nothing.

Every answer must be the same on both, and after every op every block, how many hold its dbuf, whether that
has user data, and the tree of blocks. Where both fail in the same way there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.execution.result import Forgive, Outcome
from fuzz.judge.signature import Failure
from fuzz.language.program import Program
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.side_by_side import SideBySide, run_library
from zapcore.errors import LimitExceeded

NAMES = ("this build", "the other")


class TwoBuilds(SideBySide):
    """`mine` is the build under test, `other` the one that it is held against."""

    def __init__(self, mine: LibzpoolTarget, other: LibzpoolTarget) -> None:
        super().__init__(mine, other, NAMES, "builds:compare")
        self.mine, self.other = mine, other
        self._zaps: list[str] = []

    @property
    def zaps(self) -> Iterable[str]:
        """The names of the program's ZAPs."""
        return self._zaps

    def begin(self, program: Program) -> None:
        """Begin on both sides."""
        self._zaps = [zap.name for zap in program.zaps]
        super().begin(program)

    def alike(self, mine: Failure, its: Failure | None) -> bool:
        """Whether both died of the same: stacks may differ, since a refactoring may rename functions."""
        return its is not None and mine.signature.key == its.signature.key

    def run_at_once(self, program: Program, judge: bool, forgive: Forgive | None) -> Outcome:
        """Run a program on both, and compare. Nothing is judged: what both do is right."""
        try:
            return Outcome(None, None, self._compared(program))
        except Failure as failure:
            return Outcome(failure, None, min(failure.op + 1, len(program.ops)))
        except LimitExceeded as limit:
            return Outcome(None, str(limit), 0)

    def _compared(self, program: Program) -> int:
        """Run a program on both; returns how many ops were compared. Raises Failure, LimitExceeded."""
        runs = [run_library(each, program) for each in (self.mine, self.other)]
        for index, (mine, its) in enumerate(zip(runs[0].steps, runs[1].steps, strict=False)):
            if mine != its:
                raise self.explain(program, index)
        self.compare_ends(runs[0].failure, runs[1].failure)
        return len(runs[0].steps)

    def close(self) -> None:
        """End both workers."""
        self.mine.close()
        self.other.close()
