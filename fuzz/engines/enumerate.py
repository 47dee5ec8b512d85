"""Exhaustive enumeration: every program of up to N ops over a small alphabet, on the model.

The programs are not run one by one. Two programs that leave the same world behind (see
`fuzz.engines.model_snapshot`) go on alike, so the engine explores the graph of worlds: each op of the
alphabet is run once from each world that some program of fewer than N ops reaches, judged by the oracle and
the invariants. Programs are paths in that graph: they are counted by adding up, and those that fail are read
off it.

Symmetry. If the same bits of all keys are inverted, leaves become other leaves. But OpenZFS treats the two
halves of a leaf in different ways: the odd one is freed, and cursors go upwards. So every program is run, and
symmetry only shortens the list of what fails. If inverting bits of all keys turns one failing program into
another one with the same signature, only the first of them is shown, in the alphabet's order.

A failing program is *irreducible* if leaving out any one of its ops takes that signature away.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence

from fuzz.engines.model_snapshot import Snapshot, digest
from fuzz.execution.execute import judge_op
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.end_with_parent import work_for
from fuzz.targets.model.target import ModelTarget
from zapcore.errors import LimitExceeded
from zapcore.release import Release

HEADER = (Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9),)
"""The one ZAP: keys are their own hashes, leaves have 18 chunks."""

KEY_CHOICES = (2, 3, 4)
LARGE, SMALL = 180, 1
"""Value lengths. Two entries with large values do not fit in one leaf. Small ones do."""

_KEYS = (0x0, 1 << 63, 1 << 62, 3 << 62)


def alphabet(keys: int = 2) -> tuple[Op, ...]:
    """The ops that programs are made of. For each key: add with two sizes, and remove. Also txg, sync, and
    all verbs of one cursor. The keys are, in this order: 0x0, bit 63 alone, bit 62 alone, and both bits."""
    chosen = [(word,) for word in _KEYS[:keys]]
    adds = [Op("add", "z", key, 1, length) for key in chosen for length in (LARGE, SMALL)]
    removes = [Op("remove", "z", key) for key in chosen]
    cursor = [Op("cursor", "c", other="z"), *(Op(verb, "c") for verb in ("next", "retrieve", "close"))]
    return (*adds, *removes, Op("txg"), Op("sync"), *cursor)


_LIMIT = Signature("limit", "", "")
_Step = bytes | Signature
"""What an op leads to: the digest of the world after it, or the failure (or limit) that ended it."""


@dataclasses.dataclass(slots=True)
class Found:
    """Programs that fail with one signature: how many by their number of ops, and the irreducible ones."""

    signature: Signature
    counts: dict[int, int]
    irreducible: list[Program]

    @property
    def shortest(self) -> int:
        """The fewest ops that make it fail."""
        return min(self.counts)


@dataclasses.dataclass(slots=True)
class Enumeration:
    """The result of an enumeration.

    `programs` is how many programs of 1 to `max_ops` ops there are; one that fails or meets a limit ends
    there. `limits` is how many of them met a limit, `worlds` how many worlds the programs of fewer than
    `max_ops` ops reach, and `runs` how many ops were run.
    """

    max_ops: int
    header: tuple[Zap, ...]
    alphabet: tuple[Op, ...]
    programs: int
    limits: int
    worlds: int
    runs: int
    found: list[Found]


class _Explorer:
    """Runs every op from one world. Lives in each process."""

    def __init__(self, release: str | Release, ops: tuple[Op, ...]) -> None:
        self.target = ModelTarget(release)
        self.ops = ops

    def root(self) -> bytes:
        """The world that the header makes."""
        program = Program(HEADER, ())
        self.target.begin(program)
        return digest(self.target, Oracle(program, self.target.release))

    def expand(self, path: Sequence[int], last: bool) -> list[_Step]:
        """Where each op leads from the world at the end of `path`, whose ops are known not to fail. With
        `last`, only whether it fails is found out."""
        target = self.target
        program = Program(HEADER, ())
        target.begin(program)
        oracle = Oracle(program, target.release)
        for index in path:
            op = self.ops[index]
            oracle.check(op, target.apply(op))
        snapshot = Snapshot(program, target, oracle)
        return [self._step(snapshot, op, last) for op in self.ops]

    def _step(self, snapshot: Snapshot, op: Op, last: bool) -> _Step:
        target = self.target
        oracle = snapshot.wake(target)
        try:
            judge_op(op, target, oracle)
        except Failure as failure:
            return Signature(*failure.signature.key)
        except LimitExceeded:
            return _LIMIT
        return b"" if last else digest(target, oracle)


_explorer: _Explorer


def _begin(release: str | Release, ops: tuple[Op, ...]) -> None:
    global _explorer
    _explorer = _Explorer(release, ops)


def _expand(task: tuple[tuple[int, ...], bool]) -> list[_Step]:
    return _explorer.expand(*task)


class _Graph:
    """Worlds by number, 0 being the first, and where each op leads: to a world, or to -1 - n for failure
    n."""

    def __init__(self, root: bytes) -> None:
        self.numbers: dict[bytes, int] = {root: 0}
        self.paths: list[tuple[int, ...]] = [()]
        self.steps: list[list[int]] = []
        self.signatures: list[Signature] = []

    def add(self, origin: int, steps: Iterable[_Step]) -> None:
        """Note where each op leads from one world. Worlds are added in the order of their numbers."""
        row = []
        for op, step in enumerate(steps):
            if isinstance(step, Signature):
                if step not in self.signatures:
                    self.signatures.append(step)
                row.append(-1 - self.signatures.index(step))
                continue
            if not step:
                row.append(0)  # the last op of a program: where it leads is not asked
                continue
            number = self.numbers.setdefault(step, len(self.paths))
            if number == len(self.paths):
                self.paths.append((*self.paths[origin], op))
            row.append(number)
        self.steps.append(row)

    def paths_by_length(self, max_ops: int) -> Iterator[tuple[int, dict[int, int]]]:
        """For each length: how many programs of that length end in which world, or in which failure."""
        ends = {0: 1}
        for length in range(1, max_ops + 1):
            following: dict[int, int] = {}
            for world, count in ends.items():
                for step in self.steps[world]:
                    following[step] = following.get(step, 0) + count
            yield length, following
            ends = {world: count for world, count in following.items() if world >= 0}

    def irreducible(self, failure: int, max_ops: int) -> Iterator[tuple[int, ...]]:
        """Every irreducible program of up to `max_ops` ops that ends in a failure, shortest first."""
        leads = self._worlds_before(failure, max_ops)
        for length in range(1, max_ops + 1):
            yield from self._extend(failure, (), 0, [], leads, length)

    def _worlds_before(self, failure: int, max_ops: int) -> list[set[int]]:
        """The worlds from which 0, 1, 2, ... ops more lead to the failure."""
        leads = [{failure}]
        for _ in range(max_ops):
            last = leads[-1]
            leads.append({world for world, row in enumerate(self.steps) if not last.isdisjoint(row)})
        return leads

    def _extend(
        self,
        failure: int,
        path: tuple[int, ...],
        world: int,
        without: list[int],
        leads: list[set[int]],
        left: int,
    ) -> Iterator[tuple[int, ...]]:
        """Go on from a path. `without[i]` is where it leads with op i left out."""
        for op, step in enumerate(self.steps[world]):
            if step not in leads[left - 1]:
                continue
            shorter = [self.steps[other][op] if other >= 0 else other for other in without]
            shorter.append(world)
            if step in shorter or failure in shorter:
                continue  # one of the ops can be left out, and the end is the same
            if left == 1:
                yield (*path, op)
            else:
                yield from self._extend(failure, (*path, op), step, shorter, leads, left - 1)


class Enumerator:
    """Runs every program of 1 to `max_ops` ops over `alphabet(keys)`."""

    def __init__(self, release: str | Release, max_ops: int, *, keys: int = 2) -> None:
        self.ops = alphabet(keys)
        self.max_ops = max_ops
        self.length = 1
        _begin(release, self.ops)
        self.graph = _Graph(_explorer.root())

    def run(self, jobs: int = 1) -> Enumeration:
        """Run all of them, in `jobs` processes."""
        graph = self.graph
        pool = None
        if jobs > 1:
            pool = multiprocessing.get_context("fork").Pool(jobs, work_for, (os.getpid(),))
        try:
            for length in range(1, self.max_ops + 1):
                self.length = length
                origins = range(len(graph.steps), len(graph.paths))
                tasks = [(graph.paths[origin], length == self.max_ops) for origin in origins]
                found = pool.imap(_expand, tasks, chunksize=64) if pool is not None else map(_expand, tasks)
                for origin, steps in zip(origins, found, strict=True):
                    graph.add(origin, steps)
        finally:
            if pool is not None:
                pool.terminate()
                pool.join()
        return _summary(graph, self.ops, self.max_ops)

    def how_far(self) -> str:
        """How many worlds are done of those that are known, and what was met."""
        failures = sum(signature != _LIMIT for signature in self.graph.signatures)
        done, known = self.worlds
        return (
            f"programs of {self.length} of {self.max_ops} ops, "
            f"{done:,} of {known:,} worlds, {failures} kinds of failure"
        )

    @property
    def worlds(self) -> tuple[int, int]:
        """How many are done, and how many are known."""
        return len(self.graph.steps), len(self.graph.paths)

    def met(self) -> Iterator[tuple[Signature, tuple[Op, ...]]]:
        """Each failure that was met so far, and the first program that ends so: nothing shorter does."""
        graph = self.graph
        for number, signature in enumerate(graph.signatures):
            if signature == _LIMIT:
                continue
            for origin, row in enumerate(graph.steps):
                if -1 - number in row:
                    path = (*graph.paths[origin], row.index(-1 - number))
                    yield signature, tuple(self.ops[op] for op in path)
                    break


def enumerate_programs(release: str | Release, max_ops: int, *, keys: int = 2, jobs: int = 1) -> Enumeration:
    """Run every program of 1 to `max_ops` ops over `alphabet(keys)`, in `jobs` processes."""
    return Enumerator(release, max_ops, keys=keys).run(jobs)


def _summary(graph: _Graph, ops: tuple[Op, ...], max_ops: int) -> Enumeration:
    programs = limits = 0
    counts: dict[int, dict[int, int]] = {}
    for length, ends in graph.paths_by_length(max_ops):
        for end, count in ends.items():
            programs += count
            if end < 0:
                counts.setdefault(end, {})[length] = count
    found = []
    for end, by_length in counts.items():
        signature = graph.signatures[-1 - end]
        if signature == _LIMIT:
            limits = sum(by_length.values())
            continue
        listed = (tuple(ops[op] for op in path) for path in graph.irreducible(end, max_ops))
        found.append(Found(signature, by_length, list(_up_to_symmetry(listed))))
    found.sort(key=lambda each: (each.shortest, each.signature))
    runs = len(graph.steps) * len(ops)
    return Enumeration(max_ops, HEADER, ops, programs, limits, len(graph.paths), runs, found)


def _up_to_symmetry(programs: Iterable[tuple[Op, ...]]) -> Iterator[Program]:
    """The programs without those that an earlier one becomes if bits of all its keys are inverted."""
    seen: set[tuple[Op, ...]] = set()
    for ops in programs:
        if ops not in seen:
            seen.update(_turned(ops, mask) for mask in _KEYS)
            yield Program(HEADER, ops)


def _turned(ops: tuple[Op, ...], mask: int) -> tuple[Op, ...]:
    return tuple(op._replace(key=(op.key[0] ^ mask,)) if isinstance(op.key, tuple) else op for op in ops)
