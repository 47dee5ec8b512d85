"""The findings as a site: in a real browser every link of the list leads somewhere, and titles are text
whatever they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from playwright.sync_api import Browser

from fuzz.corpus.reproducer import corpus_folders, read_reproducer, write_reproducer
from fuzz.export.pages.program_page import distance
from fuzz.language.syntax import load
from tests.support.browser import hard_to_read, opened
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS

HOSTILE = "<script>window.hacked = 1</script> {{ 7 * 7 }} \"'>"


def test_every_finding_says_how_far_it_is_from_everyday_use() -> None:
    """In a sentence that says more than that."""
    for folder in corpus_folders(CORPUS):
        if folder.parent.name == "findings":
            assert len(distance(read_reproducer(folder).belief)) > len("far from everyday use."), folder


def test_the_list_leads_to_pages_and_files(browser: Browser, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    for group, name in (("regressions", "stale-user-data-txg"), ("findings", "zap-trunc-next-table")):
        reproducer = read_reproducer(CORPUS / group / name)
        write_reproducer(reproducer, corpus / group / name)
    hostile = dataclasses.replace(reproducer, title=HOSTILE, issue=HOSTILE, belief=f"Distance: {HOSTILE}")
    write_reproducer(hostile, corpus / "findings" / "hostile")
    status, output = zapfuzz("site", "-o", str(out), "--corpus", str(corpus))
    assert (status, output) == (0, f"3 pages, and their list in {out / 'index.html'}\n")
    with opened(browser, out / "index.html", ready=False) as page:
        assert hard_to_read(page.page) == []
        assert page.ask("document.scripts.length") == 0
        text = page.page.inner_text("main")
        assert text.count(HOSTILE) == 3
        assert "any user who may create files" in text  # how far from everyday use
        assert "stale-user-data-txg" in page.page.inner_text("section:nth-of-type(2)")
        assert page.page.locator(".chips .fails", has_text="2.3").count() >= 2
        pictures = page.ask("[...document.querySelectorAll('svg')].map((each) => each.ariaLabel)")
        assert len(pictures) == 3 and all("1 header" in each and "leaf" in each for each in pictures)
        titles = page.ask(
            "[...document.querySelectorAll('section:first-of-type h3')].map((each) => each.innerText)"
        )
        assert titles[0].startswith("zap_trunc() forgets") and titles[1] == HOSTILE
        links = page.ask("[...document.querySelectorAll('a')].map((each) => each.getAttribute('href'))")
    assert sorted(links) == ["hostile.html", "stale-user-data-txg.html", "zap-trunc-next-table.html"]
    for link in links:
        with opened(browser, out / link) as page:
            assert page.ask("window.hacked") is None
            files = page.ask(
                "[...document.querySelectorAll('main a')].map((each) => each.getAttribute('href'))"
            )
            assert {Path(each).suffix for each in files} >= {".zap", ".py", ".c"}
            assert all((out / each).stat().st_size for each in files)
            page.page.click("header a")
            page.page.wait_for_selector("ol.found")
            page.wrong.clear()  # the request for the list
    assert load(out / "files" / "hostile.zap") == hostile.program


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    status, output = zapfuzz("site", "-o", str(tmp_path / "file" / "site"))
    assert (status, output.count("\n")) == (2, 1)
    assert "Not a directory" in output
