"""The benchmark, very small.

They protect: that every lane answers, and the same work is compared; that a hunt finds a real bug and a
mutant with each engine's configuration, and what is not the bug does not count; that medians do not hide what
was not found; and that the table and the JSON file have all of it.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.bench.memory_and_speed_drift import Sample, Steady, speed
from fuzz.bench.report import Measured
from fuzz.bench.speed import SHAPES, measure
from fuzz.bench.time_to_find import REAL, SEEDED, Bug, Hunt, Row, hunt, hunts, is_found, rows, totals
from fuzz.commands import bench as command
from fuzz.commands.bench import Extent, bench, bench_until_ended
from fuzz.commands.cli import main
from fuzz.commands.shared.ending import Ended
from fuzz.execution.execute import run
from fuzz.faults.seeded import applied as mutant_applied
from fuzz.judge.signature import Signature
from fuzz.language.syntax import load, parse
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import MUTANTS

STALE = REAL[0]


def test_speed_of_every_lane() -> None:
    speed = measure(1, 1, scale=0.02)
    lanes = {(row.shape, row.lane) for row in speed.rows}
    expected = {(shape.name, lane) for shape in SHAPES for lane in shape.lanes}
    assert {pair for pair in expected - lanes if pair[1] != "libzpool" or not speed.missing} == set()
    assert all(rate > 0 for row in speed.rows for rate in (*row.programs, *row.ops))
    assert speed.empty[0] > 10 * max(row.programs[0] for row in speed.rows if row.lane == "atheris plain")


@pytest.mark.slow
def test_whole_run(tmp_path: Path) -> None:
    extent = Extent(1, 1, 20, 20, (STALE,), scale=0.02, long=1, together=(1, 2))
    measured = bench(extent, "small", ("random",))
    assert [row.found for row in measured.rows] == [1]
    found, random = measured.cuts
    assert found.inputs == 1 and max(found.after) in (6, 7)  # a rename removes two names at once
    assert (random.inputs, random.after) == (1, (7, 7, 7))
    (tmp_path / "bench.json").write_text(measured.as_json())
    data = json.loads((tmp_path / "bench.json").read_text())
    assert data["command"] == "small"
    assert data["hunts"][0]["found"] and "remove" in data["hunts"][0]["program"]
    table = "\n".join(measured.lines())
    assert "16 ops, two txgs: model plain" in table
    assert "known minimum 7 reached by 1" in table
    assert measured.together is not None
    assert [lane.jobs for lane in measured.together.lanes] == [1, 2]
    assert all(lane.found and lane.a_second[0] > 0 for lane in measured.together.lanes)
    assert "executions, two / one" in table
    assert measured.steady is None and "executions a CPU second at the end" not in table


def interrupted(monkeypatch: pytest.MonkeyPatch, reason: BaseException, steady: float) -> Measured:
    """What is measured if the hunts end early; the tables have what is whole."""
    other = next(bug for bug in SEEDED if bug.name == "free-count-not-kept")

    def until_ctrl_c(bugs: tuple[Bug, ...], caps: dict[str, float], seeds: int, jobs: int) -> Iterator[Hunt]:
        yield from hunts([STALE], caps, seeds, jobs)
        yield next(hunts([other], {"random": 20}, 1))
        raise reason

    monkeypatch.setattr(command, "hunts", until_ctrl_c)
    extent = Extent(1, 1, 20, 20, (STALE, other), long=1, steady=steady, speeds=False)
    measured, _ = bench_until_ended(extent, "", ("random", "uniform"))
    assert (measured.speed, measured.together) == (None, None)
    assert "Ratios" not in measured.lines()
    assert {(row.bug, row.engine) for row in measured.rows} == {
        (STALE.name, "random"),
        (STALE.name, "uniform"),
    }
    return measured


def test_ctrl_c_ends_the_steady_run_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert interrupted(monkeypatch, Ended(signal.SIGINT), 3600).steady is None


@pytest.mark.slow
def test_a_worker_that_breaks_ends_the_hunts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert interrupted(monkeypatch, RuntimeError("uniform on never: ended with status 1"), 0).steady is None


def test_no_hunt_begins_after_the_last_that_was_asked_for() -> None:
    never = Bug("never", "2.1", ("assertion", "nowhere", "0"))
    many = hunts([STALE, *[never] * 20], {"random": 1}, 1)  # 20 seconds
    next(many)
    begun = time.monotonic()
    assert isinstance(many, Generator)
    many.close()
    assert time.monotonic() - begun < 12


def test_a_mutant_is_found() -> None:
    mutant = next(bug for bug in SEEDED if bug.name == "free-count-not-kept")
    found = hunt(mutant, "random", 1, 20)
    assert found.found
    assert found.executions > 0
    assert found.cpu > 0


def test_a_mutant_is_found_only_by_what_it_causes() -> None:
    """A real bug that the same program meets without the mutant is not its doing, nor what lies behind a
    bound of memory or another failure that stops it without the mutant."""
    mutant = next(bug for bug in SEEDED if bug.name == "update-gives-up-growing")
    place, said = "zap_micro.c:zap_cursor_serialize", "(zc->zc_hash & zap_maxcd(zc->zc_zap)) == 0"
    real = Signature("assertion", place, said)
    header = "zap z fat hash64\nzap y fat key=u64 prehashed leaf_shift=9\n"
    met = 'add z "a"\ncursor c z\nnext c\ndestroy z\nserialize c\n'
    bound = "add y 0x0 len=148\nadd y 0x1\nupdate y 0x1 len=148\n"
    for text in (header + met, header + bound + met):
        program = parse(text)
        with mutant_applied(mutant.mutant):
            failure = run(program, ModelTarget(mutant.release), forgive=lambda _: True).failure
        assert failure is not None and failure.signature.key == real.key
        assert not is_found(mutant, program, real)
    refused = Signature("oracle", "zap:update", "expected success, got ENOSPC")
    assert is_found(mutant, load(MUTANTS / f"{mutant.name}.zap"), refused)


def test_atheris_without_our_mutations_and_under_a_bound() -> None:
    never = Bug("never", "2.1", ("assertion", "nowhere", "0"))
    result = hunt(never, "plain bytes", 1, 2)
    assert not result.found
    assert 1 <= result.cpu < 4


def test_medians_do_not_hide_what_was_missed() -> None:
    def one(seed: int, found: bool, cpu: float) -> Hunt:
        return Hunt("b", "e", seed, found, int(10 * cpu), cpu, cpu)

    half = [one(1, True, 1), one(2, False, 5), one(3, False, 4), one(4, True, 2)]
    assert rows(half) == [Row("b", "e", 4, 2, 30, 3, 3, (1, 5))]
    assert totals(rows(half)) == {"e": (3, 1)}
    most = [*half, one(5, True, 6)]
    assert rows(most)[0].cpu == 6
    assert totals(rows(most)) == {"e": (6, 0)}


def test_a_steady_run_is_one_that_neither_grows_nor_slows_down() -> None:
    steady = Steady(3600, 1000, 10, 100, 119, 70, 80, [], [])
    assert steady.reached
    assert not dataclasses.replace(steady, most=121).reached
    assert not dataclasses.replace(steady, old=63).reached
    assert not dataclasses.replace(steady, died=["process 1 of 1: killed; started again"]).reached


def test_the_speed_of_a_long_run_is_that_of_its_end() -> None:
    samples = [Sample(0, 1, 0, 0), Sample(5, 1, 5, 1000), Sample(10, 1, 9, 1100), Sample(15, 1, 13, 1180)]
    assert speed(samples, 5) == 180 / 8


@pytest.mark.parametrize(
    "words",
    [["--seeds", "0"], ["--cap", "0"], ["--steady", "nan"], ["--json", "."], ["--json", "no/such/file"]],
)
def test_bad_usage(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["bench", *words])
    assert result.exit_code == 2
