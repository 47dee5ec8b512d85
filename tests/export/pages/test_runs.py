"""The pages of runs, in a real browser: what the history has is on them, while a run goes on and afterwards,
and all that is in it is text."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fuzz.corpus.reproducer import read_reproducer
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import Progress
from fuzz.engines.history.file import HISTORY
from fuzz.engines.history.write import RunHistory
from fuzz.export.pages.live import HOST, owner, served
from fuzz.export.pages.live_sources import LiveRuns
from fuzz.judge.signature import Signature
from tests.support.browser import Opened, hard_to_read, opened
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS
from tests.support.readme import words_of

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror=window.hacked=2> {{ 7 * 7 }}"
STALE = read_reproducer(CORPUS / "regressions" / "stale-user-data-txg")


def history_of(folder: Path, seed: int, *, release: str = "unfixed") -> RunHistory:
    """A run that is some seconds old and has met what it knows."""
    config = Config("random", release, seed=seed, started=time.monotonic() - 9)
    history = RunHistory(folder / HISTORY, config)
    text = STALE.expect["unfixed"]
    drawn = Counter({"style names": 30, "style themed": 70, f"style {HOSTILE}": 5})
    for executions in (100, 2345 * seed):
        history._next_sample = 0
        history.progress(
            Progress(
                *(executions, 40 * executions, 3, 500, 0, 90 << 20),
                *(Counter({text: 2, "oracle zap:add x": 1}), Counter(), drawn, Counter({"style names": 15})),
            )
        )
    history.met(Signature.of(text), STALE, 20, 1.5)
    history.note(HOSTILE)
    return history


def test_runs_beside_each_other_afterwards(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path))
    for seed in (1, 2):
        history_of(tmp_path, seed).close()
    out = tmp_path / "report.html"
    assert zapfuzz(*words_of("report -o report.html")) == (0, "")
    assert out.stat().st_size < 1 << 20
    with opened(browser, out, ready=False) as page:
        assert hard_to_read(page.page) == []
        assert page.ask("window.hacked") is None and page.ask("document.scripts.length") == 0
        text = page.page.inner_text("main")
        assert "2,345" in text and "4,690" in text and "unfixed model random, seed 2" in text
        assert HOSTILE in text and STALE.name in text
        assert "run 1: first after 1.5 s and 20 executions, 2 times so far" in text
        pictures = page.ask("[...document.querySelectorAll('svg')].map((each) => each.ariaLabel)")
        assert {"executions", "different failures", "memory of all processes (MB)"} < set(pictures)
        bars = page.page.inner_text("#ways")
        assert "names (30 of 60)" in bars.replace("\n", " ")
    status, output = zapfuzz("report", str(tmp_path), "--run", "2", "-o", str(out))
    assert (status, output) == (0, "")
    assert "4,690" in out.read_text() and "run 1" not in out.read_text()


def test_a_run_is_seen_while_it_goes_on(browser: Browser, tmp_path: Path) -> None:
    history = history_of(tmp_path, 1)
    page = browser.new_page()
    with served(LiveRuns(history.path, (history.run,))) as address:
        it = Opened(page, address)
        page.wait_for_selector("#state:text('2,345 executions')", timeout=20_000)
        assert hard_to_read(page) == []
        history._next_sample = 0
        history.progress(Progress(executions=7777))
        page.wait_for_selector("#runs:has-text('7,777')", timeout=20_000)
        assert page.locator("#plots svg").count() >= 3
        assert HOSTILE in page.inner_text("#notes") and it.ask("window.hacked") is None
        link = page.get_attribute("text=step through it", "href")
        other = browser.new_page()
        other.goto(address.rstrip("/") + str(link))
        other.wait_for_selector("html[data-ready]", state="attached", timeout=20_000)
        assert "NULL == dmu_buf_set_user" in other.inner_text("h1")
        assert other.inner_text(".bar .count") == "Step 7 of 7"
        other.close()
        history.close()
    page.wait_for_selector("#state:text('The run is over')", timeout=20_000)
    assert [each for each in it.wrong if not each.startswith(f"a request: {address}events")] == []
    page.close()


def test_only_this_machine_and_user_have_an_answer(tmp_path: Path) -> None:
    history = history_of(tmp_path, 1)
    with served(LiveRuns(history.path)) as address:
        port = int(address.rstrip("/").rpartition(":")[2])

        def asked(path: str, host: str) -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection(HOST, port, timeout=20)
            connection.request("GET", path, headers={"Host": host})
            return connection.getresponse()

        fine = asked("/", f"127.0.0.1:{port}")
        assert fine.status == 200 and fine.headers["Cache-Control"] == "no-store"
        assert asked("/", "evil.example").status == 400  # a name of somebody's that leads here
        assert asked("/failure/1/99", "localhost").status == 404
        assert asked("/failure/9/0", "localhost").status == 404
        with socket.create_connection((HOST, port)) as connection:
            assert owner(connection.getsockname()[1]) in (os.getuid(), None)
        with socket.socket() as other, pytest.raises(OSError):  # on no other address of this machine
            other.settimeout(5)
            other.connect(("127.0.0.2", port))
        with pytest.raises(OSError), served(LiveRuns(history.path), port=port):
            pass
    history.close()


def test_a_page_that_takes_its_time_keeps_nobody_waiting(tmp_path: Path) -> None:
    """What is read of the history for one reader was read where all are answered."""
    reading = threading.Event()

    class Slow(LiveRuns):
        def failure(self, of: int, number: int) -> str | None:
            reading.set()
            assert done.wait(30)
            return super().failure(of, number)

    done = threading.Event()
    history = history_of(tmp_path, 1)
    with served(Slow(history.path)) as address:
        port = int(address.rstrip("/").rpartition(":")[2])

        def asked(path: str) -> int:
            connection = http.client.HTTPConnection(HOST, port, timeout=60)
            connection.request("GET", path)
            return connection.getresponse().status

        statuses: list[int] = []
        waiting = threading.Thread(target=lambda: statuses.append(asked("/failure/1/1")))
        waiting.start()
        assert reading.wait(30)
        assert asked("/") == 200 and not statuses
        done.set()
        waiting.join()
        assert statuses == [200]
    history.close()


def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path / "home"))
    history_of(tmp_path, 1).close()
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        for words, said in (
            (("report",), "expected the history of a run, found nothing there"),
            (("report", str(tmp_path), "--run", "7"), "expected run 7, found none"),
            (("fuzz", "--runs", "1", "--engine", "random", "--serve", port), "expected a port that is free"),
        ):
            status, output = zapfuzz(*words)
            assert status == 2
            assert [said in line for line in output.splitlines()].count(True) == 1
