"""Protects the exported forms from calling a healthy library wrong: random programs, drawn as for fuzzing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.export.compile_and_run_form import LIBRARY_FORMS, NoHeaders, command_of, ran
from fuzz.export.try_random_programs import RIGHT, WRONG, try_programs
from fuzz.generate.styles import STYLES
from fuzz.targets.libzpool.locate import NoLibrary, find_library
from fuzz.threads.thread_fuzzer import random_program
from tests.support.cases import few_and_many
from tests.support.missing import missing
from zapcore.release import PINNED

NO_ROOM = STYLES["no room"][1]
THREADS = 2
"""80 of them, in both forms, were right."""


@pytest.mark.parametrize("form", LIBRARY_FORMS)
@pytest.mark.parametrize("release", PINNED)
@few_and_many(3, 30)
def test_no_export_of_a_random_program_calls_the_library_wrong(release: str, form: str, count: int) -> None:
    """Hand-picked programs missed what 3 of 129 random ones showed. 2,000 of each are tried by
    `python -m fuzz.export.try_random_programs`."""
    try:
        tried = list(try_programs(form, release, 7, range(count), by_name=False))
    except (NoLibrary, NoHeaders) as reason:
        missing(reason)
    assert [each for each in tried if each.verdict == WRONG] == []
    assert sum(each.verdict == RIGHT for each in tried) >= count // 2


@pytest.mark.parametrize("form", LIBRARY_FORMS)
@pytest.mark.parametrize("release", PINNED)
@few_and_many(3, 30)
def test_no_export_of_a_pool_without_room_calls_the_library_wrong(
    release: str, form: str, count: int
) -> None:
    """A third of these crash, too, and have no form."""
    try:
        tried = list(try_programs(form, release, 7, range(count), by_name=False, draw=NO_ROOM))
    except (NoLibrary, NoHeaders) as reason:
        missing(reason)
    assert [each for each in tried if each.verdict == WRONG] == []
    assert sum(each.verdict == RIGHT for each in tried) >= count // 3


@pytest.mark.parametrize("form", LIBRARY_FORMS)
def test_no_export_of_random_threads_calls_a_healthy_release_wrong(form: str, tmp_path: Path) -> None:
    """2.1 has no zap_shrink(), and nothing is known that its threads do wrong."""
    try:
        library = find_library("2.1")
        for number in range(THREADS):
            program = random_program(Random(number))
            command = command_of(form, Reproducer(program, "threads", {"2.1": FINE}), library, tmp_path)
            status, printed = ran([*command, "100"], library)
            assert status == 0, printed
    except (NoLibrary, NoHeaders) as reason:
        missing(reason)
