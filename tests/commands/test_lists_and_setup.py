"""Protects what helps a newcomer to find his way: what there is by a name, what is here and what is missing,
what the Tab key gives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import COMMANDS, main
from fuzz.commands.lists import programs
from fuzz.commands.setup.completion import SHELLS
from fuzz.corpus.extras import EXTRAS
from fuzz.corpus.reproducer import corpus_folders
from fuzz.corpus.unminimized import UNMINIMIZED, keep_whole
from fuzz.faults.remedies import REMEDIES
from fuzz.language.syntax import load
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS


def rows(*words: str) -> list[dict[str, object]]:
    """What a command prints with --json, a line each."""
    status, output = zapfuzz(*words, "--json")
    assert status == 0
    return [json.loads(line) for line in output.splitlines()]


def test_remedies_for_machines() -> None:
    told = {str(row["name"]): row for row in rows("remedies")}
    assert told.keys() == REMEDIES.keys()
    assert all(row["wrong"] and row["fix"] for row in told.values())
    assert told["trunc-next-table"]["finding"] == "zap-trunc-next-table"


def test_list_has_everything_that_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path))
    seeds = {path.stem for path in (CORPUS / "seeds").glob("*.zap")}
    listed = {row["name"]: row for row in rows("list")}
    assert set(listed) == {folder.name for folder in corpus_folders(CORPUS)} | seeds
    assert listed["stale-user-data-txg"]["ops"] == 7
    assert "unfixed" in str(listed["stale-user-data-txg"]["fails_on"])
    assert {row["kind"] for row in listed.values()} == {"finding", "regression", "seed"}
    text = zapfuzz("list")[1]
    assert all(f"  {name} " in text for name in listed)


def test_list_has_what_was_found_here_and_words_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path))
    program = load(CORPUS / "regressions" / "stale-user-data-txg" / "program.zap")
    kept = keep_whole(program, tmp_path / "findings", UNMINIMIZED, "assertion here it is")
    (row,) = rows("list", "YOURS", "here it")
    assert (row["name"], row["title"]) == (str(kept), "assertion here it is (not minimized)")
    assert rows("list", "no such word") == []


def test_list_has_what_is_damaged_as_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file that cannot be read hid all that came after it."""
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path))
    corpus = tmp_path / "corpus"
    shutil.copytree(CORPUS, corpus)
    monkeypatch.setattr(programs, "CORPUS", corpus)
    broken = [corpus / "seeds" / "table-end.zap", tmp_path / "findings" / f"{UNMINIMIZED}-0.zap"]
    broken.append(corpus / "findings" / "crowded-hash" / "program.zap")
    broken[1].parent.mkdir()
    whole = len(rows("list"))
    for path in broken:
        path.write_bytes(b"no program\xff")
    listed = rows("list")
    told = {str(row["file"]): str(row["title"]) for row in listed}
    for path in broken:
        place = path.parent if path.name == "program.zap" else path
        assert told[str(place)].startswith(f"cannot be read: {path}")
    assert len(listed) == whole + 1


def test_doctor_says_how_to_get_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAPFUZZ_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = {str(row["what"]): row for row in rows("doctor")}
    assert all(checks[name]["needed_for"] == extra.needed_for for name, extra in EXTRAS.items())
    for what, get in (("libzpool 2.3.2", "zapfuzz fetch"), ("a C compiler", "apt-get install gcc libc6-dev")):
        assert (checks[what]["here"], checks[what]["get"]) == (False, get)
    status, text = zapfuzz("doctor")
    assert status == 0 and "missing  libzpool 2.3.2: for `--target libzpool`" in text
    assert all(row["get"] and row["needed_for"] for row in checks.values() if not row["here"])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_is_given_what_it_reads(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0 and "_ZAPFUZZ_COMPLETE" in result.stdout


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("zapfuzz ", set(COMMANDS)),
        ("zapfuzz run stale-user-data-t", {"stale-user-data-txg"}),
        ("zapfuzz run x --release unf", {"unfixed"}),
        ("zapfuzz fuzz --engine a", {"atheris"}),
        ("zapfuzz replay zap-shrink-h", {"zap-shrink-hides-removal"}),
    ],
)
def test_the_tab_key(line: str, wanted: set[str]) -> None:
    command = [sys.executable, "-c", "from fuzz.commands.cli import main; main(prog_name='zapfuzz')"]
    words = line.split(" ")
    told = subprocess.run(
        command,
        env=os.environ
        | {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_ZAPFUZZ_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert wanted <= {row.partition(",")[2] for row in told.splitlines()}
