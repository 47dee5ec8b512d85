"""Exhaustive exploration, schedule minimization, and the findings of threads.

They protect that equivalent schedules are cut without losing an outcome, that the count of preemptions is
right, that a schedule is cut to the fewest switches, and that the stale shift of zap_shrink stays found.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.faults.remedies import REMEDIES
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import Cost, explore
from fuzz.threads.minimize_schedule import fewest_switches, fit, minimize_threads, same_as, with_schedule
from fuzz.threads.parallel_run import ThreadRun, has_threads, run_threads
from fuzz.threads.scheduling_policies import RandomWalk

HEADER = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
SMALL = parse(HEADER + "add z 0x1 len=60\nt1: add z 0x2 len=60\nt2: remove z 0x1\nt2: count z\n")
SPLIT = parse(HEADER + "add z 0x0 len=180\nt1: add z 0x8000000000000000 len=180\nt2: lookup z 0x0\n")
STALE_SHIFT = parse(
    HEADER
    + """add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
add z 0x0 len=180
remove z 0xc000000000000000
t1: remove z 0x8000000000000000
t2: add z 0x400000000000000 len=180
"""
)
MOVES = parse(HEADER + "add z 0x1\nt1: update z 0x1 fill=0x2\nt2: txg\nt2: finish\n")
CURSOR = parse(HEADER + "add z 0x0 len=180\nt1: cursor c z\nt1: next c\nt2: remove z 0x0\n")


@pytest.mark.parametrize("program", [SMALL, SPLIT, STALE_SHIFT, MOVES, CURSOR])
@pytest.mark.parametrize("release", ["2.3", "explicit-evict"])
def test_cutting_equivalent_schedules_loses_no_outcome(program: Program, release: str) -> None:
    """Blocks and failures of all schedules up to one preemption, with and without the cut."""
    target = ModelTarget(release)
    ends: list[set[object]] = []
    counts = []
    for equivalent in (True, False):
        seen: set[object] = set()

        def note(done: ThreadRun, seen: set[object] = seen) -> None:
            blocks = target.blocks("z")
            seen.add((str(done.outcome), tuple(blocks or ())))

        explored = explore(program, target, 1, equivalent=equivalent, seen=note)
        assert explored.complete
        ends.append(seen)
        counts.append(sum(explored.schedules))
    assert ends[0] == ends[1]
    # txg ops conflict with everything: there is nothing to cut
    assert counts[0] == counts[1] if program is MOVES else counts[0] < counts[1]


def test_without_preemptions_each_order_of_whole_threads_comes_once() -> None:
    assert explore(SPLIT, ModelTarget(), 0).schedules == (2,)


def test_a_search_counts_what_it_tries() -> None:
    explored = explore(STALE_SHIFT, ModelTarget(), 2)
    assert explored.complete and not explored.limits
    assert str(explored).startswith(
        f"all {sum(explored.schedules)} schedules up to 2 preemptions tried (0:2 1:"
    )
    assert [found.cost for found in explored.found] == [1]


def test_a_search_that_is_stopped_says_so() -> None:
    explored = explore(STALE_SHIFT, ModelTarget(), 2, max_runs=10)
    assert not explored.complete
    assert "not all up to 2 preemptions" in str(explored)


@pytest.mark.parametrize("release", ["2.1", "unfixed", "explicit-evict", "2.3"])
def test_the_stale_shift_of_shrink_is_found_with_one_preemption(release: str) -> None:
    explored = explore(STALE_SHIFT, ModelTarget(release), 1)
    kinds = [str(found.failure.signature) for found in explored.found]
    assert kinds == ([] if release == "2.1" else ["invariant zap:leaf-header a leaf's header is one"])


def test_the_stale_shift_is_gone_with_its_remedy() -> None:
    with REMEDIES["shrink-stale-shift"].applied():
        assert not explore(STALE_SHIFT, ModelTarget(), 2).found


def test_a_random_schedule_is_cut_to_the_fewest_switches() -> None:
    target = ModelTarget()
    for seed in range(200):
        done = run_threads(STALE_SHIFT, target, policy=RandomWalk(random.Random(seed)))
        failure = done.outcome.failure
        if failure is not None:
            assert len(done.schedule) > 3
            fewest = fewest_switches(with_schedule(STALE_SHIFT, done.schedule), target, same_as(failure))
            assert len(fewest.program.schedule) == 1 and fewest.least
            return
    pytest.fail("no random schedule fails")


def test_fewest_switches_wants_a_schedule_that_fails() -> None:
    with pytest.raises(ValueError, match="does not lead"):
        fewest_switches(STALE_SHIFT, ModelTarget(), lambda failure: True)


def test_ops_are_cut_and_the_schedule_follows() -> None:
    """Two ops more than needed; without them every switch is at another place."""
    target = ModelTarget("explicit-evict")
    program = parse(
        HEADER
        + "add z 0x0 len=180\nadd z 0x8000000000000000 len=180\nadd z 0x4000000000000000\n"
        + "remove z 0x4000000000000000\nt1: cursor c z\nt1: next c\nt1: next c\nt1: retrieve c\n"
        + "t2: remove z 0x0\nt2: remove z 0x8000000000000000\n"
    )
    found = explore(program, target, 1).found
    assert [each.failure.signature.kind for each in found] == ["use-after-free"]
    start = with_schedule(program, found[0].schedule)
    for keep in (False, True):
        small = minimize_threads(start, found[0].failure, target, keep_threads=keep, max_tries=12).program
        assert len(small.ops) < len(program.ops)
        outcome = run_threads(small, target).outcome
        assert outcome.failure is not None
        assert outcome.failure.signature.key == found[0].failure.signature.key
        if keep:
            assert has_threads(small) and len(small.schedule) == 1


def test_fit_finds_a_schedule_or_says_no() -> None:
    target = ModelTarget()
    fitted = fit(STALE_SHIFT, target, lambda failure: failure.signature.kind == "invariant", bound=1)
    assert fitted is not None and not run_threads(fitted, target).outcome.fine
    assert fit(SMALL, target, lambda failure: True, bound=1) is None


def test_switches_as_cost_count_the_choice_at_an_end_too() -> None:
    explored = explore(SPLIT, ModelTarget(), 1, cost=Cost.SWITCHES)
    assert explored.schedules[0] == 1 and explored.schedules[1] > 1


def test_command(tmp_path: Path) -> None:
    path = tmp_path / "p.zap"
    path.write_text(format_program(STALE_SHIFT))
    runner = CliRunner()
    shown = runner.invoke(main, ["explore", str(path), "--preemptions", "1", "--release", "2.3"])
    assert shown.exit_code == 1
    assert "2.3: all " in shown.output and "schedules up to 1 preemptions tried" in shown.output
    assert "# 1 switch, the fewest there can be:" in shown.output and "\nschedule " in shown.output
    fine = runner.invoke(main, ["explore", str(path), "--preemptions", "1", "--release", "2.1"])
    assert fine.exit_code == 0
    path.write_text(HEADER + "add z 0x1\n")
    without = runner.invoke(main, ["explore", str(path)])
    assert without.exit_code == 2 and "expected ops of threads" in without.output
    path.write_text("nonsense\n")
    assert runner.invoke(main, ["explore", str(path)]).exit_code == 2
    assert runner.invoke(main, ["explore", str(tmp_path / "missing.zap")]).exit_code == 2
