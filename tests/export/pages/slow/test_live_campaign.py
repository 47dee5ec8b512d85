"""A campaign's page while one slice runs, in a real browser: it moves long before the slice is over."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser

from tests.support.browser import Opened
from tests.support.command import ZAPFUZZ
from tests.support.paths import ROOT

DONE = """() => [...document.querySelectorAll("#at_work tbody tr")].map(
  (row) => Number(row.cells[5].innerText.replaceAll(",", "")))"""
"""The executions of each slice at work, as the page says them."""


def waited(page: Opened, until: Callable[[], bool]) -> None:
    """Wait for something that a page shows by itself. Its policy has no eval, which Playwright would wait
    with."""
    over = time.monotonic() + 60
    while not until():
        assert time.monotonic() < over
        page.page.wait_for_timeout(200)


def test_a_campaign_moves_while_its_slices_run(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    words = ["--serve", "--workers", "2", "--slice", "600", "--engine", "random", "--release", "unfixed"]
    words += ["--corpus", str(tmp_path / "corpus"), "--known", str(tmp_path / "known"), "--seed", "4"]
    process = subprocess.Popen(
        [*ZAPFUZZ, "campaign", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "ZAPFUZZ_HOME": str(tmp_path / "home"), "NO_COLOR": "1"},
    )
    try:
        assert process.stderr is not None
        said = ""
        while not (address := re.search(r"http://127\.0\.0\.1:\d+/", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        page = Opened(browser.new_page(), address.group())
        waited(page, lambda: any(page.ask(DONE)))
        first = max(page.ask(DONE))
        waited(page, lambda: bool(max(page.ask(DONE)) > first))
        waited(page, lambda: bool(page.ask("document.querySelectorAll('#plots svg').length") >= 2))
        waited(page, lambda: "not minimized" in page.page.inner_text("#failures"))
        in_all = page.page.inner_text("#campaigns tbody td:nth-of-type(6)")
        assert int(in_all.replace(",", "")) > first
        assert not list((tmp_path / "corpus").rglob("*campaign*")), "a slice is over"
        assert [each for each in page.wrong if "events" not in each] == []
        page.page.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
