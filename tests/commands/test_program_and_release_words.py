"""PROGRAM and the names of releases mean the same to every command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from fuzz.commands.cli import COMMANDS, main
from fuzz.commands.shared.program_argument import PlaceWord, ProgramWord, ReleaseName
from fuzz.targets.libzpool.locate import release_of
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.registry import target_of_expectation
from tests.support.command import ZAPFUZZ, zapfuzz
from tests.support.paths import CORPUS
from zapcore.release import RELEASES, nearest_row, the_release

STALE = CORPUS / "regressions" / "stale-user-data-txg"
WORDS = {
    "file": str(STALE / "program.zap"),
    "folder": str(STALE),
    "name": STALE.name,
    "as in the project": "corpus/regressions/stale-user-data-txg",
    "-": "-",
}
COMMAND_LINES: dict[str, tuple[str, ...]] = {
    "run": ("--release", "unfixed"),
    "show": ("--release", "2.3"),
    "minimize": ("--release", "unfixed"),
    "describe": (),
    "export": ("--as", "pytest"),
    "reach": ("--release", "2.3"),
    "page": ("--out", "page.html"),
}
THREADED = ("explore", "force")
"""Whose programs have threads."""


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def test_no_command_reads_programs_or_releases_in_a_way_of_its_own() -> None:
    programs = {}
    for name, command in commands().items():
        for parameter in command.params:
            if parameter.name == "program":
                programs[name] = parameter.type
            if "--release" in parameter.opts and name != "replay":  # it also takes what [expect] says
                assert isinstance(parameter.type, ReleaseName), name
            if parameter.name in ("more", "paths") or (name, parameter.name) == ("fuzz", "seeds"):
                assert isinstance(parameter.type, PlaceWord), name
    assert set(programs) == {*COMMAND_LINES, *THREADED}
    assert all(isinstance(each, ProgramWord) for each in programs.values())


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("command", COMMAND_LINES)
def test_every_word_for_a_program(
    command: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a folder that is not the project's. `-` has only the program, so that a report of it is one
    of any program."""
    monkeypatch.chdir(tmp_path)
    words = (command, WORDS[word], *COMMAND_LINES[command])
    by_file = zapfuzz(command, WORDS["file"], *COMMAND_LINES[command])
    if word != "-":
        assert zapfuzz(*words) == by_file
        return
    with (STALE / "program.zap").open("rb") as file:
        done = subprocess.run([*ZAPFUZZ, *words], stdin=file, capture_output=True, text=True, check=False)
    assert done.returncode == by_file[0]
    if command not in ("describe", "export"):
        assert sorted((done.stdout + done.stderr).splitlines()) == sorted(by_file[1].splitlines())
    else:
        assert "zap z fat key=u64 prehashed leaf_shift=9" in done.stdout


def test_replay_and_seeds_take_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for word in (STALE.name, str(STALE / "program.zap"), WORDS["as in the project"]):
        status, output = zapfuzz("replay", word, "--release", "unfixed")
        assert (status, output) == (0, "1 reproducers, 1 runs, 0 that differ\n")
    status, output = zapfuzz("explore", "threads-shrink", "--preemptions", "0")
    assert status == 0, output
    assert zapfuzz("merge", str(tmp_path / "merged"), STALE.name)[0] == 0


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda folder: "zap-trunc-next-tabel", "did you mean zap-trunc-next-table?"),
        (lambda folder: "/nowhere/at/all.zap", "nothing of that name"),
        (lambda folder: str(folder), "a folder without program.zap"),
    ],
)
def test_a_word_that_means_nothing(make: Callable[[Path], str], found: str, tmp_path: Path) -> None:
    for command in ("run", "describe", "force"):
        status, output = zapfuzz(command, make(tmp_path))
        assert (status, output.count("\n")) == (2, 1)
        assert "expected a file that can be read, a reproducer's folder" in output and found in output


def test_a_file_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(STALE.name).write_text("zap z micro\ncount z\n")
    assert zapfuzz("run", STALE.name, "--release", "unfixed") == (0, "fine: 1 ops\n")


@pytest.mark.parametrize(
    ("version", "name", "row"),
    [
        ("2.1.11", "2.1", "2.1"),
        ("2.3.0", "2.3", "2.3"),
        ("2.3.2", "2.3", "2.3"),
        ("2.4.4", "2.4", "2.4"),
        ("2.2", "2.2", "2.1"),
        ("2.3.9", "2.3.9", "2.3"),
        ("2.4.0", "2.4.0", "2.4"),
    ],
)
def test_versions_are_names_of_releases(version: str, name: str, row: str) -> None:
    assert the_release(version).name == name
    assert nearest_row(version) == row
    assert ModelTarget(version).name == f"model {name}"
    target = target_of_expectation(version)
    assert target is not None and target.name == f"model {name}"
    for written in (version, f"zfs-{version}", f"v{version}"):
        assert zapfuzz("run", STALE.name, "--release", written) == (0, "fine: 7 ops\n")


def test_what_versions_do_is_told_from_the_rows() -> None:
    assert not the_release("2.2.11").shrink and the_release("2.2").rename_unlinks_first
    assert the_release("2.2.4").puts_leaf_twice and not the_release("2.2.5").puts_leaf_twice
    assert the_release("2.3.3").keeps_chunk_order and not the_release("2.3.1").keeps_chunk_order
    assert the_release("2.3.9").forgets_freed_by_run and not the_release("2.3.6").forgets_freed_by_run
    assert the_release("2.4.3").looks_at_hole_again and not the_release("2.3.9").looks_at_hole_again
    for wrong in ("2", "2.0.7", "2.5", "2.3.99", "2.3.2.1", "", "9.9"):
        with pytest.raises(KeyError):
            the_release(wrong)


def test_a_library_does_what_its_version_says(tmp_path: Path) -> None:
    """Told by the folder's name; where that is no version, by soname and exported functions."""
    for folder, name, expected in (
        ("2.3.9", "libzpool.so.6.0.0", "2.3.9"),
        ("2.3.2", "libzpool.so.6.0.0", "2.3"),
        (".libs", "libzpool.so.6.0.0", "2.3"),
        ("2.1.4", "libzpool.so.7.0.0", "2.4"),  # a name that cannot be true
        ("2.4.1", "libzpool.so.7.0.0", "2.4.1"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        library = tmp_path / folder / name
        library.write_bytes(b"no library")
        assert release_of(library).name == expected
        assert release_of(library, "master") == RELEASES["master"]


def test_a_release_that_is_none() -> None:
    for command in ("run", "explore", "reach", "describe"):
        given = ("run", STALE.name) if command == "describe" else (command, STALE.name)
        status, output = zapfuzz(*given, "--release", "2.6")
        assert (status, output.count("\n")) == (2, 1)
        assert "2.6: expected one of 2.1, unfixed" in output and "a version such as 2.3.2" in output
