"""Protects what exported reproducers say of a real library: each fails where the corpus says so, each seed is
as it should be."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from fuzz.corpus.reproducer import FINE, Reproducer, folders, read_reproducer
from fuzz.execution.execute import run
from fuzz.export.compile_and_run_form import ran
from fuzz.export.expected_answers import has_threads, why_no_form
from fuzz.language.program import Program
from fuzz.language.syntax import load
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import only_now
from tests.support.exported_forms import FEW, FORMS, MANY, command_of, judge, library, wanted_of
from tests.support.paths import CORPUS
from zapcore.release import PINNED

SEEDS = sorted((CORPUS / "seeds").glob("*.zap"))
ATTEMPTS = 6
"""How often MANY rounds are run until they meet it: other tests may keep the processors busy for a while."""


def has_form(program: Program) -> bool:
    """Whether there is an exported form, and one that can meet what happens inside a sync: nobody holds that
    there, and the form's head says so."""
    inside_sync = any(op.thread and op.verb == "spa_sync" for op in program.ops)
    return not why_no_form(program) and not inside_sync


def known_forms() -> Iterator[ParameterSet]:
    """Each reproducer in each form on each release that the corpus tells of. `make test` has one of the
    releases on which it fails, if there is one, and one of the forms, in turn. Threads meet sooner in C."""
    for number, folder in enumerate(folders([CORPUS / "regressions", CORPUS / "findings"])):
        reproducer = read_reproducer(folder)
        told = {
            release: reproducer.expect[f"libzpool-{version}"]
            for release, version in PINNED.items()
            if f"libzpool-{version}" in reproducer.expect and has_form(reproducer.program)
        }
        failing = [release for release, wanted in told.items() if wanted != FINE] or list(told)
        in_c = has_threads(reproducer.program) or number % 2 == 0
        for release, form in itertools.product(told, ("c", "python")):
            in_turn = release == failing[number % len(failing)] and (form == "c") == in_c
            name, marks = f"{folder.name}-{release}-{form}", () if in_turn else pytest.mark.slow
            yield pytest.param(folder, release, form, id=name, marks=marks)


@pytest.mark.parametrize(("folder", "release", "form"), list(known_forms()))
def test_every_reproducer_fails_where_the_corpus_says(
    folder: Path, release: str, form: str, tmp_path: Path
) -> None:
    """The exported forms see what they are the reproducers of: nobody who runs one is told that a library
    with the bug is healthy, nor the other way round. Threads are not forced, and meet all the same."""
    where, reproducer = library(release), read_reproducer(folder)
    command = command_of(form, reproducer, where, tmp_path)
    wanted = wanted_of(reproducer, release)
    attempts, seconds = 1, 90.0
    if has_threads(reproducer.program):
        command.append(str(FEW if wanted == FINE else MANY))
        attempts, seconds = (1, 90.0) if wanted == FINE else (ATTEMPTS, 600.0)
    status, printed = ran(command, where, seconds)
    while status == 0 and attempts > 1:
        attempts -= 1
        status, printed = ran(command, where, seconds)
    judge(status, printed, wanted)


@FORMS
@only_now("path", SEEDS[::3], SEEDS, ids=lambda path: path.stem)
def test_every_seed(path: Path, form: str, tmp_path: Path) -> None:
    """Programs that nothing is wrong with. Those with threads are near the stale shift of zap_shrink(), and
    what such a form may then see is damage that is really there."""
    where, program = library("2.3"), load(path)
    outcome = str(run(program, ModelTarget("2.3")))
    command = command_of(form, Reproducer(program, path.stem, {"2.3": outcome}), where, tmp_path)
    if not has_threads(program):
        judge(*ran(command, where), FINE)
        return
    status, printed = ran([*command, str(FEW)], where)
    damaged = "table entry" in printed or "ASSERT at" in printed
    assert status == 0 or damaged, printed


@pytest.mark.slow
def test_threads_of_a_healthy_release_come_out_right(tmp_path: Path) -> None:
    """2.1 has no zap_shrink(): what the forms of threads look at must be right there in every round."""
    where = library("2.1")
    for path in SEEDS:
        program = load(path)
        if has_threads(program):
            for form in ("python", "c"):
                command = command_of(form, Reproducer(program, path.stem, {"2.1": FINE}), where, tmp_path)
                judge(*ran([*command, str(3 * FEW)], where), FINE)


def test_the_thread_that_died_is_told(tmp_path: Path) -> None:
    where, reproducer = library("2.3"), read_reproducer(CORPUS / "findings" / "zap-shrink-stale-shift")
    status, printed = ran([*command_of("c", reproducer, where, tmp_path), str(MANY)], where)
    assert status == -signal.SIGABRT
    assert "in round " in printed and ", at: t2: remove z 0x2200000000000000" in printed
