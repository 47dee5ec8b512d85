"""Protects the exported forms of programs whose pool has no room: what the real libraries refuse, and what
they still do, is what the model says, and a form that is told something else says so."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.export.c_form import c_form
from fuzz.export.compile_and_run_form import compiled, ran
from fuzz.export.expected_answers import expected
from fuzz.export.python_form import python_form
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.language.verb_sets import CHANGING
from tests.support.exported_forms import FORMS, command_of, judge, library
from tests.support.programs.answers_of_verbs import ANSWERS
from tests.support.programs.of_every_verb import NO_ROOM
from zapcore.release import PINNED

TABLE, WANTED = ANSWERS["full"]
REPRODUCER = Reproducer(NO_ROOM, "no room", {"2.3": FINE})


def test_every_verb_that_changes_something_is_used() -> None:
    assert {op.verb for op in NO_ROOM.ops} >= CHANGING


@FORMS
@pytest.mark.parametrize("release", PINNED)
@pytest.mark.parametrize("program", [parse(TABLE), NO_ROOM], ids=["the table's", "every verb"])
def test_what_is_refused_and_what_is_done(program: Program, release: str, form: str, tmp_path: Path) -> None:
    where, reproducer = library(release), Reproducer(program, "no room", {release: FINE})
    judge(*ran(command_of(form, reproducer, where, tmp_path), where), FINE)


def test_the_answers_that_are_expected_are_the_tables() -> None:
    answers = [each[""] for each in expected(parse(TABLE)).answers]
    assert answers == [[(wanted.errno, wanted.value)] for wanted in WANTED]
    codes = {code for each in expected(NO_ROOM).answers for right in each.values() for code, _ in right}
    assert {0, errno.ENOSPC, errno.EDQUOT, errno.EEXIST, errno.ENOTSUP} <= codes


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("do_full(1, 28)", "do_full(0, 28)", "expected errno 28, got 0"),
        ("do_full(1, 122)", "do_full(1, 28)", "expected errno 122, got 28"),
        ("*share = 0;", "*share = 5;", "expected errno 28, got 0"),
        ("dd_quota = 1;", "dd_quota = 0;", "expected errno 122, got 0"),
        ("\tdmu_tx_mark_netfree(tx);\n", "", "expected errno 0, got 28"),
    ],
    ids=["room", "errno", "share", "quota", "frees"],
)
def test_a_c_program_that_is_told_something_else_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """OpenZFS itself refuses: without any of what it is told it does something else."""
    where, text = library("2.3"), c_form(REPRODUCER)
    assert text.count(found) == 1
    source = tmp_path / "wrong.c"
    source.write_text(text.replace(found, instead))
    status, printed = ran(compiled(source, where, tmp_path / "wrong"), where)
    assert (status, said in printed) == (1, True), printed


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        (
            "do_full, Call(fill=1, extra=28)",
            "do_full, Call(fill=0, extra=28)",
            "(No space left on device), got",
        ),
        ("do_full, Call(fill=1, extra=122)", "do_full, Call(fill=1, extra=28)", "(Disk quota exceeded), got"),
        ("lib.dmu_tx_mark_netfree(tx)", "pass", "expected success, got errno 28"),
    ],
    ids=["room", "errno", "frees"],
)
def test_a_script_that_is_told_something_else_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    where, text = library("2.3"), python_form(REPRODUCER)
    assert text.count(found) == 1
    script = tmp_path / "wrong.py"
    script.write_text(text.replace(found, instead))
    status, printed = ran([sys.executable, str(script), str(where)], where)
    assert (status, said in printed) == (1, True), printed
