"""The page of a program, in a real browser: it shows what the model has at each step, by buttons and keys, on
paper and on a phone, fetches nothing, and no name changes what it is."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Browser

from fuzz.corpus.named_program import Named, open_named
from fuzz.corpus.reproducer import Reproducer
from fuzz.export.pages.program_page import program_page
from fuzz.language.printing import format_key
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import load
from tests.support.browser import Opened, cut_off_on_paper, hard_to_read, opened
from tests.support.command import zapfuzz
from tests.support.recorded import check_every_step

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 800},
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}
HOSTILE = (
    b"<script>window.hacked=1</script>",
    b"</script><img src=x onerror=window.hacked=2>",
    b"\xff\xfe\xc0\xaf\xed\xa0\x80",
    b'"onmouseover="window.hacked=3',
    b"{{ 7 * 7 }}{% for x in y %}",
    b"\xe2\x80\xa8\xe2\x80\xae<b>",
    b"\x01\x1b[31m\x7f",
    b"<" * 255,
)


@pytest.fixture(scope="module")
def stale(tmp_path_factory: pytest.TempPathFactory) -> tuple[Named, Path]:
    """A finding, and its page as the command makes it."""
    path = tmp_path_factory.mktemp("page") / "stale.html"
    assert zapfuzz("page", "stale-user-data-txg", "-o", str(path)) == (0, "")
    return open_named("stale-user-data-txg"), path


def bar(page: Opened) -> tuple[str, str, str]:
    """What the bar says: which step, which op, what it answered."""
    said = [page.page.inner_text(f".bar .{name}") for name in ("count", "op", "answer")]
    return said[0], said[1], said[2]


def test_each_step_shows_what_the_model_has(browser: Browser, stale: tuple[Named, Path]) -> None:
    named, path = stale
    with opened(browser, path) as page:
        check_every_step(page, named.program, 0)
        page.page.click("[data-show='1']")
        check_every_step(page, named.program, 1)


def test_keys_buttons_and_ops_lead_to_the_same_steps(browser: Browser, stale: tuple[Named, Path]) -> None:
    _, path = stale
    with opened(browser, path) as page:
        failed = "VERIFY3(NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)) failed"
        assert bar(page)[0] == "Step 7 of 7" and bar(page)[2].startswith(failed)
        key, click = page.page.keyboard.press, page.page.click
        for act, where, wanted in (
            (key, "Home", ("Step 0 of 7", "the beginning", "")),
            (key, "ArrowRight", ("Step 1 of 7", "add z 0x0 len=148", "→ ok")),
            (click, "[data-go=on]", ("Step 2 of 7", "add z 0x8000000000000000 len=148", "→ ok")),
            (key, "ArrowLeft", ("Step 1 of 7", "add z 0x0 len=148", "→ ok")),
            (click, "[data-op='3']", ("Step 4 of 7", "remove z 0x0", "→ ok")),
        ):
            act(where)
            assert bar(page) == wanted
        page.page.focus("input[type=range]")
        page.page.keyboard.press("ArrowRight")
        assert bar(page)[:2] == ("Step 5 of 7", "remove z 0x8000000000000000")
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Enter")  # side by side
        assert page.page.locator(".view").count() == 2
        page.page.click("[data-go=play]")
        page.page.wait_for_selector(".count:text('Step 7 of 7')")
        assert page.page.locator("tr.differs").count() > 0  # one of them has panicked, the other has not
        assert "NULL == dmu_buf_set_user" in page.page.inner_text(".fail pre")
        assert page.page.get_attribute("[aria-current=step]", "data-op") == "6"


ENDS_OF_OPS = """() => window.zapfuzz.places.flatMap((place) => {
  const [runs, who] = [window.zapfuzz.runs, place[2]];
  const [step, other] = [runs[who].steps[place[who]], runs[1 - who]];
  const there = place[1 - who];
  return step.kind === "op" ? [[step.op, other.steps[there].op, other.ofOp(step.op) < there]] : [];
})"""
"""Where the run that leads ends an op: that op, the one that the other stands at, and whether that had ended
the former before, as where threads come in another order."""


@pytest.mark.parametrize(
    ("name", "releases"),
    [
        ("threads-shrink", ("2.3", "2.1")),  # 51 steps and 43
        ("zap-shrink-stale-shift-table", ("2.1", "2.3")),  # 77, and 106 until it fails
        ("threads-grow", ("2.1", "2.3")),  # 93 and 111
    ],
)
def test_two_releases_stand_at_the_same_op(
    browser: Browser, tmp_path: Path, name: str, releases: tuple[str, str]
) -> None:
    """Threads take more steps on one release than on the other; they stood at the same number of steps."""
    path = tmp_path / "two.html"
    words = [word for each in releases for word in ("--release", each)]
    assert zapfuzz("page", name, *words, "-o", str(path)) == (0, "")
    with opened(browser, path) as page:
        page.page.click("[data-show=both]")
        pairs = page.ask(ENDS_OF_OPS)
        assert sum(one == other for one, other, _ in pairs) >= len(pairs) - 1
        assert len(pairs) >= 4 and all(one == other or before for one, other, before in pairs), pairs
        steps = [page.ask(f"window.zapfuzz.runs[{each}].steps.length") for each in (0, 1)]
        assert steps[0] != steps[1]
        places = page.ask("window.zapfuzz.places")
        for each in (0, 1):  # nothing of either is left out at its end, and none goes back
            walked = [place[each] for place in places]
            assert walked == sorted(walked) and walked[-1] == steps[each] - 1
        page.page.click("[data-op='1']")
        at = page.ask("window.zapfuzz.at")
        for each in (0, 1):
            assert page.ask(f"window.zapfuzz.runs[{each}].at") == places[at][each]
        page.page.click("[data-show='1']")  # the same point, of one of them
        assert page.ask("window.zapfuzz.at") == places[at][1]
        page.page.click("[data-show=both]")
        assert page.ask("window.zapfuzz.places[window.zapfuzz.at]")[1] == places[at][1]


BESIDE_BLOCKS = """\
zap z fat hash64 leaf_shift=9 indirect_shift=9
zap m fat hash64 leaf_shift=9 mos
zap u micro usage=user
early
add m "task" int=8
add z "a" len=200
add z "b" len=200
add z "c" len=200
add z "d" len=200
allocate first=7 id=100 count=3
resize first=8 blocks=2
sync
fail z block=1 errno=52
fail z level=1 block=0
lookup z "a" int=1 len=200
heal z
"""


def test_what_is_beside_blocks_is_shown(browser: Browser, tmp_path: Path) -> None:
    """Indirect blocks, reads that fail, objects and owners, tasks and accounting that wait for a sync."""
    source, path, moved = tmp_path / "all.zap", tmp_path / "all.html", tmp_path / "moved.html"
    source.write_text(BESIDE_BLOCKS)
    assert zapfuzz("page", str(source), "--release", "2.3", "-o", str(path)) == (0, "")
    with opened(browser, path) as page:
        check_every_step(page, load(source), 0)

        def at(op: int) -> str:
            page.page.click(f"[data-op='{op}']")
            return str(page.page.inner_text(".views"))

        assert "sync tasks that wait in txg 6\n1 early, 0" in at(1)
        owned = at(6)
        assert "objects 7 to 9 are of user 0x64 to 0x66" in owned and "objects changed in txg 6\n3" in owned
        assert "\t0x65\t0x65\t0x65\t1024" in at(7)
        assert hard_to_read(page.page) == []
        synced = at(8)
        assert (
            "the sync tasks of txg 6 are done" in synced and "what txg 6 changed is accounted for" in synced
        )
        assert re.search(r"0 of level 1\n.changed.\n\tas on disk\t\d+\tclean\t\d+ blocks below it", synced)
        assert "z: block 1 cannot be read from disk (EBADE)" in at(9)
        assert "Cannot be read from disk: block 1 (EBADE), block 0 of level 1 (EIO)" in at(10)
        assert "level 1, block 0 can be read again" in at(12)
        assert "zap z fat hash64 leaf_shift=9 indirect_shift=9" in page.page.inner_text(".zap >> nth=0")
    source.write_text('zap z fat hash64\nadd z "a"\nmove to=21\n')
    assert zapfuzz("page", str(source), "--release", "2.3", "-o", str(moved)) == (0, "")
    with opened(browser, moved) as page:
        page.page.keyboard.press("End")
        assert "the pool is with release 2.1 now" in page.page.inner_text(".views")
        assert "the pool is with release\n2.1" in page.page.inner_text(".views")


def test_pictures_say_in_words_what_they_show(browser: Browser, stale: tuple[Named, Path]) -> None:
    _, path = stale
    with opened(browser, path, java_script_enabled=True) as page:
        words = page.ask("[...document.querySelectorAll('svg[role=img]')].map((each) => each.ariaLabel)")
        assert any(each.startswith("The pointer table: ") and "leads to block 1" in each for each in words)
        assert "Blocks of z: 0 header, 1 leaf, 2 zeros. The free mark is at block 3" in words
        assert any(each.startswith("Chunks of leaf 1: ") and "free" in each for each in words)
        assert "Transaction groups over the steps" in words


@pytest.mark.parametrize("where", ["light", "a dark phone", "paper", "without its script"])
def test_it_is_readable_everywhere(browser: Browser, stale: tuple[Named, Path], where: str) -> None:
    _, path = stale
    settings = PHONE if where == "a dark phone" else {}
    script = where != "without its script"
    with opened(browser, path, ready=script, java_script_enabled=script, **settings) as page:
        if where == "paper":
            assert cut_off_on_paper(page.page) == []
        if script:
            assert hard_to_read(page.page) == []
            assert page.ask("document.documentElement.scrollWidth <= window.innerWidth")
        text = page.page.inner_text("main")
        assert "PANIC at zap.c:441:zap_create_leaf()" in text
        assert "add z 0x8000000000000000 len=148" in text and "What each release does" in text


def test_hostile_names_change_nothing(browser: Browser, tmp_path: Path) -> None:
    zaps = (Zap("d", False, 0), Zap("z", True, 0, hash64=True))
    ops = tuple(Op("add", zap.name, key=name, size=8, length=1) for zap in zaps for name in HOSTILE)
    program = Program(zaps, (*ops, Op("lookup_norm", "z", key=HOSTILE[0], size=8, length=1)))
    title, issue, belief = (name.decode("latin-1") for name in HOSTILE[:3])
    expect, folder = {"2.3": "<script>fine"}, Path("<i>name")
    reproducer = Reproducer(program, title, expect, issue=issue, belief=belief, folder=folder)
    path = tmp_path / "hostile.html"
    path.write_text(program_page(reproducer, ["2.3"]), "utf-8")
    with opened(browser, path) as page:
        check_every_step(page, program, 0)
        assert page.ask("window.hacked") is None
        assert page.ask("document.scripts.length") == 2
        assert (
            page.ask("document.querySelectorAll('img, b:not(.hex b), i, iframe, [onmouseover]').length") == 0
        )
        shown = page.ask("document.body.textContent")
        for name in HOSTILE[:7]:
            assert format_key(name) in shown
        assert page.page.inner_text("h1") == title


def test_its_policy_runs_nothing_that_is_put_in(browser: Browser, stale: tuple[Named, Path]) -> None:
    _, path = stale
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda each: said.append(each.text))
    page.goto(path.as_uri())
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
        " const i = new Image(); i.src = 'http://127.0.0.1:9/x'; document.body.append(s, i); }"
    )
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.images.length") == 1
    assert len([each for each in said if "Content Security Policy" in each]) >= 2
    page.close()


def test_a_thousand_ops_are_a_small_page_that_opens_at_once(browser: Browser, tmp_path: Path) -> None:
    rng = Random(1)
    ops: list[Op] = []
    for number in range(1000):
        verb = rng.choice(["add", "add", "add", "remove", "lookup", "txg" if number % 9 == 0 else "add"])
        if verb == "txg":
            ops.append(Op("txg"))
        else:
            size = 0 if verb == "remove" else 8
            ops.append(Op(verb, "z", key=b"file-%05d" % rng.randrange(700), size=size, length=size // 8))
    program = Program((Zap("z", True, 0, hash64=True, leaf_shift=12),), tuple(ops))
    path = tmp_path / "long.html"
    text = program_page(Reproducer(program, "long", {"2.3": "fine"}), ["2.3", "2.4"])
    path.write_text(text, "utf-8")
    assert len(text) < 1 << 20
    with opened(browser, path) as page:
        assert 0 < page.seconds() < 1
        assert bar(page)[0] == "Step 0 of 1000"


def test_what_is_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    for words, said in (
        (("stale-user-data-txg", "--release", "9.9"), "9.9: expected one of"),
        (("stale-user-data-txg", *("--release", "2.3") * 2), "expected at most two different ones"),
        (("nothing-of-that-name",), "expected a file that can be read"),
        (("stale-user-data-txg", "-o", str(tmp_path / "no" / "x.html")), "No such file or directory"),
    ):
        status, output = zapfuzz("page", *words)
        assert (status, output.count("\n")) == (2, 1)
        assert said in output
