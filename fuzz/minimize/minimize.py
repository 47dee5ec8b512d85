"""Minimization: from a program that has some property to the simplest one found that still has it.

It knows nothing of failures: a property is any predicate of programs. Every step offers a candidate that is
simpler by `fuzz.minimize.simplicity`. The candidate is taken if the predicate holds of it. No program is
tried twice.

First large pieces of the ops are left out, then single ops and pairs of them. Then what is left is made
plainer (`fuzz.minimize.simplifications`). The end is reached when no pass finds a candidate any more that can
be taken: no op can be left out, no number can be made simpler, and no shorter program of those that are built
in another way (`fuzz.minimize.several_changes_at_once`) has the property.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator

from fuzz.language.program import Op, Program
from fuzz.language.validate import problems
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS
from fuzz.minimize.several_changes_at_once import REBUILDS, UP_TO, without_one
from fuzz.minimize.simplicity import simplicity
from fuzz.minimize.simplifications import SIMPLIFICATIONS, used_zaps

Predicate = Callable[[Program], bool]
Pass = Callable[[Program], Iterator[Program]]

DEFAULT_TRIES = 20_000
_PAIRS_UP_TO = 32
_REBUILD_TRIES = 2000
"""The most tries of one search among programs that are built in another way. When such a search found one, it
took 530 tries at most."""


@dataclasses.dataclass(slots=True)
class PassStats:
    """What one pass cost and what it achieved: how often the predicate was asked, how many candidates were
    taken, and how many ops that removed."""

    tried: int = 0
    taken: int = 0
    ops: int = 0


@dataclasses.dataclass(slots=True)
class Stats:
    """A whole minimization. `complete` is false if it ran out of tries, so that the program may not be
    minimal. `best` is the simplest program so far. Passes go round, `rounds` times so far; `round_done` is
    the part of this round's passes that are done, `another_round` whether one follows, because this one has
    taken a candidate."""

    passes: dict[str, PassStats] = dataclasses.field(default_factory=dict)
    remembered: int = 0
    complete: bool = True
    best: Program | None = None
    rounds: int = 0
    round_done: float = 0.0
    another_round: bool = False

    @property
    def part(self) -> float | None:
        """The part of it that is done, from 0 to 1, as far as can be told; None while large pieces are left
        out. It goes back when a round takes something, after which there is one more."""
        if not self.rounds:
            return None
        return (self.rounds - 1 + self.round_done) / (self.rounds + self.another_round)

    @property
    def tried(self) -> int:
        """How often the predicate was asked."""
        return sum(each.tried for each in self.passes.values())

    @property
    def left(self) -> int:
        """How many ops the simplest program so far has."""
        return len(self.best.ops) if self.best is not None else 0

    def lines(self) -> list[str]:
        """One line a pass, for a person."""
        rows = [
            f"{name:12} {each.tried:6} tried {each.taken:5} taken {each.ops:5} ops gone"
            for name, each in self.passes.items()
        ]
        return [*rows, f"{self.remembered} candidates met again and not tried"]


def minimize(
    program: Program, predicate: Predicate, *, max_tries: int = DEFAULT_TRIES, stats: Stats | None = None
) -> Program:
    """The simplest program found for which the predicate holds, as it must for `program`.

    Raises ValueError if it does not. `max_tries` bounds how often the predicate is asked; `stats` is filled.
    """
    program = program.with_ops(program.ops)
    if not predicate(program):
        raise ValueError("the program does not have the property that is to be kept")
    return _Minimizer(program, predicate, max_tries, stats or Stats()).run()


class _Minimizer:
    def __init__(self, program: Program, predicate: Predicate, max_tries: int, stats: Stats) -> None:
        self.best = program
        self.best_key = simplicity(program)
        self.predicate = predicate
        self.left = max_tries
        self.stats = stats
        stats.best = program
        self.known: set[Program] = {program}

    def run(self) -> Program:
        self.shorten()
        progress = True
        while progress and self.left > 0:
            self.stats.rounds += 1
            self.stats.round_done, self.stats.another_round = 0.0, False
            progress = self.passes_once() or self.rebuild()
        self.stats.complete = self.left > 0
        return self.best

    def passes_once(self) -> bool:
        """Whether any pass has taken a candidate."""
        for number, (name, each) in enumerate(PASSES):
            self.stats.round_done = number / (len(PASSES) + 1)
            self.stats.another_round |= self.apply(name, each)
        self.stats.round_done = len(PASSES) / (len(PASSES) + 1)
        return self.stats.another_round

    def row(self, name: str) -> PassStats:
        return self.stats.passes.setdefault(name, PassStats())

    def offer(self, row: PassStats, candidate: Program) -> bool:
        """Take the candidate if it is simpler and has the property."""
        if self.left <= 0:
            return False
        more = len(candidate.ops) - len(self.best.ops)
        if more > 0 or (more == 0 and not simplicity(candidate) < self.best_key):
            return False
        if candidate in self.known:
            self.stats.remembered += 1
            return False
        self.known.add(candidate)
        if problems(candidate) is not None:  # passes know the bounds of most numbers, and not every rule
            return False
        self.left -= 1
        row.tried += 1
        if not self.predicate(candidate):
            return False
        row.taken += 1
        row.ops += len(self.best.ops) - len(candidate.ops)
        self.best, self.best_key = candidate, simplicity(candidate)
        self.stats.best = candidate
        return True

    def apply(self, name: str, each: Pass) -> bool:
        """Run a pass until none of its candidates is taken any more. After a candidate was taken, it goes on
        from there with the candidates of the new program, and at the end it begins again."""
        row = self.row(name)
        progress = False
        at = 0
        while self.left > 0:
            for index, candidate in enumerate(each(self.best)):
                if index >= at and self.offer(row, candidate):
                    at = index
                    progress = True
                    break
            else:
                if at == 0:
                    break
                at = 0
        return progress

    def rebuild(self) -> bool:
        """Whether a shorter program was found among those that are built in another way."""
        if len(self.best.ops) > UP_TO:
            return False
        last = max(self.left - _REBUILD_TRIES, 0)
        return any(
            self.offer(self.row(name), candidate)
            for name, each in REBUILDS
            for candidate in itertools.takewhile(lambda _: self.left > last, each(self.best))
        )

    def shorten(self) -> None:
        """The shortest beginning of the program that still has the property, by halving; this is nearly
        always right, because a failure ends a program. Then the program without pieces of half of its length,
        of a quarter, and so on, the last pieces first."""
        row = self.row("beginnings")
        low, high = 0, len(self.best.ops)
        while low < high:
            middle = (low + high) // 2
            if self.offer(row, self.best.with_ops(self.best.ops[:middle])):
                high = middle
            else:
                low = middle + 1
        row = self.row("pieces")
        size = len(self.best.ops) // 2
        while size > 1:
            end = len(self.best.ops)
            while end > 0:
                ops = self.best.ops
                self.offer(row, self.best.with_ops(ops[: max(0, end - size)] + ops[end:]))
                end -= size
            size //= 2


def _groups(program: Program) -> Iterator[Program]:
    """Without all ops of one ZAP, cursor, key or verb; without ZAPs that no op uses."""
    ops = program.ops
    zaps = used_zaps(program)
    if zaps and len(zaps) < len(program.zaps):
        yield Program(zaps, ops, program.schedule)
    tests: list[Callable[[Op, object], bool]] = [
        lambda op, what: what in (op.subject, op.other),
        lambda op, what: (op.subject, op.key) == what,
        lambda op, what: op.verb == what,
        lambda op, what: op.thread == what,
    ]
    names: list[Iterable[object]] = [
        [op.subject for op in ops if op.subject],
        [(op.subject, op.key) for op in ops if op.key is not None],
        [op.verb for op in ops],
        [op.thread for op in ops],
    ]
    for test, group in zip(tests, names, strict=True):
        for what in dict.fromkeys(group):
            yield program.with_ops([op for op in ops if not test(op, what)])


def _pairs(program: Program) -> Iterator[Program]:
    """Without two ops that need each other: any two of a short program; in a long one those of one key or
    one cursor that follow each other."""
    ops = program.ops
    short = len(ops) <= _PAIRS_UP_TO
    for i, j in itertools.combinations(range(len(ops)), 2) if short else _neighbours(ops):
        yield program.with_ops(ops[:i] + ops[i + 1 : j] + ops[j + 1 :])


def _neighbours(ops: tuple[Op, ...]) -> list[tuple[int, int]]:
    last: dict[object, int] = {}
    found = []
    for at, op in enumerate(ops):
        what = (op.subject, op.key) if VERBS[op.verb].subject is not Subject.NONE else op.verb
        if what in last:
            found.append((last[what], at))
        last[what] = at
    return found


PASSES: tuple[tuple[str, Pass], ...] = (
    ("groups", _groups),
    ("single ops", without_one),
    ("pairs", _pairs),
    *SIMPLIFICATIONS,
)
"""The passes in their order: what removes most for the least comes first."""
