"""Protects what a slice has brought on the machine of its worker: it is handed in once, whoever died when."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from fuzz.corpus.unminimized import UNMINIMIZED, keep_whole
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Arm
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.scratch import (
    DELIVERING,
    FOLDER,
    FOUND,
    Counts,
    Scratch,
    hand_in_what_is_left,
    left_behind,
)
from fuzz.engines.campaign.slice import FUZZ, Slice
from fuzz.engines.campaign.store import NoStore, Store
from fuzz.language.byteform import encode
from fuzz.language.syntax import parse

PROGRAM = parse("zap z fat key=u64\nadd z 0x1\n", "<test>")
WORSE = "panic zap.c:zap_add worse"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store, and a home of its own for what slices leave."""
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path / "home"))
    made = Store(str(tmp_path / "corpus"))
    made.prepare()
    return made


def died(store: Store, tmp_path: Path, name: str = "s1") -> Path:
    """What a slice leaves that was killed: seven executions, an input with two states and another one half
    written, a failure as it was found, and one that was cut down."""
    scratch = Scratch(tmp_path / "home" / FOLDER / name)
    scratch.begin(Slice(FUZZ, "c", 1, store.url, Arm("random", "2.3"), worker="w"))
    scratch.count(Counts(1000.0, 1010.0, 7, 70, 0, 40, {WORSE: (3, 1001.0, 1009.0)}))
    program = base64.b64encode(encode(PROGRAM)).decode()
    scratch.harvest.write_text(
        f'\n{json.dumps({"program": program, "states": [5, -6]})}\n\n{{"program": "AAA'
    )
    scratch.out.mkdir()
    keep_whole(PROGRAM, scratch.out, UNMINIMIZED, WORSE)
    folder = scratch.out / "bad-add"
    folder.mkdir()
    (folder / "program.zap").write_text("zap z fat\n")
    (folder / "reproducer.toml").write_text('title = "t"\n')
    scratch.found("oracle zap:add bad", "bad-add")
    scratch.close()
    return scratch.path


def handed_in(store: Store, path: Path, name: str) -> None:
    """What the slice itself writes."""
    scratch = Scratch(path)
    store.write(name, Part(scratch.ledger()))
    (path / DELIVERING).touch()
    scratch.close()


def swept(store: Store) -> Corpus:
    """What the next slice on the machine does, and what the corpus has then."""
    assert not hand_in_what_is_left(store)
    corpus = Corpus(store)
    corpus.look()
    return corpus


def test_what_a_killed_slice_had_is_handed_in_by_the_next(store: Store, tmp_path: Path) -> None:
    """All of it, and once."""
    path = died(store, tmp_path)
    ledger = swept(store).ledger
    assert not path.exists()
    assert ledger.executions == 7 and ledger.workers["w"].executions == 7
    assert ledger.inputs == {encode(PROGRAM)} and ledger.states == {"2.3": {5, -6}}
    assert ledger.met["2.3"][WORSE].count == 3 and ledger.history == [(1000.0, 0, 40), (1010.0, 7, 42)]
    assert list(ledger.waiting()) == [WORSE] and ledger.findings["oracle zap:add bad"].name == "bad-add"
    assert swept(store).ledger == ledger


def test_a_reproducer_that_was_not_whole_is_none(store: Store, tmp_path: Path) -> None:
    """Its program is there as it was found until it is."""
    path = died(store, tmp_path)
    (path / FOUND).unlink()
    ledger = swept(store).ledger
    assert not ledger.findings and list(ledger.waiting()) == [WORSE]


def test_a_slice_that_died_after_it_was_handed_in_counts_once(store: Store, tmp_path: Path) -> None:
    """Its folder is all that is left to do; even where its part is in a base long since."""
    path = died(store, tmp_path)
    handed_in(store, path, "s1")
    assert swept(store).ledger.executions == 7 and not path.exists()

    path = died(store, tmp_path)
    handed_in(store, path, "other")
    corpus = Corpus(store)
    corpus.look()
    corpus.write_base()
    store.remove(["s1", "other"])
    assert swept(store).ledger.executions == 14 and not path.exists()


def test_what_cannot_be_handed_in_waits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk, say; and it counts when it is there."""
    path = died(store, tmp_path)

    def full(name: str, part: Part) -> None:
        raise NoStore("no space")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", full)
        assert hand_in_what_is_left(store) == [f"{path} is not handed in yet: no space"]
    assert path.exists()
    assert swept(store).ledger.executions == 7


def test_what_others_are_at_is_left_alone(store: Store, tmp_path: Path) -> None:
    """A slice that runs, and one of another corpus."""
    at_work = Scratch(died(store, tmp_path))
    assert not list(left_behind(store.url))
    at_work.close()
    assert not list(left_behind(f"{store.url}-other"))
    assert [each.name for each in left_behind(store.url)] == ["s1"]


def test_a_slice_that_had_not_begun_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """Not even its folder."""
    scratch = Scratch(tmp_path / "home" / FOLDER / "s2")
    scratch.close()
    assert swept(store).parts == {} and not scratch.path.exists()
