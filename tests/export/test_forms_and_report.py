"""Protects the exported forms and the bug report: every reproducer and seed has every form, the pytest
form does what the corpus says, and the story is told. What the other forms do is in tests/real."""

from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fuzz.commands.describe import MOST_ROWS, describe, report
from fuzz.commands.export import export
from fuzz.corpus.named_program import open_named
from fuzz.corpus.reproducer import folders, read_reproducer
from fuzz.export.expected_answers import why_no_form
from fuzz.export.forms import FORMS, pytest_form
from fuzz.threads import minimize_schedule
from tests.support.cases import only_now
from tests.support.paths import CORPUS, ROOT

REPRODUCERS = list(folders([CORPUS / "regressions", CORPUS / "findings"]))
SEEDS = sorted((CORPUS / "seeds").glob("*.zap"))
each = only_now("folder", REPRODUCERS[::4], REPRODUCERS, ids=lambda folder: folder.name)

ALWAYS = [form for form in FORMS if form != "sh"]
"""The forms that every program has: a script is of file operations alone."""


def test_there_are_reproducers() -> None:
    assert len(REPRODUCERS) >= 3


@pytest.mark.parametrize("one_in", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_the_pytest_form_of_a_reproducer_passes(one_in: int, tmp_path: Path) -> None:
    """Write each as a test, and run them."""
    folders = REPRODUCERS[::one_in]
    for folder in folders:
        text = pytest_form(read_reproducer(folder))
        (tmp_path / f"test_{folder.name.replace('-', '_')}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stdout
    count = sum(
        not name.startswith(("libzpool", "kernel")) for f in folders for name in read_reproducer(f).expect
    )
    assert f"{count} passed" in done.stdout


def run(command: click.Command, *arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@each
def test_the_story_is_told_in_every_form(folder: Path) -> None:
    reproducer = read_reproducer(folder)
    for form in ALWAYS:
        status, text, _ = run(export, folder, "--as", form)
        if why_no_form(reproducer.program) and form != "pytest":
            assert status == 2
            continue
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
    assert text.count("\n| 0 | `") == (len(reproducer.program.ops) <= MOST_ROWS)
    assert ("<summary>pytest</summary>" in text) is not ("--as pytest` writes it" in text)


def test_the_report_of_the_stale_user_data() -> None:
    text = report(read_reproducer(CORPUS / "regressions" / "stale-user-data-txg"))
    assert "step by step, on unfixed" in text
    assert "PANIC at zap.c:441:zap_create_leaf()" in text
    assert "| **panic** |" in text
    # the freed leaf's dbuf, still held by the txg in flight, is why
    assert "; 2: leaf 2, held by txg 4 |\n| 6 |" in text


@pytest.mark.parametrize("name", ["regressions/stale-user-data-txg", "findings/zap-trunc-next-table"])
def test_a_report_is_no_longer_than_an_issue_may_be(name: str) -> None:
    """GitHub takes 65,536 characters; what there is no room for is told by the command that writes it."""
    folder = CORPUS / name
    text = report(read_reproducer(folder))
    assert len(text) < 65_536 and text.count("<summary>") == 2 and "~~~c\n" in text
    assert f"python: `zapfuzz export {folder.name} --as python` writes it." in text


def test_a_report_tells_the_last_of_many_steps() -> None:
    text = report(read_reproducer(CORPUS / "findings" / "usage-trunc-next-table-files"))
    assert len(text) < 65_536 and "| **panic** |" in text
    steps = int(re.findall(r"(?m)^The (\d+) steps before these are left out\.$", text)[0])
    table = text.partition("## What happens")[2].partition("\nThe ")[0]
    assert table.count("\n| ") == MOST_ROWS + 2 and steps > 0


def test_any_program_is_cut_down_first(tmp_path: Path) -> None:
    folder = CORPUS / "regressions" / "stale-user-data-txg"
    longer = tmp_path / "long.zap"
    program = (folder / "program.zap").read_text()
    longer.write_text(program.replace("txg\n", "count z\nlookup z 0x0\ntxg\n"))
    status, text, _ = run(describe, longer)
    assert status == 0
    assert "count z" not in text
    assert "PANIC at zap.c:441:zap_create_leaf()" in text


def cut_down_with_its_schedule(folder: Path) -> str:
    """The report of a program with threads that fails, and that has one op too many."""
    (folder / "long.zap").write_text(
        "zap z fat key=u64 prehashed leaf_shift=9\nschedule 14:2\nadd z 0x0 len=148\n"
        "add z 0x8000000000000000 len=148\nadd z 0x4000000000000000 len=148\n"
        "remove z 0x4000000000000000\nt2: add z 0x8800000000000000 len=148\nt1: remove z 0x0\ncount z\n"
    )
    status, text, _ = run(describe, folder / "long.zap")
    assert status == 0
    assert "count z" not in text
    assert "\nschedule 14:2\n" in text
    assert "## What fails\n\n~~~\ninvariant: leaf-header: " in text
    assert text.count("<summary>") == 2 and "python: `zapfuzz export PROGRAM --as python` writes it" in text
    return text


@pytest.mark.parametrize("max_tries", [12, pytest.param(None, marks=pytest.mark.slow)])
def test_a_program_with_threads_is_cut_down_with_its_schedule(
    max_tries: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make test` has it with few tries, since each explores schedules."""
    if max_tries:
        few = functools.partial(minimize_schedule.minimize_threads, max_tries=max_tries)
        monkeypatch.setattr(minimize_schedule, "minimize_threads", few)
    cut_down_with_its_schedule(tmp_path)


def test_the_stacks_of_all_threads_are_told() -> None:
    text = report(read_reproducer(CORPUS / "findings" / "zap-shrink-stale-shift"))
    assert "\nPANIC at zap.c:578:zap_get_leaf_byblk()\n" in text
    assert "\nThread 2 failed in op 4, t2: remove z 0x2200000000000000:\n zap_get_leaf_byblk\n" in text


def test_a_failure_that_only_the_library_has_is_told_as_such() -> None:
    fixed = read_reproducer(CORPUS / "regressions" / "stale-user-data-txg")
    text = report(dataclasses.replace(fixed, expect={"2.3": "fine", "libzpool-2.3.2": "assertion a:b c"}))
    assert "The model of 2.3 does not have the failure; its results are what should come." in text


def test_a_program_file_of_a_folder_is_its_reproducer() -> None:
    folder = CORPUS / "regressions" / "stale-user-data-txg"
    by_file, by_folder, by_name = map(open_named, (str(folder / "program.zap"), str(folder), folder.name))
    assert by_file.kept == by_folder.kept == by_name.kept == read_reproducer(folder)


@only_now("path", SEEDS[::3], SEEDS, ids=lambda path: path.stem)
def test_every_seed_has_every_form(path: Path) -> None:
    for form in ALWAYS:
        status, text, _ = run(export, path, "--as", form)
        assert (status, path.stem in text) == (0, True)


def test_only_what_a_program_needs_is_exported(tmp_path: Path) -> None:
    (tmp_path / "p.zap").write_text("zap z fat key=u64\nadd z 0x1\n")
    for form, needed, needless in (
        ("python", "def do_add(", ("def do_update(", "def txg(", '"zap_update"', "def do_rename(")),
        ("c", "do_write(", ("do_remove(", "do_txg(", "gate_t", "do_rename(", "Directories")),
    ):
        _, text, _ = run(export, tmp_path / "p.zap", "--as", form)
        assert needed in text
        assert [word for word in needless if word in text] == []


def test_what_is_there_for_a_pool_without_room_comes_only_with_one(tmp_path: Path) -> None:
    usual, full = tmp_path / "usual.zap", tmp_path / "full.zap"
    usual.write_text('zap z micro\nadd z "a"\ncount z\n')
    full.write_text('zap z micro\nfull\nadd z "a"\ncount z\n')
    for form, words, may_be_refused in (
        ("python", ("def do_full(", "while_full(", "spa_slop_shift"), "while_full(do_add)"),
        ("c", ("do_full(", "setjmp", "spa_slop_shift"), "refusable(do_write("),
    ):
        _, text, _ = run(export, full, "--as", form)
        assert [word for word in (*words, may_be_refused) if word not in text] == []
        assert text.count(may_be_refused) == 1 and "while_full(do_count)" not in text
        _, text, _ = run(export, usual, "--as", form)
        assert [word for word in words if word in text] == []


@pytest.mark.parametrize("form", ["python", "c"])
@pytest.mark.parametrize("op", ["crash", "fail z", "move to=23"])
def test_what_only_our_own_worker_does_has_no_form(form: str, op: str, tmp_path: Path) -> None:
    (tmp_path / "p.zap").write_text(f'zap z micro\nadd z "a"\n{op}\n')
    status, _, said = run(export, tmp_path / "p.zap", "--as", form)
    assert status == 2 and f"{op.split()[0]}: only the model and our own libzpool worker have it" in said


@pytest.mark.parametrize("form", ALWAYS)
def test_the_head_says_whose_results_are_expected(form: str) -> None:
    """Of the release that is named, or of the one that the form runs on."""
    seed = CORPUS / "seeds" / "cursor-walk.zap"
    status, text, _ = run(export, seed, "--as", form, "--release", "2.1")
    assert (status, form == "pytest" or "what release 2.1 returns" in text) == (0, True)
    assert form != "pytest" or ("'2.1': 'fine'" in text and "'2.3'" not in text)
    _, text, _ = run(export, seed, "--as", form)
    assert form == "pytest" or "what its release returns (it is told by what it exports)" in text
    status, _, said = run(export, seed, "--as", form, "--release", "2.99")
    assert status == 2 and "2.99: expected one of 2.1, unfixed" in said


@pytest.mark.parametrize("form", ["python", "c"])
@pytest.mark.parametrize("op", ["destroy z", "create z", "reopen"])
def test_what_callers_keep_apart_has_no_form(form: str, op: str, tmp_path: Path) -> None:
    """A library dies of it, healthy as it is."""
    (tmp_path / "p.zap").write_text(f"zap z fat key=u64\nt1: add z 0x1\nt2: {op}\n")
    status, _, said = run(export, tmp_path / "p.zap", "--as", form)
    assert (status, "callers keep" in said, said.count("\n")) == (2, True, 4), said


def test_a_report_says_that_a_program_is_known_or_does_not_fail(tmp_path: Path) -> None:
    """Who writes a report must not send one that is known, or that shows nothing."""
    mine = tmp_path / "mine.zap"
    mine.write_bytes((CORPUS / "regressions" / "stale-user-data-txg" / "program.zap").read_bytes())
    _, text, _ = run(describe, mine)
    assert "Known: the corpus has this failure as `stale-user-data-txg`: Stale user data" in text
    assert "; openzfs issue 16157" in text
    mine.write_bytes((CORPUS / "findings" / "zap-trunc-next-table" / "program.zap").read_bytes())
    _, text, _ = run(describe, mine)
    assert "`zap-trunc-next-table`" in text and "security contact first" in text
    mine.write_text('zap z micro\nadd z "a"\n')
    _, text, _ = run(describe, mine)
    assert "None of these fails on this program: 2.1, unfixed, " in text and "Known" not in text
    _, text, _ = run(describe, CORPUS / "regressions" / "stale-user-data-txg")
    assert "Known: " not in text
