"""Reproducers: what is written is read back, bad files are told apart, and every one in the corpus still does
what it says."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.corpus.failure_counts import Seen
from fuzz.corpus.replay import expectations, replay, with_missing
from fuzz.corpus.reproducer import (
    Reproducer,
    corpus_folders,
    folder_name,
    folders,
    form,
    format_reproducer,
    known_failures,
    read_reproducer,
    write_reproducer,
)
from fuzz.judge.signature import Signature
from fuzz.language.syntax import SyntaxProblem, parse
from tests.support.paths import CORPUS
from zapcore.release import RELEASES

PROGRAM = parse('zap z fat hash64\nadd z "a"\ntxg\nremove z "a"\n')
STALE = "assertion zap.c:zap_create_leaf NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)"
FREED = "use-after-free rwlock:rw_enter l->l_rwlock is not freed"
ALL = corpus_folders(CORPUS)


@pytest.mark.parametrize("folder", ALL, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
@pytest.mark.parametrize("release", RELEASES)
def test_a_kept_reproducer_does_what_it_says(folder: Path, release: str) -> None:
    replayed = list(replay(read_reproducer(folder), release))
    assert len(replayed) == 1
    assert replayed[0].got == replayed[0].expected


def test_the_known_bugs_are_in_the_corpus() -> None:
    reproducers = [read_reproducer(folder) for folder in corpus_folders(CORPUS)]
    stale = known_failures(reproducers, "unfixed")[STALE]
    verbs = [{op.verb for op in each.program.ops} for each in stale]
    assert any("txg" in each and "cursor" not in each for each in verbs)
    assert any("cursor" in each and "txg" not in each for each in verbs)
    assert min(len(each.program.ops) for each in stale) == 7
    assert known_failures(reproducers, "explicit-evict")[FREED]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    reproducer = Reproducer(
        program=PROGRAM,
        title='quotes " and \\ and\nlines, tabs\t, bells \x07, ümlauts',
        expect={"2.1": "fine", "unfixed": STALE, "libzpool-2.3.2": "limit"},
        stack={"unfixed": ("zap_create_leaf", "zap_add")},
        origin="a test",
        belief="none",
    )
    folder = tmp_path / "deep" / "name"
    write_reproducer(reproducer, folder)
    assert read_reproducer(folder) == dataclasses.replace(reproducer, folder=folder)
    write_reproducer(dataclasses.replace(reproducer, title="other"), folder)
    assert read_reproducer(folder).title == "other"
    assert sorted(path.name for path in folder.iterdir()) == ["program.zap", "reproducer.toml"]
    assert [path.name for path in folder.parent.iterdir()] == ["name"]
    assert list(folders([tmp_path])) == [folder]


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_any_text_survives_toml(title: str, expect: dict[str, str]) -> None:
    title, expect = _writable(title), {_writable(k): _writable(v) for k, v in expect.items()}
    data = tomllib.loads(format_reproducer(Reproducer(PROGRAM, title, expect)))
    assert data.get("title", "") == title
    assert data["expect"] == expect


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("title = ", "TOML"),
        ("title = 3\n[expect]\n", "a text for title"),
        ('title = "x"\n', "[expect]"),
        ('title = "x"\n[expect]\n"2.1" = 1\n', "[expect]"),
        ('title = "x"\n[expect]\n[stack]\n"2.1" = "f"\n', "[stack]"),
        ('title = "x"\nwrong = "y"\n[expect]\n', "one of title"),
        ("a=" + "[" * 100_000, "TOML, found too many brackets in each other"),
        ("a." * 100_000 + "b=1", "TOML, found a key in too many tables"),
    ],
)
def test_bad_files_say_what_was_expected(tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "reproducer.toml").write_text(text)
    with pytest.raises(SyntaxProblem) as caught:
        read_reproducer(tmp_path)
    assert f"expected {wanted}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_replay_that_differs_is_seen(tmp_path: Path) -> None:
    right = read_reproducer(CORPUS / "regressions" / "stale-user-data-txg")
    wrong = dataclasses.replace(right, expect={**right.expect, "unfixed": "fine", "2.3": STALE})
    assert [each.release for each in replay(wrong) if each.differs] == ["unfixed", "2.3"]
    other_stack = dataclasses.replace(right, stack={"unfixed": ("zap_create_leaf", "zap_add")})
    assert [each.release for each in replay(other_stack) if each.differs] == ["unfixed"]
    nowhere = dataclasses.replace(right, expect={"libzpool-0.0.1": "fine"})
    assert [(each.got, each.differs) for each in replay(nowhere)] == [(None, False)]


def test_expectations_are_what_the_releases_do() -> None:
    program = read_reproducer(CORPUS / "regressions" / "explicit-evict-use-after-free").program
    expect, stack = expectations(program)
    assert {name: expect[name] for name in RELEASES} == {
        **{"2.1": "fine", "unfixed": "fine", "explicit-evict": FREED, "2.3": "fine", "2.4": "fine"},
        "master": "fine",
    }
    assert stack["explicit-evict"][0] == "rw_enter"


def test_names_tell_signatures_and_forms_apart() -> None:
    signature = Signature("assertion", "zap.c:zap_create_leaf", "NULL == x")
    longer = parse('zap z fat hash64\nadd z "a"\ntxg\nremove z "a"\ntxg\n')
    assert form(PROGRAM) == (("add", 1), ("remove", 1), ("txg", 1))
    names = {folder_name(signature, PROGRAM), folder_name(signature, longer)}
    names.add(folder_name(signature._replace(expression="NULL == y"), PROGRAM))
    assert len(names) == 3
    assert all(name.startswith("assertion-zap-create-leaf-") for name in names)


def test_the_record_of_failures_counts(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "seen.json"
    Seen(path).add("2.3", {STALE: 2}, now=0)
    Seen(path).add("2.3", {STALE: 3, FREED: 1}, now=86400)
    rows = Seen(path).rows["2.3"]
    assert rows[STALE] == {"count": 5, "first": "1970-01-01T00:00:00Z", "last": "1970-01-02T00:00:00Z"}
    assert rows[FREED]["count"] == 1
    path.write_text("[]")
    with pytest.raises(SyntaxProblem, match="expected counts of signatures"):
        Seen(path)


def test_what_a_new_release_does_is_written_and_nothing_else_changes() -> None:
    """A reproducer that says nothing of a release gets its line and its stack, in the releases' order; a line
    that is there stays, also where it is wrong."""
    kept = read_reproducer(CORPUS / "regressions" / "stale-user-data-txg")
    lacking = dataclasses.replace(
        kept,
        expect={name: text for name, text in kept.expect.items() if name != "unfixed"} | {"2.1": "limit"},
        stack={},
    )
    whole = with_missing(lacking)
    assert whole.expect["unfixed"] == kept.expect["unfixed"] == STALE
    assert whole.stack["unfixed"] == kept.stack["unfixed"]
    assert whole.expect["2.1"] == "limit"
    assert [name for name in whole.expect if name in RELEASES] == list(RELEASES)
    assert with_missing(kept) == kept
