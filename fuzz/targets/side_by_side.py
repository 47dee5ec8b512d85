"""Two targets side by side: what both did must be the same, and where it is not, in whose words that is
said."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fuzz.execution.answer_in_words import answer_in_words
from fuzz.execution.result import Result
from fuzz.judge.signature import SILENT_KINDS, Failure, Signature
from fuzz.language.program import Op, Program
from fuzz.targets.base import RealLibrary, Target
from fuzz.targets.first_difference import (
    Names,
    first_dbuf_difference,
    first_difference,
    first_tree_difference,
)
from fuzz.targets.libzpool.plain_target import Digests, PlainLibzpool
from fuzz.targets.libzpool.watched.reports import WATCHED_KINDS
from zapcore.errors import LimitExceeded

Step = tuple[Result, Digests]


class Run(NamedTuple):
    """What one side did: the steps that it took, and how it ended if not at the end."""

    steps: list[Step]
    failure: Failure | None
    limit: LimitExceeded | None = None


def run_library(real: PlainLibzpool, program: Program, upto: int | None = None) -> Run:
    """Run a program, or its first `upto` ops, on a library, with digests of all after every op; after a
    failure once more up to there."""
    try:
        return Run(real.run_program_digests(program, upto), None)
    except Failure as failure:
        if failure.op == len(program.ops[:upto]):  # it would fail again
            return Run([], failure)
        return Run(real.run_program_digests(program, max(failure.op, 0)), failure)


class SideBySide(Target):
    """Runs ops on two targets, and compares results, blocks, dbufs and trees. A difference is a failure of
    kind `difference`, with its text in terms of `names`. What who watches a library reports is that
    failure."""

    def __init__(self, first: Target, second: Target, names: Names, place: str = "both:compare") -> None:
        self.first, self.second, self.names, self.place = first, second, names, place
        self.name = f"{first.name} and {second.name}"
        self.release = first.release

    @property
    @abc.abstractmethod
    def zaps(self) -> Iterable[str]:
        """The names of the program's ZAPs."""

    @abc.abstractmethod
    def alike(self, mine: Failure, its: Failure | None) -> bool:
        """Whether a failure of the first side is one of the second, too."""

    def explain(self, program: Program, index: int) -> Failure:
        """Run both again up to the op that differs, and say how."""
        self.begin(program)
        try:
            for op in program.ops[: index + 1]:
                self.apply(op)
        except Failure as failure:
            return Failure(failure.signature, f"op {index}: {failure.text}", index)
        return self.difference("blocks", f"op {index}: digests differ, blocks and dbufs do not", index)

    def begin(self, program: Program) -> None:
        """Begin on both sides."""
        self.first.begin(program)
        self.second.begin(program)

    def apply(self, op: Op) -> Result:
        """Run one op on both sides and compare result and blocks."""
        mine = its = None
        my_failure = its_failure = None
        try:
            mine = self.first.apply(op)
        except Failure as failure:
            if failure.signature.kind in SILENT_KINDS:
                raise
            my_failure = failure
        try:
            its = self.second.apply(op)
        except Failure as failure:
            its_failure = failure
        self.compare_ends(my_failure, its_failure)
        if my_failure is not None:
            raise my_failure
        assert mine is not None and its is not None
        names = self.names
        if mine != its:
            mine_told, its_told = answer_in_words(op, mine), answer_in_words(op, its)
            if mine_told == its_told:  # words leave out what is long
                mine_told, its_told = str(mine), str(its)
            raise self.difference(
                f"{op.verb} result", f"{op.verb}: {names[0]}: {mine_told}; {names[1]}: {its_told}"
            )
        for zap in self.zaps:
            found = first_difference(self.first.blocks(zap), self.second.blocks(zap), names)
            if found is not None:
                raise self.difference(f"{op.verb} blocks", found)
            found = first_dbuf_difference(self.first.dbufs(zap), self.second.dbufs(zap), names)
            if found is not None:
                raise self.difference(f"{op.verb} dbufs", found)
            found = first_tree_difference(self.first.block_tree(zap), self.second.block_tree(zap), names)
            if found is not None:
                raise self.difference(f"{op.verb} tree", found)
        return mine

    def blocks(self, zap: str) -> list[bytes] | None:
        """The first side's blocks; those of the second are the same."""
        return self.first.blocks(zap)

    def dbufs(self, zap: str) -> bytes:
        """The first side's dbufs; those of the second are the same."""
        return self.first.dbufs(zap)

    def block_tree(self, zap: str) -> bytes:
        """The first side's tree; that of the second is the same."""
        return self.first.block_tree(zap)

    @property
    def libraries(self) -> Sequence[RealLibrary]:
        """Those of both sides."""
        return (*self.first.libraries, *self.second.libraries)

    def end(self) -> None:
        """End on both sides."""
        self.first.end()
        self.second.end()

    def difference(self, what: str, text: str, op: int = -1) -> Failure:
        """A difference as a failure."""
        return Failure(Signature("difference", self.place, what), text, op)

    def compare_ends(self, mine: Failure | None, its: Failure | None) -> None:
        """Raise unless both sides failed alike, or neither did."""
        if mine is None:
            if its is None:
                return
        elif self.alike(mine, its):
            return
        for each in (mine, its):
            if each is not None and each.signature.kind in WATCHED_KINDS:
                raise each
        shown = [failure.text.splitlines()[0] if failure else "fine" for failure in (mine, its)]
        where = its if mine is None else mine
        assert where is not None
        ends = [str(failure.signature) if failure else "fine" for failure in (mine, its)]
        raise self.difference(
            f"failure: {self.names[0]} {ends[0]}, {self.names[1]} {ends[1]}",
            f"{self.names[0]}: {shown[0]}; {self.names[1]}: {shown[1]}",
            where.op,
        )
