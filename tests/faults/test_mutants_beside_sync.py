"""Seeded faults beside a txg that syncs.

They protect: that each fits the model as it is, is noticed on a short program with a schedule (found by the
engine, then cut down; corpus/mutants) where the model itself is fine; and that the engine finds one that
takes a thread between two looks of another.
"""

from __future__ import annotations

import random
import re

import pytest

from fuzz.bench.time_to_find import REMEDIES as HUNTED_WITH
from fuzz.faults.remedies import switched_on
from fuzz.faults.seeded import BESIDE_SYNC, SLIP, Mutant
from fuzz.language.syntax import load
from fuzz.language.validate import problems
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.parallel_run import run_threads
from fuzz.threads.programs_beside_sync import BESIDE_SYNC as PROGRAMS
from fuzz.threads.thread_fuzzer import ThreadFuzzer, first_failure
from tests.support.cases import few_and_many
from tests.support.paths import MUTANTS


def test_there_are_enough_of_history() -> None:
    commits = [mutant for mutant in BESIDE_SYNC.values() if mutant.origin != SLIP]
    assert len(commits) >= 6
    assert all(re.fullmatch(r"[0-9a-f]{10}", mutant.origin) for mutant in commits)


@pytest.mark.parametrize("mutant", BESIDE_SYNC.values(), ids=[*BESIDE_SYNC])
def test_is_noticed_where_the_model_is_fine(mutant: Mutant) -> None:
    program, model = load(MUTANTS / f"{mutant.name}.zap"), ModelTarget(mutant.release)
    assert run_threads(program, model).outcome.fine
    with mutant.applied():
        failure = run_threads(program, model).outcome.failure
    assert failure is not None
    assert failure.signature.kind == mutant.seen
    assert run_threads(program, model).outcome.fine


@pytest.mark.slow
def test_the_engine_stops_a_thread_between_two_looks() -> None:
    """dbuf_read without its second look at the pointer: 2.4.4 is so."""
    mutant = BESIDE_SYNC["read-no-second-look"]
    with switched_on(HUNTED_WITH), mutant.applied():
        found = first_failure(ThreadFuzzer(ModelTarget("2.3"), 1, kind=PROGRAMS), max_runs=2000)
        assert found is not None
        assert str(found.failure.signature) == "assertion arc.c:arc_read !BP_IS_HOLE(bp)"
        again = run_threads(found.program, ModelTarget("2.3")).outcome.failure
        assert again is not None and again.signature == found.failure.signature


def test_programs_beside_sync_are_valid_however_they_are_changed() -> None:
    rng = random.Random(7)
    program = PROGRAMS.draw(rng)
    for _ in range(400):
        assert problems(program) is None, program
        program = PROGRAMS.change(program, rng) if rng.random() < 0.8 else PROGRAMS.draw(rng)


@pytest.mark.parametrize("release", ["2.1", "2.3"])
@few_and_many(200, 1500)
def test_the_model_itself_fails_in_no_run(release: str, count: int) -> None:
    with switched_on(HUNTED_WITH):
        found = first_failure(ThreadFuzzer(ModelTarget(release), 3, kind=PROGRAMS), max_runs=count)
    assert found is None, found
