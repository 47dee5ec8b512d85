"""Protects what a person sees at a terminal while something goes on: how far it is, one display that moves
and leaves nothing behind, a cursor that stays; and that whoever is no person gets plain lines."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fuzz.commands.shared.live_display import Activity, Display, Far, as_line, in_words, seconds_left
from fuzz.commands.shared.progress import QUIET
from tests.support.cases import only_now
from tests.support.command import ZAPFUZZ

BUSY = 30.0
COLOURS = re.compile(r"\x1b\[[\d;]*m")


def until(descriptor: int, wanted: bytes, got: bytes = b"") -> bytes:
    """What a terminal got until it has that, or until nobody writes any more."""
    end = time.monotonic() + BUSY
    while wanted not in got and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.1)[0]:
            try:
                got += os.read(descriptor, 65536)
            except OSError:
                break
    return got


def at_a_terminal(words: tuple[str, ...], folder: Path, **more: str) -> tuple[subprocess.Popen[bytes], int]:
    """A command whose streams are a terminal; and the terminal's other end."""

    def as_in_a_terminal() -> None:
        """A shell's job in the background ignores it, and so would this."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    near, far = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in (QUIET, "CI")}
    process = subprocess.Popen(
        [*ZAPFUZZ, *words],
        stdin=far,
        stdout=far,
        stderr=far,
        cwd=folder,
        env={**environment, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", **more},
        start_new_session=True,
        preexec_fn=as_in_a_terminal,
    )
    os.close(far)
    return process, near


@pytest.fixture
def long(tmp_path: Path) -> str:
    """A program that takes a while."""
    lines = (f'add d "name {number}" int=8 len=1 fill={number}\n' for number in range(100_000))
    (tmp_path / "long.zap").write_text("zap d micro\n" + "".join(lines))
    return "long.zap"


def test_a_bar_and_what_is_left_and_nothing_of_it_stays(long: str, tmp_path: Path) -> None:
    process, terminal = at_a_terminal(("run", long), tmp_path)
    got = until(terminal, b"left")
    process.send_signal(signal.SIGINT)
    got = until(terminal, b"no such text", got)
    os.close(terminal)
    assert process.wait(BUSY) == 128 + signal.SIGINT
    text = COLOURS.sub("", got.decode())
    assert re.search(r"running long\.zap .*of 100,000 ops", text), text
    assert re.search(r"\d+% \d+ s gone, some \d+ s left", text), text
    assert "\x1b[?25l" not in text, "a cursor that is hidden stays so where the command is killed"
    assert text.rpartition("\x1b[2K")[2].startswith("zapfuzz: ended by SIGINT: running long.zap: "), text


@only_now("setting", ["CI=true"], ["CI=true", "TERM=dumb"])
def test_whoever_cannot_draw_gets_plain_lines(setting: str, long: str, tmp_path: Path) -> None:
    process, terminal = at_a_terminal(("run", long), tmp_path, **dict([setting.split("=")]))
    got = until(terminal, b" ops, ")
    got = until(terminal, b" s\r\n", got.rpartition(b"\n")[2])
    process.kill()
    process.wait()
    os.close(terminal)
    assert b"\x1b" not in got
    assert re.search(rb"running long\.zap: [\d,]+ of 100,000 ops, \d+%.*, \d+ s\r\n", got), got


def test_a_run_says_what_it_has_found_so_far(tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    words = ("fuzz", "--release", "unfixed", "--engine", "random", "--seed", "7", "--runs", "100000")
    process, terminal = at_a_terminal((*words, "--known", "known", "--out", "out"), tmp_path)
    got = until(terminal, b"1 new failures")
    process.send_signal(signal.SIGTERM)
    text = COLOURS.sub("", until(terminal, b"no such text", got).decode())
    os.close(terminal)
    assert process.wait(BUSY) == 128 + signal.SIGTERM
    assert "fuzzing unfixed (model) with random, seed 7" in text, text
    assert "ended by SIGTERM" in text.rpartition("\x1b[2K")[2], text


def test_nothing_is_drawn_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed after the display was wiped stands where the display was."""
    display = Display()
    display.show([Activity("one", time.monotonic(), lambda: Far("two", 0.5, ("three",)))])
    display.wipe()
    display.wipe()
    assert display._live is None


def test_what_is_left_is_told_when_it_is_known() -> None:
    assert seconds_left(None, 10) is None and seconds_left(0.0, 10) is None and seconds_left(0.5, 0.1) is None
    assert seconds_left(0.25, 10) == 30
    assert [in_words(each) for each in (0.4, 99, 600, 7200)] == ["0 s", "99 s", "10 min", "2.0 h"]
    line = as_line(Activity("reading", time.monotonic() - 10, lambda: Far("3 of 4 things", 0.75)))
    assert line == "reading: 3 of 4 things, 75%, some 3 s left, 10 s"
