"""What `zapfuzz reach` makes of zap-trunc-next-table."""

from __future__ import annotations

from fuzz.corpus.reproducer import read_reproducer
from fuzz.generate.reach.lift_to_files import Lift, Plan
from fuzz.language.program import Program
from tests.support.paths import CORPUS


def freed_table() -> Program:
    """The 175 creates and unlinks of zap-trunc-next-table."""
    lift = Lift(read_reproducer(CORPUS / "findings" / "zap-trunc-next-table").program)
    first, second, third, fourth, again = lift.adds
    return lift.program(
        {first: Plan(0), second: Plan(2, 1), third: Plan(1), fourth: Plan(1), again: Plan(0, 0, 1)}
    )
