"""Every finding's and regression's page, opened in a real browser, stepped through, asked what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.export.pages.program_page import program_page
from tests.support.browser import cut_off_on_paper, hard_to_read, opened
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS
from tests.support.readme import words_of
from tests.support.recorded import check_every_step

MEGABYTE = 1 << 20


@pytest.mark.parametrize("folder", corpus_folders(CORPUS), ids=lambda folder: str(folder.name))
def test_its_page_shows_what_happens(browser: Browser, tmp_path: Path, folder: Path) -> None:
    reproducer = read_reproducer(folder)
    path = tmp_path / f"{folder.name}.html"
    text = program_page(reproducer)
    path.write_text(text, "utf-8")
    assert len(text.encode()) < MEGABYTE
    with opened(browser, path) as page:
        assert 0 < page.seconds() < 1
        assert hard_to_read(page.page) == []
        for run in range(page.ask("window.zapfuzz.runs.length")):
            page.page.click(f"[data-show='{run}']")
            check_every_step(page, reproducer.program, run)
            release = page.ask("(run) => window.zapfuzz.runs[run].release", run)
            outcome = page.ask("(run) => window.zapfuzz.runs[run].outcome", run)
            assert outcome == reproducer.expect[release]
        told = page.page.inner_text("main")
        assert cut_off_on_paper(page.page) == []
        assert all(" ".join(does.split()) in " ".join(told.split()) for does in reproducer.expect.values())


def test_all_of_them_are_a_site(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = zapfuzz(*words_of("site -o site/"))
    assert (status, "their list in site/index.html" in output) == (0, True)
    with opened(browser, tmp_path / "site" / "index.html", ready=False) as page:
        assert hard_to_read(page.page) == []
        assert cut_off_on_paper(page.page) == []
        links = page.ask("[...document.querySelectorAll('a')].map((each) => each.getAttribute('href'))")
    assert sorted(links) == sorted(f"{folder.name}.html" for folder in corpus_folders(CORPUS))
    assert all((tmp_path / "site" / link).stat().st_size < MEGABYTE for link in links)
