"""Which release a library is, is told by what it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from fuzz.targets.both import run_model
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.probe_release import candidates, probe, probes
from zapcore.release import RELEASES, Release

NOT_BY_ONE_THREAD = {
    *("looks_at_hole_again", "upgrades_in_place", "forgets_freed_by_run", "search_backtracks"),
    "frees_clean_indirect",
}
"""Behaviours that show where two threads meet only."""


def test_every_behaviour_that_one_thread_shows_has_a_program_and_makes_a_difference_on_it() -> None:
    fields = {field.name for field in dataclasses.fields(Release) if isinstance(field.default, bool)}
    fields |= {"shrink", "reuse_leaf", "evict_on_shrink"}
    programs = probes()
    assert set(programs) == fields - NOT_BY_ONE_THREAD
    for name, program in programs.items():
        told = False
        for release in RELEASES.values():
            runs = []
            for value in (False, True):
                changed = dataclasses.replace(release, **{name: value})  # type: ignore[arg-type]
                run = run_model(ModelTarget(changed), program)
                runs.append((run.steps, run.failure and run.failure.signature.key))
            told = told or runs[0] != runs[1]
        assert told, name


def test_candidates_are_each_another_release() -> None:
    names = [release.name for release in candidates()]
    assert set(RELEASES) <= set(names) and len(set(names)) == len(names)


@pytest.mark.parametrize("release", ["2.3"])
def test_a_packaged_library_is_the_release_that_it_is(
    release: str, libzpool: Callable[[str], LibzpoolTarget]
) -> None:
    library = libzpool(release).library
    real = LibzpoolTarget(path=library)
    try:
        probed = probe(real)
    finally:
        real.close()
    assert probed.nearest.name == release
    assert probed.agrees == probed.programs
    known = [name for name, has in probed.behaviours.items() if has is not None]
    assert len(known) > probed.programs / 2, probed.behaviours
    for name, has in probed.behaviours.items():
        assert has in (None, getattr(RELEASES[release], name)), name
