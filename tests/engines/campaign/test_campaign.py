"""Protects `zapfuzz campaign`: from nothing to a failure that was cut down on a worker, kept once, and
counted in a corpus that the next campaign goes on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fuzz.commands.shared.machine_answer import schema
from fuzz.corpus.reproducer import read_reproducer
from fuzz.engines.history.read import read_history
from tests.support.command import zapfuzz


def told(*words: str) -> tuple[int, dict[str, Any]]:
    """The status of a campaign's command and the object that it prints."""
    status, output = zapfuzz("campaign", *words, "--json")
    data = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    jsonschema.validate(data, json.loads(schema()))
    return status, data


def test_a_campaign_goes_on_from_its_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the same seed draw the same programs: all that is counted is doubled, and nothing is kept
    twice. The second goes on behind wrong answers that are known by then, so it may see a little more."""
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path / "home"))
    known = tmp_path / "known"
    known.mkdir()
    corpus = ["--corpus", str(tmp_path / "corpus")]
    words = ["--workers", "1", "--engine", "random", "--style", "themed", "--seed", "3"]
    words += ["--release", "unfixed", "--runs", "250", "--known", str(known)]
    status, first = told(*corpus, *words)
    found = {each["signature"]: each for each in first["failures"]}
    assert status == 1 and {each["standing"] for each in found.values()} == {"new"}
    kept = [read_reproducer(path.parent) for path in (tmp_path / "home" / "findings").glob("*/program.zap")]
    assert {each.expect["unfixed"] for each in kept} == found.keys() and len(kept) == len(found)
    assert all(len(each.program.ops) < 20 for each in kept)

    status, second = told(*corpus, *words)
    assert status == 1
    before, after = first["campaign"], second["campaign"]
    assert (before["executions"], after["executions"]) == (250, 500)
    assert 1.1 * before["states"] >= after["states"] >= before["states"] > 0
    again = {each["signature"]: each for each in second["failures"]}
    assert all(again[text]["count"] >= 2 * each["count"] for text, each in found.items())
    assert len(list((tmp_path / "home" / "findings").iterdir())) == len(again)
    assert not list((tmp_path / "home" / "slices").iterdir())
    runs = read_history(tmp_path / "home")
    assert [run.last.executions for run in runs if run.last.executions > 1] == [250, 250]
    assert len({run.campaign for run in runs}) == 2 and all(run.how == "ended" for run in runs)

    status, read = told("status", str(tmp_path / "corpus"))
    assert status == 0 and read["campaign"] == {**after, "seed": None}
    assert read["failures"] == second["failures"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--corpus", "nowhere://x"], "nowhere://x: cannot be reached"),
        (["--engine", "threads", "--target", "both"], "--engine threads: expected one of"),
        (
            ["--time", "1", "--scheduler", "tcp://127.0.0.1:1"],
            "scheduler tcp://127.0.0.1:1: cannot be reached",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    """With status 2, before anything is done."""
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("fuzz.engines.campaign.cluster.CONNECT_SECONDS", 0.5)
    status, output = zapfuzz("campaign", *words)
    assert status == 2 and says in output and len(output.splitlines()) <= 2
