"""A real browser: Debian's Chromium, driven by Playwright; what a page says there, and must not do."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from tests.support.missing import missing

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
READY = "html[data-ready]"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; where there is none the test is skipped, and in CI fails."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        missing("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page that was opened, and all that went wrong in it: errors, refusals of its policy, requests to
    anywhere but itself."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", self._asked)
        page.on("request", lambda request: self._requested(request.url, address))
        self._metrics = page.context.new_cdp_session(page)
        self._metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(address)

    def _asked(self, dialog: Dialog) -> None:
        self.wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, url: str, address: str) -> None:
        if url.split("#")[0] != address.split("#")[0] and not url.startswith(("data:", "blob:")):
            self.wrong.append(f"a request: {url}")

    def seconds(self) -> float:
        """What the page has taken so far, of its thread's processor time: machines do other things, too."""
        metrics = self._metrics.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    def ask(self, script: str, given: Any = None) -> Any:
        """What a script in the page says."""
        return self.page.evaluate(script, given)


@contextlib.contextmanager
def opened(browser: Browser, file: Path, *, ready: bool = True, **settings: Any) -> Iterator[Opened]:
    """Open a file of ours; what goes wrong meanwhile fails the test. `settings` are those of a browser's
    page."""
    page = browser.new_page(**settings)
    try:
        it = Opened(page, file.resolve().as_uri())
        if ready:
            page.wait_for_selector(READY, state="attached", timeout=20_000)
        yield it
        assert it.wrong == []
    finally:
        page.close()


def hard_to_read(page: Page) -> list[str]:
    """What axe-core says against a page: rule, help, and the first elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes'][:3]]}" for each in found]


CUT_OFF = """[...document.querySelectorAll(".scroll, pre")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1)
  .map((each) => each.ariaLabel)"""
PAPER = {"width": 700, "height": 1000}
"""Some A4, without margins."""


def cut_off_on_paper(page: Page) -> list[str]:
    """What has more in it than it shows when it is printed: nobody scrolls there. The page stays so."""
    page.set_viewport_size(PAPER)  # type: ignore[arg-type]
    page.emulate_media(media="print")
    found: list[str] = page.evaluate(CUT_OFF)
    return found
