"""Protects what is shown of slices that go on: it grows while they run, is what they would hand in, counts
nothing twice, and is not more than a scheduler should carry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fuzz.engines.campaign import slice_process
from fuzz.engines.campaign.at_work import HowFar, Meanwhile, tell_seconds, with_all_at_work
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Arm, Ledger, Met, Open, Row, Standing, Worked
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.slice import FUZZ, TOLD, Slice
from fuzz.engines.campaign.store import Store

ARM = Arm("random", "unfixed")
WORK = Slice(FUZZ, "c", 1, "nowhere", ARM)


def told(part: str, at: float, executions: int, states: int, work: Slice = WORK) -> Any:
    """What a slice tells at a time."""
    ledger = Ledger(
        rows={ARM: Row(slices=1, seconds=at, executions=executions, states=states)},
        met={"unfixed": {"oracle zap:add x": Met(1, at, at)}},
        workers={"vm": Worked(1, executions, at)},
        history=[(0.0, 0, 0), (at, executions, states)],
        open={"oracle zap:add x": Open("", ARM)},
    )
    return json.loads(HowFar(work.number, part, states, ledger).to_json())


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """An empty one."""
    store = Store(str(tmp_path / "corpus"))
    store.prepare()
    return Corpus(store)


def test_a_slice_tells_what_it_hands_in(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of each number not more than that, and what is told grows."""
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path / "home"))
    work = Slice(
        FUZZ, "c", 1, corpus.store.url, ARM, seed=3, seconds=30, runs=150, worker="vm", tell_seconds=0.01
    )
    brought = slice_process.run(work)
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith(TOLD)]
    said = [json.loads(line.removeprefix(TOLD)) for line in lines]
    far = [HowFar.from_json(each, work) for each in said if "number" in each]
    assert len(far) > 1 and {each.part for each in far} == {brought.part}
    executions = [each.ledger.executions for each in far]
    assert executions == sorted(executions) and 0 < executions[-1] <= 150
    assert all(each.ledger.over_time()[-1][1] == each.ledger.executions for each in far)
    assert far[-1].ledger.history[0][1:] == (0, 0) and len(far[-1].ledger.history) > 2
    corpus.look()
    handed_in = corpus.ledger
    assert far[-1].ledger.executions == handed_in.executions == 150
    assert far[-1].states == sum(map(len, handed_in.states.values())) == handed_in.rows[ARM].states
    assert far[-1].ledger.met == handed_in.met and far[-1].ledger.met["unfixed"]
    assert all(
        far[-1].ledger.standing(text) is not Standing.KNOWN_THEN for text in far[-1].ledger.met["unfixed"]
    )


def test_what_is_told_is_shown_until_it_is_handed_in(corpus: Corpus) -> None:
    """What is in the corpus, or over, is not there a second time."""
    meanwhile = Meanwhile()
    for at, executions in ((2.0, 10), (4.0, 25), (6.0, 60)):
        meanwhile.hear(told("p", at, executions, executions // 2), [WORK])
        assert with_all_at_work(corpus.ledger, meanwhile.at_work([WORK], corpus)).executions == executions
    shown = meanwhile.at_work([WORK], corpus)
    ledger = with_all_at_work(corpus.ledger, shown)
    assert ledger.over_time() == [(0.0, 0, 0), (6.0, 60, 30)]
    assert ledger.executions == 60 and ledger.standing("oracle zap:add x") is Standing.NOT_MINIMIZED
    assert corpus.ledger == Ledger()
    again = told("other", 3.0, 7, 3)  # its worker is gone, and it has begun again on another one
    meanwhile.hear(again, [WORK])
    assert with_all_at_work(corpus.ledger, meanwhile.at_work([WORK], corpus)).executions == 7
    corpus.store.write("other", Part(HowFar.from_json(again, WORK).ledger))
    corpus.look()
    shown = meanwhile.at_work([WORK], corpus)
    assert with_all_at_work(corpus.ledger, shown).executions == 7 and shown[0].told is None
    meanwhile.hear(told("q", 5.0, 9, 3), [WORK])
    meanwhile.over(1)
    assert meanwhile.at_work([WORK], corpus)[0].told is None


def test_what_comes_late_or_is_no_such_words_is_left_out(corpus: Corpus) -> None:
    """A slice that is over may have said something before; another version says other things."""
    meanwhile = Meanwhile()
    meanwhile.hear(told("p", 2.0, 10, 5), [])
    meanwhile.hear({"number": 1, "part": "p", "counts": {"rows": 3}, "open": [], "states": 1}, [WORK])
    meanwhile.hear({"number": 1}, [WORK])
    assert meanwhile.at_work([WORK], corpus)[0].told is None


@pytest.mark.parametrize(("workers", "seconds"), [(1, 2.0), (100, 2.0), (1000, 20.0), (10_000, 200.0)])
def test_a_scheduler_gets_at_most_fifty_of_them_a_second(workers: int, seconds: float) -> None:
    assert tell_seconds(workers) == seconds and workers / seconds <= 50
