"""Protects the exported forms on each real library: every reproducer and seed does there what the corpus
says, every verb gives the model's errno, and the C form compiles without a warning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import FINE, Reproducer, folders, read_reproducer
from fuzz.execution.execute import run
from fuzz.export.c_form import c_form
from fuzz.export.orders import errnos, has_threads, orders
from fuzz.export.python_form import python_form
from fuzz.export.story import REFERENCE, steps
from fuzz.language.program import U64, Op, Program, Zap
from fuzz.language.syntax import load
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.locate import PINNED, NoLibrary, find_library, python_for
from fuzz.targets.libzpool.message import strip_values
from fuzz.targets.model import ModelTarget
from fuzz.targets.packages.headers import compile_command, headers_of
from tests.support.missing import missing
from tests.support.paths import CORPUS

REPRODUCERS = list(folders([CORPUS / "regressions", CORPUS / "findings"]))
SEEDS = sorted((CORPUS / "seeds").glob("*.zap"))
FORMS = pytest.mark.parametrize("form", ["python", "c"])
RELEASES = pytest.mark.parametrize("release", PINNED)
FEW, MANY = 300, 20_000
"""Rounds of a program with threads: to see that it runs, and to meet what it is about."""


@cache
def library_of(release: str) -> Path | None:
    try:
        return find_library(release)
    except NoLibrary:
        return None


def library(release: str) -> Path:
    found = library_of(release)
    if found is None:
        missing(f"libzpool for {release} is not there: run `make libzpool`")
    assert found is not None
    return found


def command_of(form: str, reproducer: Reproducer, where: Path, folder: Path) -> list[str]:
    """Write a form's file, compile it if it is C, and give the command that runs it."""
    if form == "python":
        (folder / "reproducer.py").write_text(python_form(reproducer))
        # -I: it must need nothing of this project
        return [sys.executable, "-I", str(folder / "reproducer.py"), str(where)]
    headers = headers_of(where)
    if headers is None:
        missing("libzpool's headers are not there: run `python -m fuzz.targets.packages.headers`")
    assert headers is not None
    source, program = folder / "reproducer.c", folder / "reproducer"
    source.write_text(c_form(reproducer))
    command = compile_command(source, where, headers, program)
    compiled = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (compiled.returncode, compiled.stderr) == (0, "")
    return [str(program)]


def ran(command: list[str], where: Path) -> tuple[int, str]:
    """The status and all that was printed."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(where.parent)}
    loader = python_for(where)[:-1]
    done = subprocess.run([*loader, *command], capture_output=True, text=True, timeout=90, env=environment)
    return done.returncode, f"\n{done.stdout}{done.stderr}"


def judged(command: list[str], where: Path, wanted: str) -> None:
    """Run a form and hold its end against what the corpus says."""
    status, printed = ran(command, where)
    if wanted == FINE:
        assert (status, "\nas it should be\n" in printed) == (0, True), printed
    elif wanted.startswith("oracle"):
        assert (status, "\nnot as it should be\n" in printed) == (1, True), printed
    elif wanted == "limit" or wanted.startswith("hang "):
        assert (status, "\n  stopped: " in printed) == (3, True), printed
    else:
        assert failed_as(wanted, status, printed), printed


def failed_as(wanted: str, status: int, printed: str) -> bool:
    """Whether the library died as a signature says."""
    kind, place, expression = wanted.split(" ", 2)
    if kind == "assertion":
        said = expression in printed or expression in map(strip_values, printed.splitlines())
        return status == -signal.SIGABRT and f"{place.partition(':')[2]}()" in printed and said
    return status < 0 or status == 3


def expected(reproducer: Reproducer, release: str) -> str:
    """What the corpus says of the real library of a release, else of its model."""
    return reproducer.expect.get(f"libzpool-{PINNED[release]}") or reproducer.expect[release]


@FORMS
@RELEASES
@pytest.mark.parametrize("folder", REPRODUCERS, ids=lambda folder: folder.name)
def test_every_reproducer(folder: Path, release: str, form: str, tmp_path: Path) -> None:
    where, reproducer = library(release), read_reproducer(folder)
    command = command_of(form, reproducer, where, tmp_path)
    wanted = expected(reproducer, release)
    if not has_threads(reproducer.program) or wanted == FINE:
        judged([*command, str(FEW)] if has_threads(reproducer.program) else command, where, wanted)
        return
    # whether threads meet is chance: nothing but the failure may happen
    status, printed = ran([*command, str(FEW)], where)
    fine = status == 0 and f"\n{FEW} rounds\nas it should be\n" in printed
    assert fine or failed_as(wanted, status, printed), printed


@FORMS
@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_every_seed(path: Path, form: str, tmp_path: Path) -> None:
    where, program = library("2.3"), load(path)
    outcome = str(run(program, ModelTarget("2.3")))
    command = command_of(form, Reproducer(program, path.stem, {"2.3": outcome}), where, tmp_path)
    judged([*command, str(FEW)] if has_threads(program) else command, where, FINE)


def test_threads_that_nothing_forces_meet_the_stale_shift(tmp_path: Path) -> None:
    """Within some hundreds of rounds on any machine seen, so 20,000 leave no doubt."""
    where, reproducer = library("2.3"), read_reproducer(CORPUS / "findings" / "zap-shrink-stale-shift")
    command = command_of("c", reproducer, where, tmp_path)
    status, printed = ran([*command, str(MANY)], where)
    assert failed_as(reproducer.expect["2.3"], status, printed), printed
    assert "in round " in printed and ", at: t2: remove z 0x2200000000000000" in printed


EVERY_VERB = Program(
    (
        Zap("z", words=2, leaf_shift=9),
        Zap("d", hash64=True, leaf_shift=10, salt=3),
        Zap("m", fat=False, leaf_shift=12),
        Zap("n", fat=False, norm=2),
    ),
    (
        Op("add", "z", (1, 2), 1, 180),
        Op("add", "z", (1, 2), 1, 1),
        Op("update", "z", (3, 1 << 63), 8, 3, 1 << 60),
        Op("add", "d", b'a "name"?\\*/\n\xff', 2, 5, 65535),
        Op("add", "m", b"short", 8, 1, 7),
        Op("add", "n", b"Name", 8, 1, 1),
        Op("lookup", "z", (3, 1 << 63), 8, 3),
        Op("lookup", "m", b"short", 8, 1),
        Op("lookup", "m", b"none", 8, 1),
        Op("length", "d", b'a "name"?\\*/\n\xff'),
        Op("count", "m"),
        Op("cursor", "c", other="d"),
        Op("next", "c"),
        Op("next", "c"),
        Op("advance", "c"),
        Op("retrieve", "c"),
        Op("txg"),
        Op("remove", "z", (1, 2)),
        Op("txg"),
        Op("remove", "z", (1, 2)),
        Op("txg"),
        Op("finish"),
        Op("close", "c"),
        Op("close", "c"),
        Op("destroy", "z"),
        Op("count", "z"),
        Op("create", "z"),
        Op("create", "z"),
        Op("add", "z", (9, 9), 1, 1),
        Op("contains", "z", (9, 9)),
        Op("contains", "d", b"no"),
        Op("increment", "m", b"short", fill=U64 - 6),
        Op("increment", "z", (9, 8), fill=5),
        Op("increment", "z", (9, 8), fill=U64 - 4),
        Op("increment", "z", (9, 9), fill=1),
        Op("search", "d", fill=65535),
        Op("search", "z", fill=1),
        Op("stats", "z"),
        Op("lookup_norm", "n", b"NAME", 8, 1, extra=1),
        Op("lookup_norm", "n", b"NAME", 8, 1, extra=3),
        Op("remove_norm", "n", b"name", extra=1),
        Op("remove_norm", "z", (9, 9), extra=1),
        Op("cursor", "c", other="d"),
        Op("next", "c"),
        Op("serialize", "c"),
        Op("close", "c"),
        Op("serialize", "c"),
        Op("sync"),
        Op("evict"),
        Op("lookup", "z", (9, 9), 1, 1),
    ),
)
DIRECTORIES = Program(
    (Zap("a", fat=False), Zap("b", hash64=True, leaf_shift=9), Zap("w", words=1)),
    (
        Op("touch", "a", b"file", fill=7),
        Op("touch", "a", b"file", fill=8),
        Op("mkdir", "a", b"folder", fill=9),
        Op("mkdir", "b", b"folder", fill=10),
        Op("unlink", "a", b"folder"),
        Op("unlink", "a", b"none"),
        Op("rmdir", "a", b"file"),
        Op("rename", "a", b"file", other="b", to=b"file"),
        Op("rename", "a", b"file", other="b", to=b"file"),
        Op("rename", "b", b"file", other="a", to=b"folder"),
        Op("rename", "a", b"folder", other="b", to=b"file"),
        Op("rename", "a", b"folder", other="b", to=b"folder"),
        Op("rename", "b", b"file", other="b", to=b"file"),
        Op("rename", "b", b"file", other="a", to=b"y" * 250),
        Op("touch", "w", (1,)),
        Op("readdir", "w"),
        Op("readdir", "a"),
        Op("cursor", "c", other="b"),
        Op("next", "c"),
        Op("txg"),
        Op("touch", "a", b"again", fill=1),
        Op("reopen"),
        Op("next", "c"),
        Op("readdir", "b"),
        Op("unlink", "a", b"again"),
        Op("rmdir", "b", b"folder"),
        Op("add", "b", b"no entry of a directory", 1, 3),
        Op("readdir", "b"),
        Op("destroy", "b"),
        Op("reopen"),
        Op("create", "b"),
        Op("reopen"),
        Op("touch", "b", b"x", fill=3),
        Op("txg"),
        Op("txg"),
        Op("reopen"),
        Op("readdir", "b"),
    ),
)


def test_every_verb_is_used() -> None:
    assert {op.verb for op in (*EVERY_VERB.ops, *DIRECTORIES.ops)} == set(VERBS)


@FORMS
@RELEASES
@pytest.mark.parametrize("program", [EVERY_VERB, DIRECTORIES], ids=["entries", "directories"])
def test_every_verb_gives_the_models_errno(program: Program, release: str, form: str, tmp_path: Path) -> None:
    where = library(release)
    assert len({step.errno for step in steps(program)}) >= 4
    reproducer = Reproducer(program, 'Every verb, and */ "quotes" \\', {"2.3": FINE})
    judged(command_of(form, reproducer, where, tmp_path), where, FINE)


def test_a_form_that_expects_another_errno_says_so(tmp_path: Path) -> None:
    where = library("2.3")
    text = python_form(Reproducer(EVERY_VERB, "wrong", {"2.3": FINE}))
    script = tmp_path / "wrong.py"
    script.write_text(text.replace("17, None, 'add z 0x1:0x2", "0, None, 'add z 0x1:0x2"))
    status, printed = ran([sys.executable, str(script), str(where)], where)
    assert (status, "expected errno 0, got 17" in printed) == (1, True)


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
    found = errnos(program, REFERENCE)
    assert (found[0], found[1], found[3]) == ({0, 17}, {0}, {0, 17})
    assert found[4] == found[5] == set()  # of a cursor beside other threads nothing is promised
    command = command_of(form, Reproducer(program, "order", {"2.3": FINE}), where, tmp_path)
    judged([*command, str(FEW)], where, FINE)


@FORMS
def test_threads_that_return_what_no_order_explains_are_told(form: str, tmp_path: Path) -> None:
    where = library("2.3")
    program = Program(BESIDE.zaps, (Op("add", "z", (1,), 1, 1), *BESIDE.ops[3:4]))
    command = command_of(form, Reproducer(program, "order", {"2.3": FINE}), where, tmp_path)
    file = tmp_path / f"reproducer.{'py' if form == 'python' else 'c'}"
    wrong = (
        file.read_text().replace("1, (int []){ 17 }", "1, (int []){ 2 }").replace("(17,), 't2", "(2,), 't2")
    )
    file.write_text(wrong)
    if form == "c":
        headers = headers_of(where)
        assert headers is not None
        subprocess.run(compile_command(file, where, headers, Path(command[0])), check=True, timeout=60)
    status, printed = ran(command, where)
    assert status == 1
    assert "in round 1, at: t2: add z 0x1: errno 17, which no order of the operations explains" in printed
