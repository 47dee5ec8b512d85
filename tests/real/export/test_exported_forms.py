"""Protects the exported forms on each real library: every verb gives the model's answer there, what expects
something else says so, and the C form compiles without a warning."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.export import compile_and_run_form as run_form
from fuzz.export.compile_and_run_form import compiled, ran
from fuzz.export.expected_answers import WITHOUT_FORM, expected, orders
from fuzz.export.python_form import python_form
from fuzz.language.program import Op, Program, Zap
from fuzz.language.verb_sets import OWNED
from fuzz.language.verbs import VERBS
from tests.support.exported_forms import FEW, FORMS, RELEASES, command_of, judge, library
from tests.support.programs.of_every_verb import (
    DIRECTORIES,
    EVERY_VERB,
    FILE_SYSTEMS,
    HELPERS,
    NO_ROOM,
    TREES,
)


def test_every_verb_is_used() -> None:
    programs = (EVERY_VERB, DIRECTORIES, FILE_SYSTEMS, HELPERS, NO_ROOM)
    forms = set(VERBS) - OWNED - WITHOUT_FORM - {"early"}
    assert {op.verb for program in programs for op in program.ops} == forms


@FORMS
@RELEASES
@pytest.mark.parametrize(
    "program",
    [EVERY_VERB, DIRECTORIES, FILE_SYSTEMS, TREES, HELPERS],
    ids=["entries", "directories", "file systems", "trees", "helpers"],
)
def test_every_verb_gives_the_models_answer(
    program: Program, release: str, form: str, tmp_path: Path
) -> None:
    where = library(release)
    answers = expected(program, release).answers
    assert len({answer[0][0] for by_release in answers for answer in by_release.values()}) >= 4
    reproducer = Reproducer(program, 'Every verb, and */ "quotes" \\', {"2.3": FINE})
    judge(*ran(command_of(form, reproducer, where, tmp_path), where), FINE)


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        (
            "size=1, length=1, fill=0), [17]",
            "size=1, length=1, fill=0), [0]",
            "expected success, got errno 17",
        ),
        ("[(0, (2, 5))]", "[(0, (2, 6))]", "expected success with (2, 6), got success with (2, 5)"),
        ("(2, 5, b'\\xff\\xff", "(2, 5, b'\\xfe\\xff", "d in the end: b'a \"name"),
        ("[{b'a \"name", "[{b'b \"name", "d in the end: a cursor returned b'a"),
    ],
    ids=["errno", "value", "content", "name"],
)
def test_a_form_that_expects_something_else_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """Each thing that a script looks at: what an op returns, its value, an entry's value and its name."""
    where = library("2.3")
    text = python_form(Reproducer(EVERY_VERB, "wrong", {"2.3": FINE}))
    assert found in text, text[-3000:]
    script = tmp_path / "wrong.py"
    script.write_text(text.replace(found, instead))
    status, printed = ran([sys.executable, str(script), str(where)], where)
    assert (status, said in printed) == (1, True), printed


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("0), 17,", "0), 0,", "expected errno 0, got 17"),
        (
            ', 0, "\\002\\000\\000\\000\\000\\000\\000\\000\\005"',
            ', 0, "\\002\\000\\000\\000\\000\\000\\000\\000\\006"',
            "expected value 02000000000000",
        ),
        ('2, 5, "\\377\\377', '2, 5, "\\376\\377', "d: the entry with the key 6"),
        ('{ "a \\042name', '{ "b \\042name', "d: the entry with the key 6"),
    ],
    ids=["errno", "value", "content", "name"],
)
def test_a_c_form_that_expects_something_else_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """The same of the C form."""
    where = library("2.3")
    command = command_of("c", Reproducer(EVERY_VERB, "wrong", {"2.3": FINE}), where, tmp_path)
    source = tmp_path / "reproducer.c"
    text = source.read_text()
    assert found in text, text[-5000:]
    source.write_text(text.replace(found, instead))
    compiled(source, where, Path(command[0]))
    status, printed = ran(command, where)
    assert (status, said in printed) == (1, True), printed


BESIDE = Program(
    (Zap("z", words=1, prehashed=True, leaf_shift=9),),
    (
        Op("add", "z", (1,), thread=1, size=1, length=180),
        Op("remove", "z", (1,), thread=1),
        Op("txg", thread=1),
        Op("add", "z", (1,), thread=2, size=1, length=1),
        Op("cursor", "c", other="z", thread=2),
        Op("next", "c", thread=2),
        Op("finish", thread=2),
        Op("count", "z"),
    ),
)


@FORMS
@RELEASES
def test_threads_whose_results_hang_on_their_order(release: str, form: str, tmp_path: Path) -> None:
    where, program = library(release), BESIDE
    assert len(list(orders(program))) == 35
    found = [{code for code, _ in each[""]} for each in expected(program).answers]
    assert (found[0], found[1], found[3]) == ({0, 17}, {0}, {0, 17})
    assert found[4] == found[5] == set()  # of a cursor beside other threads nothing is promised
    command = command_of(form, Reproducer(program, "order", {"2.3": FINE}), where, tmp_path)
    judge(*ran([*command, str(FEW)], where), FINE)


@FORMS
def test_threads_that_return_what_no_order_explains_are_told(form: str, tmp_path: Path) -> None:
    where = library("2.3")
    program = Program(BESIDE.zaps, (Op("add", "z", (1,), 1, 1), *BESIDE.ops[3:4]))
    command = command_of(form, Reproducer(program, "order", {"2.3": FINE}), where, tmp_path)
    file = tmp_path / f"reproducer.{'py' if form == 'python' else 'c'}"
    text = file.read_text()
    changed = text.replace("[17], thread=2", "[2], thread=2").replace("0), 17,", "0), 2,")
    assert changed != text
    file.write_text(changed)
    if form == "c":
        compiled(file, where, Path(command[0]))
    status, printed = ran(command, where)
    assert status == 1
    assert "in round 1, at: t2: add z 0x1: " in printed and "17" in printed


F01 = Program((Zap("d", fat=False),), (Op("touch", "d", b"x" * 300, fill=1),))
UNMAPPABLE = Program(
    (Zap("z", fat=False, norm=16),),
    (Op("rename", "z", b"a", other="z", to=b"\xff"), Op("touch", "z", b"a", fill=1)),
)
TOO_LONG = Program((Zap("z", hash64=True),), (Op("rename", "z", b"a", other="z", to=b"y" * 300),))
NOT_LINKED = Program(BESIDE.zaps, (Op("add", "z", (0,), 1, 148, 0x6E908FE762A2F01F),))
"""Its C form did not come through the linker: a constant was taken off the address of a thread's buffer."""


@FORMS
@RELEASES
@pytest.mark.parametrize(
    "program", [F01, UNMAPPABLE, TOO_LONG, NOT_LINKED], ids=["long", "unmappable", "too long", "not linked"]
)
def test_what_exports_once_called_wrong(program: Program, release: str, form: str, tmp_path: Path) -> None:
    """Exports once expected other errnos than model and library give: of names that are too long or have no
    normal form, and of another release than the one that they ran on."""
    where = library(release)
    judge(
        *ran(command_of(form, Reproducer(program, "once wrong", {release: FINE}), where, tmp_path), where),
        FINE,
    )


def test_a_release_that_is_named_is_what_is_expected(tmp_path: Path) -> None:
    """`--release 2.1` on a library of 2.3: it takes the long name, which 2.1 refuses."""
    where, reproducer = library("2.3"), Reproducer(F01, "long", {"2.1": FINE})
    for form in ("python", "c"):
        command = run_form.command_of(form, reproducer, where, tmp_path, "2.1")
        status, printed = ran(command, where)
        assert (status, "expected errno 36" in printed) == (1, True), printed
