"""Protects what a slice is given and what becomes of it: its bound of time, inputs that all releases of a
corpus share, and words about what could not be kept."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from fuzz.corpus.merge import Reach, smallest
from fuzz.corpus.named_program import open_named
from fuzz.engines.campaign import slice_process
from fuzz.engines.campaign.campaign import MANY_INPUTS, Campaign, Plan
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Arm, Ledger
from fuzz.engines.campaign.on_worker import LATE_SECONDS, bound_seconds, run_slice
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.slice import FUZZ, MERGE, Brought, Slice, version
from fuzz.engines.campaign.store import Store
from fuzz.engines.fuzzing_run import FuzzingRun
from fuzz.generate.leaf_programs import random_program
from fuzz.language.byteform import decode, encode
from fuzz.language.syntax import parse

ARM = Arm("random", "2.3")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store, and a home of its own for slices."""
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path / "home"))
    made = Store(str(tmp_path / "corpus"))
    made.prepare()
    return made


def based(store: Store, ledger: Ledger) -> str:
    """The name of a base with what is in a ledger."""
    store.write("p1", Part(ledger))
    store.write("p2", Part(Ledger(inputs={encode(random_program(Random(0)))})))
    corpus = Corpus(store)
    corpus.look()
    return corpus.write_base() or ""


def test_making_inputs_fewer_ends_with_the_campaign(store: Store) -> None:
    """It may take long, but not longer than there is time; and its worker knows that bound."""
    base = based(store, Ledger(inputs={b"%d" % number for number in range(MANY_INPUTS + 1)}))
    plan = Plan(store.url, (ARM,), {}, "c", 1, time.monotonic(), seconds=10.0)
    cluster: Any = SimpleNamespace(running=[], close=lambda: None)
    campaign = Campaign(plan, SimpleNamespace(found=print, note=print), lambda: cluster)
    campaign.begin()
    work = campaign._next(cluster)
    assert work is not None and work.what == MERGE and work.base == base
    assert work.seconds <= 10.0 and bound_seconds(work) == work.seconds + LATE_SECONDS


def reached(inputs: Iterable[bytes], release: str) -> set[object]:
    """All that inputs reach on a release."""
    reach = Reach(release)
    return {what for data in inputs for what in reach.reached(decode(data))}


EMPTIED = """\
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=180
add z 0x8000000000000000 len=180
remove z 0x0
remove z 0x0
"""
SHRUNK = EMPTIED.replace("remove z 0x0", "remove z 0x8000000000000000", 1)
"""On 2.1 no other than EMPTIED; on 2.3 two leaves become one."""


def test_inputs_that_any_release_needs_stay(store: Store) -> None:
    """Release 2.1 never shrinks a ZAP, so what reaches nothing new there may do so on 2.3. A name that is no
    release of the model, as an older version may have left, stops nothing."""
    table = open_named("zap-trunc-next-table").program
    more = [table.with_ops((*table.ops, *table.ops[-1:] * count)) for count in range(1, 4)]
    inputs = {encode(each) for each in (table, *more, parse(EMPTIED), parse(SHRUNK))}
    states = {"2.1": {1}, "2.3+trunc-next-table": {2}, "gone": {3}}
    base = based(store, Ledger(inputs=inputs, states=states))
    work = Slice(MERGE, "c", 1, store.url, Arm("random", "2.1"), base=base, seconds=300)
    before, after = store.read(base), store.read(slice_process.run(work).part)
    assert before is not None and after is not None
    all_, left = before.ledger.inputs, after.ledger.inputs
    assert len(left) < len(all_)
    assert reached(left, "2.1") == reached(all_, "2.1") and reached(left, "2.3") == reached(all_, "2.3")
    alone = {encode(each) for each in smallest(map(decode, all_), "2.1")}
    assert reached(alone, "2.3") < reached(all_, "2.3"), "these inputs show nothing"


def test_making_inputs_fewer_without_time_changes_nothing(store: Store) -> None:
    """And is no problem."""
    base = based(store, Ledger(inputs={encode(random_program(Random(seed))) for seed in range(300)}))
    work = Slice(MERGE, "c", 1, store.url, ARM, base=base, seconds=0.01)
    assert slice_process.run(work) == Brought() and len(store.names()) == 3


def test_a_program_that_no_disk_takes_is_told_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the client shows is then all that is left of it, and its status says that something is lost."""

    class Full(FuzzingRun):
        def run(self) -> None:
            self.unwritten.append("out: No space left on device")
            self.watcher.note("out: No space left on device\nzap z fat\nadd z 0x1\n")

    monkeypatch.setattr(slice_process, "FuzzingRun", Full)
    brought = slice_process.run(Slice(FUZZ, "c", 1, store.url, ARM, runs=1))
    assert brought.unwritten and brought.part
    assert "zap z fat\nadd z 0x1" in brought.problems[-1]


def test_a_process_that_dies_before_it_reads_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was to read is not what went wrong."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    work = Slice(FUZZ, "c", 1, "nowhere", ARM, known=("x" * 1_000_000,))
    brought = Brought.from_json(run_slice(work.to_json(), version()))
    assert brought.problems == ("a slice ended with status 1: no output",)


def test_a_process_whose_words_are_none_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody would take what it brings; it must not go on beside the next slice."""
    alive = tmp_path / "alive"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho $$ > {alive}\necho nonsense\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(ValueError, match="Expecting value"):
        run_slice(Slice(FUZZ, "c", 1, "nowhere", ARM).to_json(), version())
    assert not Path("/proc", alive.read_text().strip()).exists()


def test_a_slice_of_an_older_version_is_read() -> None:
    """It may wait on this machine to be handed in."""
    work = Slice(FUZZ, "c", 1, "nowhere", ARM)
    assert Slice.from_json(work.to_json().replace("{", '{"hash_bits": 0, ', 1)) == work
