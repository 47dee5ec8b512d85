"""Protects the exported forms and the bug report: every reproducer, in every form, does what the corpus says,
on the model and on each real library, and the C form compiles without a warning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fuzz.corpus import FINE, Reproducer, folders, read_reproducer
from fuzz.describe import describe, report
from fuzz.export.command import export
from fuzz.export.forms import FORMS, c_form, pytest_form, python_form
from fuzz.export.headers import compile_command, headers_of
from fuzz.export.story import EXPORTED, open_reproducer, steps
from fuzz.program import U64, Op, Program, Zap
from fuzz.targets.fetch import ROOT
from fuzz.targets.libzpool.locate import PINNED, NoLibrary, find_library

CORPUS = ROOT / "corpus"
REPRODUCERS = list(folders([CORPUS / "regressions", CORPUS / "findings"]))
NAMES = [folder.name for folder in REPRODUCERS]
each = pytest.mark.parametrize("folder", REPRODUCERS, ids=NAMES)


def missing(text: str) -> None:
    """Skip; in CI fail: there, nothing may be left out unseen."""
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


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


def expected(reproducer: Reproducer, release: str) -> str:
    """What the corpus says of the real library of a release, else of its model."""
    return reproducer.expect.get(f"libzpool-{PINNED[release]}") or reproducer.expect[release]


def judged(command: list[str], where: Path, wanted: str) -> None:
    """Run a form and hold its end against what the corpus says."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(where.parent)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    printed = done.stdout + done.stderr
    if wanted == FINE:
        assert (done.returncode, "\nas it should be\n" in f"\n{printed}") == (0, True), printed
    elif wanted.startswith("oracle"):
        assert (done.returncode, "not as it should be" in printed) == (1, True), printed
    else:
        kind, place, expression = wanted.split(" ", 2)
        assert (kind, done.returncode) == ("assertion", -signal.SIGABRT), printed
        assert f"{place.partition(':')[2]}()" in printed
        assert expression in printed


def refused(reproducer: Reproducer) -> bool:
    """Whether the forms for the real library have no words for a program: threads, directories, reopen."""
    return any(op.thread or op.verb not in EXPORTED for op in reproducer.program.ops)


def runnable(reproducer: Reproducer, release: str) -> bool:
    """Whether a form for the real library can run: it exists, and no bound of memory or time stops it."""
    if refused(reproducer):
        with pytest.raises(click.UsageError, match="--as pytest"):
            c_form(reproducer)
        return False
    return not expected(reproducer, release).startswith(("limit", "invariant", "hang"))


def test_there_are_reproducers() -> None:
    assert len(REPRODUCERS) >= 3


def test_the_pytest_form_of_every_reproducer_passes(tmp_path: Path) -> None:
    for folder in REPRODUCERS:
        text = pytest_form(read_reproducer(folder))
        (tmp_path / f"test_{folder.name.replace('-', '_')}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stdout
    count = sum(not name.startswith("libzpool") for f in REPRODUCERS for name in read_reproducer(f).expect)
    assert f"{count} passed" in done.stdout


@each
@pytest.mark.parametrize("release", PINNED)
def test_the_python_form(folder: Path, release: str, tmp_path: Path) -> None:
    where, reproducer = library(release), read_reproducer(folder)
    if not runnable(reproducer, release):
        return
    script = tmp_path / "reproducer.py"
    script.write_text(python_form(reproducer))
    # -I: it must need nothing of this project
    judged([sys.executable, "-I", str(script), str(where)], where, expected(reproducer, release))


@each
@pytest.mark.parametrize("release", PINNED)
def test_the_c_form(folder: Path, release: str, tmp_path: Path) -> None:
    where, reproducer = library(release), read_reproducer(folder)
    headers = headers_of(where)
    if headers is None:
        missing("libzpool's headers are not there: run `python -m fuzz.export.headers`")
        return
    if not runnable(reproducer, release):
        return
    source, program = tmp_path / "reproducer.c", tmp_path / "reproducer"
    source.write_text(c_form(reproducer))
    command = compile_command(source, where, headers, program)
    compiled = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (compiled.returncode, compiled.stderr) == (0, "")
    judged([str(program)], where, expected(reproducer, release))


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


@pytest.mark.parametrize("form", ["python", "c"])
@pytest.mark.parametrize("release", PINNED)
def test_every_verb_gives_the_models_errno(release: str, form: str, tmp_path: Path) -> None:
    where = library(release)
    reproducer = Reproducer(EVERY_VERB, 'Every verb, and */ "quotes" \\', {"2.3": FINE})
    assert len({step.errno for step in steps(EVERY_VERB)}) >= 4
    if form == "python":
        (tmp_path / "all.py").write_text(python_form(reproducer))
        command = [sys.executable, "-I", str(tmp_path / "all.py"), str(where)]
    else:
        headers = headers_of(where)
        if headers is None:
            missing("libzpool's headers are not there: run `python -m fuzz.export.headers`")
            return
        (tmp_path / "all.c").write_text(c_form(reproducer))
        compiler = compile_command(tmp_path / "all.c", where, headers, tmp_path / "all")
        compiled = subprocess.run(compiler, capture_output=True, text=True, timeout=60)
        assert (compiled.returncode, compiled.stderr) == (0, "")
        command = [str(tmp_path / "all")]
    judged(command, where, FINE)


def test_a_form_that_expects_another_errno_says_so(tmp_path: Path) -> None:
    where = library("2.3")
    text = python_form(Reproducer(EVERY_VERB, "wrong", {"2.3": FINE}))
    script = tmp_path / "wrong.py"
    script.write_text(text.replace("17, None, 'add z 0x1:0x2", "0, None, 'add z 0x1:0x2"))
    done = subprocess.run([sys.executable, str(script), str(where)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "expected errno 0, got 17" in done.stdout


def run(command: click.Command, *arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@each
def test_the_story_is_told_in_every_form(folder: Path) -> None:
    reproducer = read_reproducer(folder)
    for form in FORMS:
        if form != "pytest" and refused(reproducer):
            continue
        status, text, _ = run(export, folder, "--as", form)
        assert status == 0
        for said in ("What it does:", "What should happen:", "What does:", *reproducer.title.split()[:3]):
            assert said in text


@each
def test_a_report_has_every_part(folder: Path) -> None:
    reproducer = read_reproducer(folder)
    text = report(reproducer)
    assert text.startswith(f"# {reproducer.title}\n")
    for release in reproducer.expect:
        assert f"\n| {release}" in text
    assert text.count("\n| 0 | `") == 1
    assert "<summary>pytest</summary>" in text


def test_the_report_of_the_stale_user_data() -> None:
    text = report(read_reproducer(CORPUS / "regressions" / "stale-user-data-txg"))
    assert "step by step, on unfixed" in text
    assert "PANIC at zap.c:441:zap_create_leaf()" in text
    assert "| **panic** |" in text
    # the freed leaf's dbuf, still held by the txg in flight, is why
    assert "; 2: leaf 2, held by txg 4 |\n| 6 |" in text


def test_any_program_is_cut_down_first(tmp_path: Path) -> None:
    folder = CORPUS / "regressions" / "stale-user-data-txg"
    longer = tmp_path / "long.zap"
    program = (folder / "program.zap").read_text()
    longer.write_text(program.replace("txg\n", "count z\nlookup z 0x0\ntxg\n"))
    status, text, _ = run(describe, longer)
    assert status == 0
    assert "count z" not in text
    assert "PANIC at zap.c:441:zap_create_leaf()" in text


def test_a_program_file_of_a_folder_is_its_reproducer() -> None:
    folder = CORPUS / "regressions" / "stale-user-data-txg"
    assert open_reproducer(folder / "program.zap") == open_reproducer(folder)


def test_a_verb_without_form_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.zap").write_text("zap z fat key=u64\nreopen\n")
    status, _, err = run(export, tmp_path / "p.zap", "--as", "c")
    assert status == 2
    assert "op 0, reopen, has no form there; use --as pytest" in err
