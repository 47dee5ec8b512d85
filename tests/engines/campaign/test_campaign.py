"""Protects `zapfuzz campaign`: from nothing to a failure that was cut down on a worker, kept once, and
counted in a corpus that the next campaign goes on from."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fuzz.commands.shared.campaign_answer import campaign_status
from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.machine_answer import schema
from fuzz.corpus.reproducer import read_reproducer
from fuzz.engines.campaign.ledger import Ledger, Met
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.store import Store
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
        (["--scheduler", "tls://127.0.0.1:1"], "scheduler tls://127.0.0.1:1: cannot be reached: TLS"),
        (["--scheduler", "quux://head:1"], "scheduler quux://head:1: cannot be reached: unknown address"),
        (["status", "/proc"], "/proc: is no campaign's corpus"),
        (["status", "/etc/passwd"], "/etc/passwd: cannot be read: Not a directory"),
        (["status"], "home/campaign: is no campaign's corpus"),
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


def test_status_names_what_is_not_whole(tmp_path: Path) -> None:
    """A person must know that numbers are too low; a corpus in which nothing is yet is one all the same."""
    store = Store(str(tmp_path))
    store.prepare()
    assert zapfuzz("campaign", "status", str(tmp_path))[0] == 0
    store.write("p1", Part(Ledger(inputs={b"1"})))
    path = tmp_path / "parts" / "p1.part"
    path.write_bytes(path.read_bytes()[:-3])
    status, output = zapfuzz("campaign", "status", str(tmp_path))
    assert status == 0 and "part p1 is being written, or cut short" in output


def test_what_was_new_is_in_the_status() -> None:
    """Though nobody has counted it, as its slice was killed; or by a clock that is behind ours."""
    new = "oracle zap:add wrong"
    begun = time.time()
    late = Ledger(met={"2.3": {new: Met(1, begun - 9, begun - 9)}})
    for ledger in (Ledger(), late):
        assert campaign_status(ledger, {}, begun, [new], []) is Status.FOUND
        assert campaign_status(ledger, {}, begun, [], []) is Status.NOT_FOUND
    assert campaign_status(late, {}, -math.inf, [], []) is Status.FOUND
