"""What every target offers: begin a program, apply its ops one by one, show the blocks, end it."""

from __future__ import annotations

import abc
import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from fuzz.execution.result import Forgive, Outcome, Result, Trace
from fuzz.judge.signature import Failure
from fuzz.language.problem import Problem
from fuzz.language.program import Op, Program
from zapcore.release import Release
from zapcore.work import Work

if TYPE_CHECKING:
    from fuzz.judge.oracle import Oracle


class NoTarget(Problem):
    """No such target is to be had; the text says in one line why."""


class EdgeCounters(Protocol):
    """What counts the edges of C code that programs take."""

    def fresh(self) -> list[int]:
        """The edges, each with how often it was taken, that no program took before."""


class RealLibrary(Protocol):
    """A real library, as far as it is asked what was seen of it beside its answers.

    `at_start` is what who watches it reported before any program ran, `starts_anew` whether its worker ends
    with each report, `counters` are None where nothing counts."""

    starts_anew: bool
    at_start: list[Failure]

    @property
    def counters(self) -> EdgeCounters | None: ...


INDIRECT = 1 << 31


def pack_indirect(level: int, blkid: int, on_disk: bool, dirty: int) -> bytes:
    """An indirect block in a `block_tree`: its level, whether it is on disk, in how many txgs it is dirty, in
    a number that no block of data has; and its own number."""
    return struct.pack("<II", INDIRECT | level << 16 | on_disk << 8 | dirty, blkid)


class Target(abc.ABC):
    """What programs run on: one program at a time, and `begin` ends what was there before.

    `release` says whose behaviours its answers have. The methods that are not abstract are what only some
    targets can do; here they say that this one cannot.
    """

    name: str
    release: Release
    can_audit = False
    """Whether `audit` looks at anything."""

    @property
    def work(self) -> Work | None:
        """What counts the work of ops since `begin`; None where nobody counts it."""
        return None

    @property
    def libraries(self) -> Sequence[RealLibrary]:
        """The real libraries that it runs programs on."""
        return ()

    @abc.abstractmethod
    def begin(self, program: Program) -> None:
        """Make an empty world and create the program's ZAPs in it. Raises Failure."""

    @abc.abstractmethod
    def apply(self, op: Op) -> Result:
        """Run one op. Raises Failure when the world ended, LimitExceeded at a bound."""

    @abc.abstractmethod
    def blocks(self, zap: str) -> list[bytes] | None:
        """Every block of the ZAP's object as it is now, dirty or not; None where it is destroyed."""

    @abc.abstractmethod
    def dbufs(self, zap: str) -> bytes:
        """Of every block, in order, how many hold its dbuf and whether that has user data, a byte each, zeros
        at the end left out (no dbuf is one without); nothing of a destroyed ZAP. Raises Failure."""

    @abc.abstractmethod
    def block_tree(self, zap: str) -> bytes:
        """The levels of the ZAP's object, a byte, and then the number of each of its blocks that is on disk
        and no hole, four bytes each; nothing of a destroyed ZAP. Where the header line says how large
        indirect blocks are, each that is on disk or dirty comes after these, in order, as `pack_indirect` has
        it. Raises Failure."""

    @abc.abstractmethod
    def end(self) -> None:
        """Let go of the world."""

    def close(self) -> None:
        """Let go of everything outside of this process; the next `begin` takes it again."""
        return None

    def audit(self, op: Op, oracle: Oracle, before: Iterable[Op] = ()) -> None:
        """Check the invariants of what an op, and the ops `before` it, may have changed. Raises Failure."""
        return None

    def run_threads(self, program: Program, judge: bool, trace: Trace | None) -> Outcome | None:
        """Run a program with threads as its schedule says; None where ops run one after the other."""
        return None

    def run_at_once(self, program: Program, judge: bool, forgive: Forgive | None) -> Outcome | None:
        """Run a whole program in one go, judged afterwards; None where it goes op by op."""
        return None
