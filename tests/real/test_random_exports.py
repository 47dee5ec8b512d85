"""Protects the exported forms from calling a healthy library wrong: random programs, drawn as for fuzzing."""

from __future__ import annotations

import pytest

from fuzz.export.run_form import LIBRARY_FORMS, NoHeaders
from fuzz.export.try_random_programs import RIGHT, WRONG, try_programs
from fuzz.targets.libzpool.locate import PINNED, NoLibrary
from tests.support.missing import missing

COUNT = {"python": 16, "c": 8}
"""`python -m fuzz.export.try_random_programs` tries 2,000 of each."""


@pytest.mark.parametrize("form", LIBRARY_FORMS)
@pytest.mark.parametrize("release", PINNED)
def test_no_export_of_a_random_program_calls_the_library_wrong(release: str, form: str) -> None:
    """Hand-picked programs missed what 3 of 129 random ones showed."""
    try:
        tried = list(try_programs(form, release, 7, range(COUNT[form]), by_name=False))
    except (NoLibrary, NoHeaders) as reason:
        missing(reason)
    assert [each for each in tried if each.verdict == WRONG] == []
    assert sum(each.verdict == RIGHT for each in tried) >= COUNT[form] // 2
