"""Protects the commands against what a shell does to their files: a closed input, a reader that goes away, a
full disk, output to a device. One clear line or none, never a traceback, no device replaced by a file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.language.write_whole_file import write_whole
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS, DATA, ROOT

FINDING = str(CORPUS / "findings" / "zap-trunc-next-table")
LOG = str(DATA / "triage" / "stale_dmesg.log")
MAIN = "from fuzz.commands.cli import main; main()"
each = pytest.mark.parametrize(
    "words", [("triage", LOG), ("export", FINDING, "--as", "c"), ("describe", FINDING)], ids=lambda w: w[0]
)


def shell(text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's line, in which "$@" is the command."""
    command = ["sh", "-c", text, "sh", sys.executable, "-c", MAIN, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize(
    "words", [("triage",), ("triage", "--follow", "-"), ("export", "-", "--as", "c"), ("describe", "-")]
)
def test_closed_input(words: tuple[str, ...]) -> None:
    done = shell('"$@" <&-', *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "standard input: " in done.stderr and "closed" in done.stderr


def test_a_program_from_standard_input() -> None:
    done = shell(f'"$@" < {FINDING}/program.zap', "export", "-", "--as", "pytest")
    assert (done.returncode, done.stderr) == (0, "")
    assert "def test_program(release: str)" in done.stdout


def test_names_and_comments_that_mean_something_elsewhere(tmp_path: Path) -> None:
    """One of the names goes through a shell, which has more to say about bytes that are no text."""
    text = '# */ """ \\ ??/ /* @steps@ */ {story} \\\nzap z fat key=u64 prehashed leaf_shift=9\nadd z 0x1\n'
    for name in (b"a 'b.zap", b"no\xffutf8.zap", b"-.zap", b'""".zap', b"*.zap"):
        file = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        Path(file).write_text(text)
        for form in ("c", "python", "pytest"):
            words = ("export", file, "--as", form, "--out", str(tmp_path / "out"))
            if b"\xff" in name:
                done = shell('"$@"', *words)
                assert (done.returncode, done.stderr) == (0, "")
            else:
                assert zapfuzz(*words) == (0, "")
            out = (tmp_path / "out").read_text("utf-8")
            (tmp_path / "out").unlink()
            if form == "c":
                assert out.partition("*/\n\n")[2].startswith("#ifndef _GNU_SOURCE\n")
                assert out.count("/*", 0, out.index("*/")) == 1
            else:
                compile(out, "exported", "exec")


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    log.write_bytes(Path(LOG).read_bytes() * 2000)
    for words in (("triage", str(log)), ("triage", "--json", str(log))):  # both say more than a pipe takes
        done = shell('{ "$@"; echo status $? >&2; } | head -1', *words)
        assert done.stdout.count("\n") == 1
        assert done.stderr == "status 141\n"


@each
def test_a_full_disk(words: tuple[str, ...]) -> None:
    done = shell('"$@" > /dev/full', *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No space left on device" in done.stderr and "read" not in done.stderr


@each
def test_closed_output(words: tuple[str, ...]) -> None:
    done = shell('"$@" >&-', *words)
    assert (done.returncode, done.stderr) == (int(words[0] == "triage"), "")


@pytest.mark.parametrize(
    "words", [("export", FINDING, "--as", "c"), ("describe", FINDING)], ids=lambda w: w[0]
)
def test_where_output_cannot_go(words: tuple[str, ...], tmp_path: Path) -> None:
    for out, why in (
        (tmp_path, "Is a directory"),
        (tmp_path / "none" / "file", "No such file or directory"),
    ):
        done = shell('"$@"', *words, "--out", str(out))
        assert (done.returncode, done.stderr) == (2, f"zapfuzz: {out}: {why}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_leads_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    for text in (b"one", b"two"):
        write_whole(tmp_path / "link", text)
        assert (tmp_path / "file").read_bytes() == text
    assert (tmp_path / "link").is_symlink()
    assert len(list(tmp_path.iterdir())) == 2
