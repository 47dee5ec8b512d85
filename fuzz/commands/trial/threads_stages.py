"""Real threads on somebody's build: every schedule of a few programs, and random programs with random
schedules."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from fuzz.commands.trial.stage import Difference, Stage
from fuzz.corpus.named_program import open_named
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Program
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.real.compare_with_model import compare_all
from fuzz.threads.real.held_target import HeldTarget
from fuzz.threads.real.soak import BESIDE_SYNC, KINDS, Soaked, soak

PROGRAMS = ("threads-grow", "threads-shrink", "threads-split")
PREEMPTIONS = 1
MOST = 5
"""Differences of one stage that are told; the rest are counted."""


def _difference(text: str, program: Program) -> Difference:
    signature = Signature("difference", "threads:compare", text.partition(":")[0])
    return Difference(Failure(signature, text, len(program.ops)), program)


def _tell(each: Difference, expected: frozenset[str], stage: Stage, in_full: bool) -> bool:
    """Whether a difference is one that is not expected; such a one the stage has afterwards, if `in_full`."""
    if stage.is_expected(str(each.failure.signature), expected):
        return False
    if in_full:
        stage.differences.append(each)
    return True


def every_schedule(
    real: HeldTarget, model: ModelTarget, seconds: float, expected: frozenset[str], stage: Stage
) -> Iterator[str]:
    """Force each schedule of the programs up to PREEMPTIONS, and yield how far that is."""
    until = time.monotonic() + seconds
    forced = schedules = differ = 0
    cut: list[str] = []
    for name in PROGRAMS:
        for scheduled, (run, text) in compare_all(open_named(name).program, real, model, PREEMPTIONS):
            if time.monotonic() > until:
                cut.append(name)
                break
            schedules += 1
            forced += run.all_forced
            if text:
                differ += _tell(_difference(text, scheduled), expected, stage, differ < MOST)
            yield f"{schedules} schedules"
    stage.lines.append(
        f"{schedules} schedules of {len(PROGRAMS)} programs, up to {PREEMPTIONS} preemption, "
        f"{forced} forced throughout: {differ} differ"
    )
    if cut:
        stage.lines.append(f"time was up in {', '.join(cut)}")


def soak_build(
    real: HeldTarget, seed: int, seconds: float, expected: frozenset[str], stage: Stage
) -> Iterator[str]:
    """Random programs with random schedules, half the time beside the sync of a txg; yields now and then."""
    rng = random.Random(seed)
    for what, kinds in (("random schedules", KINDS), ("beside a sync", BESIDE_SYNC)):
        soaked, differ = Soaked(), 0
        for text, program in soak(real, rng, seconds / 2, kinds, soaked):
            differ += _tell(_difference(text, program), expected, stage, differ < MOST)
            yield f"{soaked.count['programs']} programs"
        count = soaked.count
        stage.lines.append(
            f"{what}: {count['programs']} programs, {count['exact']} of {count['turns']} turns of threads "
            f"as on the model: {differ} differ"
        )
