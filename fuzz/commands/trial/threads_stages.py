"""Real threads on somebody's build: every schedule of a few programs, and random programs with random
schedules."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator

from fuzz.commands.trial.mutants_stage import programs_of_mutants
from fuzz.commands.trial.stage import Difference, Stage
from fuzz.corpus.named_program import open_named
from fuzz.execution.bound_of_time import TimeUp, bounded
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Program
from fuzz.minimize.minimize import Stats, minimize
from fuzz.targets.libzpool.plain_target import HarnessError
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.real.compare_with_model import Compared, compare, compare_all
from fuzz.threads.real.held_run import model_for
from fuzz.threads.real.held_target import HeldTarget
from fuzz.threads.real.soak import BESIDE_SYNC, KINDS, Soaked, soak

PROGRAMS = ("threads-grow", "threads-shrink", "threads-split")
PREEMPTIONS = 1
MOST = 5
"""Kinds of differences of one stage that are told; the rest are counted."""
MINIMIZE_SECONDS = 20.0
"""How long the program of one kind is cut down."""


class _Differences:
    """What differs in a stage: of each kind the first, cut down, and how often all of it came. `count` has
    those that are not expected."""

    def __init__(self, real: HeldTarget, model: ModelTarget, expected: frozenset[str], stage: Stage) -> None:
        self.real, self.model = real, model
        self.expected, self.stage = expected, stage
        self.count = 0
        self.met: Counter[Signature] = Counter()

    def add(self, compared: Compared, program: Program) -> None:
        """One more."""
        signature = Signature("difference", "threads:compare", compared.kind)
        if self.stage.is_expected(str(signature), self.expected):
            return
        self.count += 1
        self.met[signature] += 1
        if self.met[signature] > 1 or len(self.met) > MOST:
            return
        small, text = self._cut_down(program, compared)
        failure = Failure(signature, text, len(small.ops))
        self.stage.differences.append(Difference(failure, small))

    def _cut_down(self, program: Program, compared: Compared) -> tuple[Program, str]:
        """The simplest program found in the time that differs in the same way, without a schedule if it needs
        none, and how it does."""
        texts = {program: compared.difference}

        def differs(candidate: Program) -> bool:
            try:
                found = compare(candidate, self.real, self.model)
            except HarnessError:
                return False
            if found.kind != compared.kind:
                return False
            texts[candidate] = found.difference
            return True

        stats = Stats(best=program)
        plain = with_schedule(program, ())
        try:
            with bounded(MINIMIZE_SECONDS):
                minimize(plain if differs(plain) else program, differs, stats=stats)
        except TimeUp:
            self.real.close()  # its worker may be about to answer
        except ValueError:  # it did not come again
            pass
        small = stats.best or program
        return small, texts[small]

    def lines(self) -> Iterator[str]:
        """Those that came more than once, or are not told."""
        for number, (signature, count) in enumerate(self.met.items()):
            if number >= MOST:
                yield f"{count} x not told: {signature}"
            elif count > 1:
                yield f"{count} x {signature}"


def _forced(what: str, runs: Iterator[tuple[Program, Compared]], differences: _Differences) -> Iterator[str]:
    """Take in these runs, and say how many were forced; yields how far that is."""
    done = forced = 0
    before = differences.count
    for program, compared in runs:
        done, forced = done + 1, forced + compared.run.all_forced
        if compared.difference:
            differences.add(compared, program)
        yield f"{done} {what}"
    differ = differences.count - before
    differences.stage.lines.append(f"{done} {what}, {forced} forced throughout: {differ} differ")


def every_schedule(
    real: HeldTarget, model: ModelTarget, seconds: float, expected: frozenset[str], stage: Stage
) -> Iterator[str]:
    """Force the schedules of seeded faults, and then, for so many seconds, each schedule of the programs up
    to PREEMPTIONS; yields how far that is."""
    differences = _Differences(real, model, expected, stage)
    cut: list[str] = []

    def schedules() -> Iterator[tuple[Program, Compared]]:
        until = time.monotonic() + seconds
        for name in PROGRAMS:
            for each in compare_all(open_named(name).program, real, model, PREEMPTIONS):
                if time.monotonic() > until:
                    cut.append(name)
                    break
                yield each

    programs = programs_of_mutants(threads=True, release=model.release.name)
    seeded = ((each, compare(each, real, model)) for _, each in programs)
    yield from _forced("programs of seeded faults", seeded, differences)
    what = f"schedules of {len(PROGRAMS)} programs, up to {PREEMPTIONS} preemption"
    yield from _forced(what, schedules(), differences)
    stage.lines += differences.lines()
    if cut:
        stage.lines.append(f"time was up in {', '.join(cut)}")


def soak_build(
    real: HeldTarget, seed: int, seconds: float, expected: frozenset[str], stage: Stage
) -> Iterator[str]:
    """Random programs with random schedules, half the time beside the sync of a txg; yields now and then."""
    rng = random.Random(seed)
    differences = _Differences(real, model_for(real), expected, stage)
    for what, kinds in (("random schedules", KINDS), ("beside a sync", BESIDE_SYNC)):
        soaked, before = Soaked(), differences.count
        for compared, program in soak(real, rng, seconds / 2, kinds, soaked):
            differences.add(compared, program)
            yield f"{soaked.count['programs']} programs"
        count = soaked.count
        stage.lines.append(
            f"{what}: {count['programs']} programs, {count['exact']} of {count['turns']} turns of threads "
            f"as on the model: {differences.count - before} differ"
        )
    stage.lines += differences.lines()
