"""The programs of seeded faults that take threads, on the releases of which a build may be (`zapfuzz try`).

They protect that each shows its fault there. A schedule counts the points of a release: where these are
others it stops threads somewhere else, and a build that has the fault is called right.
"""

from __future__ import annotations

import pytest

from fuzz.commands.trial.mutants_stage import programs_of_mutants
from fuzz.faults.seeded import BESIDE_SYNC, CONCURRENT
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.parallel_run import run_threads
from tests.support.paths import MUTANTS

FAULTS = {**CONCURRENT, **BESIDE_SYNC}
NOT_SHOWN = {
    "2.3": {
        "freed-run-forgotten-first": "it frees by runs",
        "search-ends-at-emptied-block": "as it is",
        "cleared-without-lock": "none found yet; it is looked for in 2.4",
    },
    "2.4": {"freed-run-vacated": "it does not free by runs", "read-no-second-look": "as it is"},
    "master": {
        "freed-run-vacated": "it does not free by runs",
        "read-no-second-look": "as it is",
        "search-ends-at-emptied-block": "no program is known",
        **dict.fromkeys(
            (
                *("last-indirect-not-dirtied", "range-not-searched"),
                *("range-in-memory-not-dirtied", "every-other-searched"),
            ),
            "indirect blocks that are not dirty go with their object, too (242105f010)",
        ),
    },
}
"""Faults that no program is known to show in a release, and why."""


@pytest.mark.parametrize("release", NOT_SHOWN)
def test_every_fault_of_threads_shows_where_it_can(release: str) -> None:
    programs = {
        name: program
        for threads in (False, True)
        for name, program in programs_of_mutants(threads=threads, release=release)
    }
    silent = set()
    for name, mutant in FAULTS.items():
        fine = run_threads(programs[name], ModelTarget(release)).outcome
        with mutant.applied():
            outcome = run_threads(programs[name], ModelTarget(release)).outcome
        if outcome.fine or str(outcome) == str(fine):
            silent.add(name)
    assert silent == set(NOT_SHOWN[release])


def test_a_release_has_programs_of_faults_that_there_are() -> None:
    for path in MUTANTS.glob("*/*.zap"):
        assert path.stem in FAULTS and (MUTANTS / path.name).exists(), path
        assert path.parent.name in NOT_SHOWN
