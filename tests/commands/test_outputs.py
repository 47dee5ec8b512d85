"""Protects what commands make: an output that cannot be written is told before any work is done; one that
fails later is printed, kept elsewhere, and the status says so."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from fuzz.commands.cli import COMMANDS, main
from fuzz.corpus.elsewhere import KEPT, keep, try_file, try_folder
from fuzz.corpus.places import home
from fuzz.language.syntax import load, save
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS
from tests.support.services.small_disk import commands_on

STALE = str(CORPUS / "regressions" / "stale-user-data-txg")
LONG = str(CORPUS / "findings" / "crowded-hash")

OUTPUTS = {
    "minimize": ("minimize", STALE, "--release", "unfixed", "--out", "PLACE/file"),
    "describe": ("describe", STALE, "--out", "PLACE/file"),
    "export": ("export", STALE, "--as", "c", "--out", "PLACE/file"),
    "reach": ("reach", "zap-trunc-next-table", "--out", "PLACE/file"),
    "import-tree": ("import-tree", "/etc", "--out", "PLACE/file"),
    "import-strace": ("import-strace", "/dev/null", "--out", "PLACE/file"),
    "import-zdb": ("import-zdb", "/dev/null", "--out", "PLACE/file"),
    "bench": ("bench", "--quick", "--json", "PLACE/file"),
    "check --salvage": ("check", "/dev/null", "--salvage", "PLACE/file"),
    "merge": ("merge", "PLACE", STALE),
    "fuzz": ("fuzz", "--runs", "1", "--out", "PLACE/file"),
    "fuzz --corpus": ("fuzz", "--runs", "1", "--out", "/tmp", "--corpus", "PLACE/file"),
    "replay --write-missing": ("replay", "PLACE/kept", "--write-missing"),
}
FILES = [name for name, words in OUTPUTS.items() if words[-1] == "PLACE/file" and not name.startswith("fuzz")]
STATES = {
    "full": ("cat /dev/zero > fill 2>&1 || true", "No space left on device"),
    "read-only": ('mount -o remount,ro "$PWD"', "Read-only file system"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_disk_that_takes_nothing_is_told_at_the_start(state: str, tmp_path: Path) -> None:
    """Each command in one line, and none of them has done anything before."""
    disk = tmp_path / "disk"
    script, why = STATES[state]
    commands = [[word.replace("PLACE", str(disk)) for word in words] for words in OUTPUTS.values()]
    results = commands_on(disk, f'cp -r "{STALE}" kept\n{script}', commands)
    for name, (status, output) in zip(OUTPUTS, results, strict=True):
        assert (status, output.count("\n")) == (2, 1), (name, output)
        assert str(disk) in output and why in output, (name, output)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_that_is_not_there_is_told_at_the_start(name: str, tmp_path: Path) -> None:
    place = tmp_path / "none"
    status, output = zapfuzz(*(word.replace("PLACE", str(place)) for word in OUTPUTS[name]))
    assert (status, output.count("\n")) == (2, 1)
    assert str(place) in output and "No such file or directory" in output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words", [("minimize", STALE, "--release", "unfixed"), ("export", STALE, "--as", "c")]
)
def test_what_fails_later_is_printed_and_kept_elsewhere(words: tuple[str, ...]) -> None:
    """A device is only tried when it is written to; this one is always full."""
    right = zapfuzz(*words)[1]
    status, output = zapfuzz(*words, "--out", "/dev/full")
    assert status == 2
    said = re.search(r"/dev/full: cannot be written: No space left on device; kept in (.*)", output)
    assert said is not None
    kept = Path(said[1])
    assert kept.parent == home() / KEPT
    text = kept.read_text()
    assert text in right and text in output
    if words[0] == "minimize":
        assert load(kept) == load(Path(STALE, "program.zap"))


def test_where_no_place_is_left_that_is_said(tmp_path: Path) -> None:
    program = load(Path(STALE, "program.zap"))

    def write(folder: Path) -> Path:
        save(Path("/dev/full"), program)
        return folder

    kept = keep(tmp_path, write)
    assert kept.path is None
    assert str(kept) == "/dev/full: cannot be written: No space left on device; nor anywhere else"


def test_what_can_be_written_is_not_refused(tmp_path: Path) -> None:
    """A new file, an old one, a link to one that is not there yet, a device, folders that are to be made."""
    (tmp_path / "old").write_text("old")
    (tmp_path / "link").symlink_to("new")
    for path in (tmp_path / "new", tmp_path / "old", tmp_path / "link", Path("/dev/stdout")):
        try_file(path)
    try_folder(tmp_path / "a" / "b" / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "old"]
    assert (tmp_path / "old").read_text() == "old"


def test_out_has_one_short_word_everywhere() -> None:
    """`page -o FILE` was right, and `export -o FILE` wrong usage."""
    commands = {name: main.get_command(click.Context(main), name) for name in COMMANDS}
    opts = {
        name: each.opts
        for name, command in commands.items()
        for each in (command.params if command is not None else ())
        if "--out" in each.opts
    }
    assert {"page", "export", "describe", "minimize", "reach", "import-tree", "fuzz", "site"} <= set(opts)
    assert {name: words for name, words in opts.items() if "-o" not in words} == {}
