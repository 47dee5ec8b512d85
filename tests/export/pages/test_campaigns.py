"""The page of campaigns in a real browser: while one goes on, and afterwards several beside each other."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fuzz.corpus.reproducer import PROGRAM_FILE, REPRODUCER_FILE, read_reproducer
from fuzz.engines.campaign.at_work import AtWork, HowFar
from fuzz.engines.campaign.ledger import Arm, Finding, Ledger, Met, Open, Row, Worked
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.slice import FUZZ, MERGE, Slice
from fuzz.engines.campaign.store import Store, part_name
from fuzz.export.pages.campaign_page import Shown, failures_in_order
from fuzz.export.pages.live import served
from fuzz.export.pages.live_sources import LiveCampaign
from tests.support.browser import Opened, hard_to_read, opened
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS
from tests.support.readme import words_of

HOSTILE = "oracle zap:<script>window.hacked = 1</script> <img src=x onerror=window.hacked=2>"
STALE = read_reproducer(CORPUS / "regressions" / "stale-user-data-txg")
TEXT = STALE.expect["unfixed"]
NO_RUNS = "names a run of a history, which a campaign's corpus has not"
BEGUN = 1_790_000_000.0
ARM = Arm("random", "unfixed", "themed")


def slice_of(worker: str, at: float, executions: int, states: int, **more: object) -> Ledger:
    """What a slice of ten seconds has brought, that long after the first began."""
    return Ledger(
        rows={ARM: Row(slices=1, seconds=10, executions=executions, states=states)},
        workers={worker: Worked(1, executions, BEGUN + at)},
        history=[(BEGUN + at, executions, states)],
        states={"unfixed": set(range(states))},
        **more,  # type: ignore[arg-type]
    )


def two_slices(worker: str) -> Ledger:
    """A failure that was cut down, one that waits, and one that the project knows."""
    files = [(STALE.folder / name).read_text() for name in (PROGRAM_FILE, REPRODUCER_FILE)]
    ledger = slice_of(
        *(worker, 10, 1234, 50),
        met={"unfixed": {TEXT: Met(3, BEGUN + 4, BEGUN + 9), HOSTILE: Met(1, BEGUN + 6, BEGUN + 6)}},
        findings={TEXT: Finding("assertion-one", *files)},
        open={HOSTILE: Open(files[0], ARM)},
    )
    ledger.add(slice_of("other <b>", 20, 766, 80, met={"unfixed": {"work zap:add x": Met(2, BEGUN + 15, 9)}}))
    return ledger


def test_a_campaign_is_seen_while_it_goes_on(browser: Browser) -> None:
    ledger = two_slices("vm")
    work = Slice(FUZZ, "c", 3, "/corpus", ARM)
    told = HowFar(3, "p3", 7, slice_of("fourth <b>", 31, 77, 97, met={"unfixed": {HOSTILE: Met(2, 9, 9)}}))
    at_work = [AtWork(work, told), AtWork(Slice(MERGE, "c", 4, "/corpus", ARM), None)]
    shown = Shown("/corpus", ledger, {}, 2, at_work)
    page = browser.new_page()
    with served(LiveCampaign(lambda: shown)) as address:
        it = Opened(page, address)
        page.wait_for_selector("#state:text('2 workers, 2,000 executions, 87 states')", timeout=20_000)
        assert hard_to_read(page) == []
        now = page.inner_text("#at_work")
        assert "3\trandom / unfixed / themed / model\tfuzzes\tfourth <b>\t10\t77\t8\t7\t2" in now
        assert "4\t\tmakes inputs fewer\thas told nothing yet" in now
        assert it.ask("window.hacked") is None and HOSTILE in page.inner_text("#failures")
        assert "vm\t1\t1\t1,234\t" in page.inner_text("#workers")
        assert "random / unfixed / themed / model\t1\t2\t20\t2,000\t130\t0" in page.inner_text("#arms")
        pictures = it.ask("[...document.querySelectorAll('#plots svg')].map((each) => each.ariaLabel)")
        assert pictures == ["executions", "states and edges reached", "different failures"]
        ledger.add(slice_of("third", 30, 5555, 90))
        page.wait_for_selector("#workers:has-text('third')", timeout=20_000)
        assert "7,555" in page.inner_text("#campaigns")
        links = [str(each.get_attribute("href")) for each in page.query_selector_all("text=step through it")]
        assert links == ["/failure/0/0", "/failure/0/1"]
        other = browser.new_page()
        other.goto(address.rstrip("/") + links[0])
        other.wait_for_selector("html[data-ready]", state="attached", timeout=20_000)
        assert "NULL == dmu_buf_set_user" in other.inner_text("h1")
        assert other.inner_text(".bar .count") == "Step 7 of 7"
        assert other.goto(f"{address}failure/0/2").status == 404  # type: ignore[union-attr]
        other.close()
    page.wait_for_selector("#state:text('The run is over')", timeout=20_000)
    assert [each for each in it.wrong if not each.startswith(f"a request: {address}events")] == []
    page.close()


def test_a_campaign_that_changes_meanwhile_is_looked_at_again() -> None:
    """The server reads while the campaign adds."""
    ledger, over = Ledger(), threading.Event()

    def grow() -> None:
        number = 0
        while not over.is_set():
            number += 1
            ledger.add(slice_of(f"worker {number % 5000}", number, 1, 1))

    source = LiveCampaign(lambda: Shown("/corpus", ledger, {}, 1))
    growing = threading.Thread(target=grow)
    growing.start()
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            assert "Campaign over /corpus" in source.page()
    finally:
        over.set()
        growing.join()


def test_campaigns_beside_each_other_afterwards(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CAMPAIGN", "OTHER"):
        store = Store(str(tmp_path / name))
        store.prepare()
        store.write(part_name(), Part(two_slices(f"vm of {name}")))
    out = tmp_path / "report.html"
    monkeypatch.chdir(tmp_path)
    folders = [str(tmp_path / "CAMPAIGN"), str(tmp_path / "OTHER")]
    assert zapfuzz(*words_of("report CAMPAIGN OTHER -o report.html")) == (0, "")
    with opened(browser, out, ready=False) as page:
        assert hard_to_read(page.page) == []
        assert page.ask("window.hacked") is None and page.ask("document.scripts.length") == 0
        text = page.page.inner_text("main")
        assert "vm of CAMPAIGN\t1\t" in text and "vm of OTHER\t2\t" in text
        failures = page.page.inner_text("#failures")
        assert "known to the project: stale-user-data-txg" in failures and "step through it" not in failures
        assert "campaign 1: first 2026-09-21 " in failures and "campaign 2: first " in failures
        assert "not minimized" in failures and HOSTILE in failures
        legend = page.ask("document.querySelector('#plots svg').textContent")
        assert f"campaign 1: {folders[0]}" in re.sub(r"\s+", " ", legend)
    status, output = zapfuzz("report", *folders, "--run", "1")
    assert (status, output) == (
        2,
        "zapfuzz: --run: names a run of a history, which a campaign's corpus has not\n",
    )
    assert zapfuzz("report", str(tmp_path), folders[0])[0] == 2


def test_what_nobody_knew_comes_first() -> None:
    campaigns = [Shown("/a", two_slices("vm"), {TEXT: [STALE]})]
    assert [text for text, _ in failures_in_order(campaigns)] == [HOSTILE, "work zap:add x", TEXT]


def test_a_standing_of_a_later_version_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a traceback."""
    import contextlib

    from fuzz.engines.history.file import HISTORY, open_to_write
    from tests.export.pages.test_runs import history_of

    history_of(tmp_path, 1).close()
    with contextlib.closing(open_to_write(tmp_path / HISTORY)) as connection:
        connection.execute("UPDATE failure SET standing = 'of <tomorrow>' WHERE signature = ?", (TEXT,))
    out = tmp_path / "report.html"
    assert zapfuzz("report", str(tmp_path), "-o", str(out)) == (0, "")
    text = out.read_text()
    assert "of &lt;tomorrow&gt;" in text and text.index("oracle zap:add x") < text.index(
        "of &lt;tomorrow&gt;"
    )
