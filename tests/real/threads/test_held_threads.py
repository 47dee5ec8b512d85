"""Real threads on the real library, held where a schedule stops them.

They protect that switches are forced where the model makes them (every schedule of a small program gives
the model's results and blocks, again and again), that what is not forced is said, that the findings of two
threads show on the real code, that nothing hangs or is left over, and what a machine without compiler is
told.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.execution.execute import run
from fuzz.judge.signature import Failure
from fuzz.language.printing import format_program
from fuzz.language.program import Op, Program, Switch
from fuzz.language.syntax import load, parse
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.packages.compile_once import compiled
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.parallel_run import run_threads
from fuzz.threads.programs_of_names import program_of_names
from fuzz.threads.real.compare_with_model import compare, every_schedule
from fuzz.threads.real.held_run import HeldRun, model_for, run_held
from fuzz.threads.real.held_target import HOLD_SOURCES, HeldTarget
from fuzz.threads.real.section_request import EXACT
from fuzz.threads.real.soak import BESIDE_SYNC, scheduled
from fuzz.threads.real.turn_plan import COMMIT, Point, SectionPlan, Turn, What, make_plan
from tests.support.cases import few_and_many, only_now
from tests.support.paths import CORPUS

Make = Callable[..., HeldTarget]
HEADER = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
RACE = parse(
    HEADER + "add z 0x1\nt1: update z 0x1 fill=1\nt1: count z\nt2: remove z 0x1\nt2: add z 0x1 fill=2\n"
)
"""Its results, and what is left, depend on who comes first where."""


def as_on_model(program: Program, real: HeldTarget, model: ModelTarget) -> HeldRun:
    """Run on both; results, blocks and outcome must be the same."""
    run, difference, _ = compare(program, real, model)
    assert not difference, format_program(program)
    return run


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_every_schedule_is_forced_and_ends_as_on_the_model(held: Make, release: str) -> None:
    """All schedules of a race up to two preemptions, each three times: the wanted order N times of N."""
    real, model = held(release), ModelTarget(release)
    programs = every_schedule(RACE, model, 2)
    chosen = programs[:: max(1, len(programs) // 12)]
    ends = set()
    for program in chosen:
        for _ in range(3):
            done = as_on_model(program, real, model)
            assert done.all_forced and not done.divergences
            assert len(done.forced) == len(program.schedule)
        ends.add(tuple(done.blocks["z"] or ()))
    assert len(chosen) >= 10 and len(ends) >= 2, "what is left does not depend on the schedule"


TABLE_OVERWRITTEN = parse("""
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=180
add z 0x100000000000000 len=180
t1: add z 0x8000000000000000 len=180
t1: add z 0xc000000000000000 len=180
t1: remove z 0x8000000000000000
t1: remove z 0xc000000000000000
t1: add z 0x8000000000000000 len=180
t1: add z 0xc000000000000000 len=180
t2: count z
""")
"""A section at whose end a leaf lies where the pointer table does (zap-trunc-next-table-overwrite)."""


def test_what_is_broken_on_both_is_the_same_if_blocks_and_dbufs_are(held: Make) -> None:
    """One damage breaks several invariants; the model's auditor comes to another one first than who reads all
    bytes."""
    run = as_on_model(TABLE_OVERWRITTEN, held("2.4"), ModelTarget("2.4"))
    for outcome in (run.outcome, run.model):
        assert outcome.failure is not None and outcome.failure.signature.kind == "invariant"
    assert str(run.outcome) != str(run.model) and run.blocks["z"]


def test_what_is_broken_before_threads_begin_ends_both_there(held: Make) -> None:
    """zap_freeblk is wrong on the model after a removal; on the library nobody has looked."""
    alone = TABLE_OVERWRITTEN.with_ops([op._replace(thread=0) for op in TABLE_OVERWRITTEN.ops[:-3]])
    program = alone.with_ops([*alone.ops, *TABLE_OVERWRITTEN.ops[-3:]])
    run = as_on_model(program, held("2.4"), ModelTarget("2.4"))
    assert run.outcome.fine and run.blocks["z"] and run.model.failure is not None
    assert run.model.failure.op == run.outcome.ops - 1


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_threads_after_a_crash_are_forced_and_end_as_on_the_model(held: Make, release: str) -> None:
    """The same race in the pool that is there after a crash; some of its schedules, once each."""
    real, model = held(release), ModelTarget(release)
    program = RACE.with_ops([RACE.ops[0], Op("sync"), Op("crash"), *RACE.ops[1:]])
    programs = every_schedule(program, model, 2)
    assert len(programs) >= 20
    for chosen in programs[:: len(programs) // 5]:
        done = as_on_model(chosen, real, model)
        assert done.all_forced and len(done.forced) == len(chosen.schedule)


@pytest.mark.parametrize("release", ["2.3", "2.4"])
def test_how_large_a_micro_zap_may_be_does_not_outlive_its_program(held: Make, release: str) -> None:
    """One limit for the whole process: what a thread has set for one program, the next one sets again."""
    real, model = held(release), ModelTarget(release)
    as_on_model(parse("zap z micro micro_max_size=1536\nt1: count z\n"), real, model)
    adds = "".join(f'add z "{each}" int=8\n' for each in range(30))
    as_on_model(parse(f"zap z micro\n{adds}t1: count z\n"), real, model)
    assert [len(block) for block in model.blocks("z") or ()] == [2048], "it is a micro ZAP still"


@only_now("release", ["2.3"], ["2.1", "2.3", "2.4"])
@few_and_many(10, 40)
def test_random_programs_and_schedules_end_as_on_the_model(held: Make, release: str, count: int) -> None:
    """Every kind of ZAP, splits, shrinks, growing tables, cursors and txgs, at random switches: same results,
    same blocks. What cannot be seen is little: a new leaf's lock in 2.1, a block that gets another size."""
    real, model, rng = held(release), ModelTarget(release), random.Random(11)
    turns = exact = 0
    for _ in range(count):
        program = scheduled(rng, model)
        if program is not None:
            done = as_on_model(program, real, model)
            turns, exact = turns + done.turns, exact + done.exact_turns
    assert turns > 3 * count and exact >= 0.97 * turns


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@few_and_many(10, 40)
def test_threads_beside_a_sync_end_as_on_the_model(held: Make, release: str, count: int) -> None:
    """Random programs, whose threads run between the steps of a sync: same results, same blocks, same dbufs.
    A step that is not forced is one that OpenZFS's threads take by themselves."""
    real, model, rng = held(release), ModelTarget(release), random.Random(12)
    turns = exact = 0
    for _ in range(count):
        program = scheduled(rng, model, BESIDE_SYNC)
        if program is not None:
            done = as_on_model(program, real, model)
            turns, exact = turns + done.turns, exact + done.exact_turns
    # an object that goes beside its sync cannot be forced throughout: one such program of ten weighs much
    assert turns > 5 * count and exact >= (0.95 if count > 10 else 0.85) * turns


WITH_INDIRECT = """schedule 0:9 31:1
add z 0x1000000000000000 len=180
add z 0x9000000000000000 len=180
add z 0x5000000000000000 len=180
add z 0xd000000000000000 len=180
txg
remove z 0x1000000000000000
txg
t1: lookup z 0x9000000000000000 len=180
t9: spa_sync
t9: spa_sync
"""
"""The first of the two writes an indirect block, which has no dbuf on the model: nobody stops there."""


@pytest.mark.parametrize("release", ["2.1", "2.4"])
def test_a_sync_after_one_that_wrote_an_indirect_block_is_stopped_where_the_model_says(
    held: Make, release: str
) -> None:
    done = as_on_model(parse(HEADER + WITH_INDIRECT), held(release), ModelTarget(release))
    assert done.all_forced and not done.divergences


@only_now("release", ["2.3"], ["2.1", "2.3", "2.4"])
@few_and_many(20, 40)
def test_threads_on_names_end_as_on_the_model(held: Make, release: str, count: int) -> None:
    """Directories whose names are locked one by one, micro ZAPs that grow and become fat, ZAPs that are
    destroyed: same results, same blocks, same dbufs, and who waits for a name waits on both sides."""
    real, model, rng = held(release), ModelTarget(release), random.Random(14)
    turns = exact = 0
    verbs: set[str] = set()
    for _ in range(count):
        program = scheduled(rng, model, (program_of_names,))
        if program is not None:
            done = as_on_model(program, real, model)
            turns, exact = turns + done.turns, exact + done.exact_turns
            verbs |= {op.verb for op in program.ops if op.thread}
    assert turns > 3 * count and exact >= 0.97 * turns
    assert verbs >= {"touch", "rename", "readdir", "destroy", "increment", "dirlook"}


FINDINGS = ("zap-shrink-stale-shift", "zap-shrink-stale-shift-table")


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_of_two_threads_show_on_the_real_library(held: Make, name: str) -> None:
    """OpenZFS 2.3.2 itself fails as the model does, every time, with every switch forced."""
    program, real = load(CORPUS / "findings" / name / "program.zap"), held("2.3")
    model = model_for(real)
    plan = make_plan(program, model)
    for _ in range(3):
        done = run_held(program, real, model, plan=plan)
        assert str(done.outcome) == str(done.model) == str(plan.model.outcome)
        assert not done.outcome.fine and done.all_forced
        assert [each.exact for each in done.forced] == [True]


def test_a_panic_names_the_thread_and_shows_the_other_ones_stack(held: Make) -> None:
    """t1 stands in the middle of a count when t2's shrink meets the freed block."""
    finding = load(CORPUS / "findings" / FINDINGS[0] / "program.zap")
    program = Program(finding.zaps, (*finding.ops, Op("count", "z", thread=1)), finding.schedule)
    model = ModelTarget("2.3")
    for step in range(60, 140):
        scheduled = with_schedule(program, (*finding.schedule, Switch(step, 2)))
        expected = run_threads(scheduled, model).outcome.failure
        if expected is not None and "\nThread 1 in op 5" in expected.text:
            break
    failure = run_held(scheduled, held("2.3"), model).outcome.failure
    assert expected is not None and failure is not None and failure.op == expected.op == 4
    assert "\nThread 2 failed in op 4, t2: remove z 0x2200000000000000:\n zap_get_leaf_byblk" in failure.text
    assert "\nThread 1 in op 5, t1: count z:\n" in failure.text
    assert failure.text.endswith("\n zap_count") or "\n zap_count\n" in failure.text
    assert "fzap_remove" in failure.signature.stack


def test_what_cannot_be_forced_is_said(held: Make) -> None:
    """2.1 locks a new leaf before anybody else can know of it; there nobody can be stopped."""
    program = parse(HEADER + "add z 0x0 len=180\nt1: add z 0x8000000000000000 len=180\nt2: count z\n")
    model = ModelTarget("2.1")
    at = make_plan(program, model).sections[0].points[1].index(Point(What.WRITE, 0, 2))
    done = run_held(with_schedule(program, (Switch(at + 1, 2),)), held("2.1"), model)
    assert done.outcome.fine and not done.all_forced
    (switch,) = done.forced
    assert switch.text == "t1 stops where it takes z's leaf 2 as writer, t2 goes on"
    assert not switch.exact and switch.reached
    assert switch.why == "the next that can be seen: has let z's leaf 1 go"


def test_a_hang_is_bounded_and_the_next_program_runs(held: Make) -> None:
    """t1 stops inside its transaction, and t2 exports the pool (no program may ask for that here): it waits
    for the txg to sync, which nobody can see."""
    real = held("2.3", 2)
    real.begin(Program(RACE.zaps, ()))
    pid = real.worker_pid
    ops = [Op("add", "z", (1,), 1, 1, thread=1), Op("reopen", thread=2)]
    plan = SectionPlan({1: [Point(What.HOLD, 0, 0)], 2: []}, [Turn(1, 1, 2, -1), Turn(2, -1, 0, -1)], -1)
    began = time.monotonic()
    ended = real.section(ops, plan)
    assert time.monotonic() - began < 15
    assert isinstance(ended.failure, Failure) and str(ended.failure.signature) == "hang ?:reopen no answer"
    assert "\nThread 1 in op 0, t1: add z 0x1:" in ended.failure.text
    assert "zap_add_uint64" in ended.failure.text
    assert ended.marks[0] == EXACT and ended.results == [None, None]
    assert not Path(f"/proc/{pid}").exists()
    assert run_held(RACE, real, ModelTarget("2.3")).outcome.fine


def test_nothing_is_left_over(held: Make, tmp_path: Path) -> None:
    """Workers end, after a panic as well, and threads of a section end with it."""
    real = held("2.3")
    finding = load(CORPUS / "findings" / FINDINGS[0] / "program.zap")
    before = len(os.listdir("/proc/self/fd"))
    pids = set()
    for program in (RACE, finding, RACE, finding, RACE):
        run_held(program, real, ModelTarget("2.3"))
        pids.add(real.worker_pid)
    counts = []
    for _ in range(6):
        run_held(RACE, real, ModelTarget("2.3"))
        counts.append(len(os.listdir(f"/proc/{real.worker_pid}/task")))
    assert counts[-1] - counts[0] < len(counts) - 1, "OpenZFS's own threads may come and go"
    real.close()
    assert not any(pid and Path(f"/proc/{pid}").exists() for pid in pids)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_only_what_is_built_is_left_in_the_cache(held: Make, tmp_path: Path) -> None:
    held("2.3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZAPFUZZ_CACHE", str(tmp_path))
        built = compiled.__wrapped__("fuzz.threads.real", "hold", "a test", HOLD_SOURCES)
    assert list(tmp_path.rglob("*")) == [built.parent, built]


def test_a_thread_that_leaves_the_models_path_is_noticed(held: Make) -> None:
    """The entry is there already, which the model does not know: the real add takes another way."""
    real, model = held("2.3"), ModelTarget("2.3")
    program = parse(HEADER + "t1: add z 0x1\nt2: add z 0x2\n")
    real.begin(program)
    real.apply(Op("add", "z", (1,), 1, 1))
    plan = make_plan(program, model)
    ended = real.section(program.ops, plan.sections[0])
    assert [result.errno for result in ended.results if result is not None] == [17, 0]
    assert list(ended.answer.divergences) == [1]


def test_the_command_counts_outcomes_and_says_what_was_forced(held: Make) -> None:
    held("2.3")
    name = CORPUS / "findings" / FINDINGS[1] / "program.zap"
    done = CliRunner().invoke(main, ["force", str(name), "--repeat", "4"])
    assert done.exit_code == 1
    assert "forced 4 of 4: step 14: t1 stops where it takes z as writer, t2 goes on\n" in done.output
    assert "\n4 of 4: invariant zap:leaf-header a leaf's header is one\n" in done.output
    done = CliRunner().invoke(main, ["force", str(CORPUS / "seeds" / "threads-split.zap"), "--repeat", "2"])
    assert done.exit_code == 0 and "\n2 of 2: fine\n" in done.output
    done = CliRunner().invoke(main, ["force", str(CORPUS / "seeds" / "same-hash.zap")])
    assert done.exit_code == 2 and "ops of threads" in done.output


def test_the_command_tries_every_schedule(held: Make) -> None:
    """Those that fail, fail on the model too; none differs."""
    held("2.3")
    name = str(CORPUS / "seeds" / "threads-grow.zap")
    done = CliRunner().invoke(main, ["force", name, "--preemptions", "1"])
    assert done.exit_code == 1
    assert "up to 1 preemptions" in done.output and "; 0 differ from model 2.3" in done.output
    assert ": invariant zap:leaf-header a leaf's header is one\n  first: schedule " in done.output


def test_threads_that_nobody_holds_are_judged_too(held: Make) -> None:
    """Whatever order comes by itself, some order explains it; no turn is counted."""
    real, model = held("2.3"), ModelTarget("2.3")
    for _ in range(50):
        done = run_held(RACE, real, model, free=True, keep_blocks=True)
        assert done.outcome.fine and done.outcome.ops == len(RACE.ops)
        assert (done.turns, done.forced) == (0, [])
    done = run_held(parse(HEADER + "t1: add z 0x1\nt2: txg\n"), real, model, free=True)
    assert done.outcome.limit == "txg beside threads that nobody holds"
    text = CliRunner().invoke(main, ["force", str(CORPUS / "seeds" / "threads-split.zap"), "--free"]).output
    assert "no thread was held\n10 of 10: fine\n" in text


def test_a_difference_is_seen(held: Make) -> None:
    """The library of 2.1 does not shrink, the model of 2.3 does."""
    text = HEADER + "add z 0x0 len=180\nadd z 0x8000000000000000 len=180\nt1: remove z 0x0\n"
    program = parse(text + "t2: remove z 0x8000000000000000\n")
    run, difference, _ = compare(program, held("2.1"), ModelTarget("2.3"))
    assert difference.startswith("z: block 0: header, zap_freeblk: model 0x2, real 0x3") and run.divergences


def test_run_and_replay_hold_threads_too(held: Make, libzpool: Callable[..., LibzpoolTarget]) -> None:
    held("2.3")
    program = load(CORPUS / "findings" / FINDINGS[1] / "program.zap")
    target = libzpool("2.3")
    assert str(run(program, target)) == "invariant zap:leaf-header a leaf's header is one"
    assert str(run(with_schedule(program, ()), target)) == "fine"


def test_without_a_compiler_one_line_says_so(
    held: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = held("2.3").library
    monkeypatch.setenv("ZAPFUZZ_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    compiled.cache_clear()
    try:
        program = str(CORPUS / "seeds" / "threads-split.zap")
        done = CliRunner().invoke(main, ["force", program, "--libzpool", str(library)])
        assert done.exit_code == 2
        assert done.output.startswith("zapfuzz: holding real threads needs a C compiler")
        assert done.output.count("\n") == 1
        compiler = tmp_path / "cc"
        compiler.write_text("#!/bin/sh\necho 'hold.c:1: no such thing' >&2\nexit 1\n")
        compiler.chmod(0o755)
        done = CliRunner().invoke(main, ["force", program, "--libzpool", str(library)])
        assert done.exit_code == 2 and "cannot compile hold.c: hold.c:1: no such thing" in done.output
        assert not list(tmp_path.glob("hold/*.so"))
    finally:
        compiled.cache_clear()


def test_plan_says_who_stops_where() -> None:
    """Turns, and which of them a switch of the schedule ends."""
    program = with_schedule(parse(HEADER + "t1: count z\nt2: count z\n"), (Switch(0, 2), Switch(3, 1)))
    (section,) = make_plan(program, ModelTarget("2.3")).sections
    assert section.first == 0
    assert section.turns == [Turn(2, 3, 1, 1), Turn(1, -1, 2, -1), Turn(2, -1, 0, -1)]
    assert section.points[1] == section.points[2]
    assert section.points[1][0] == Point(What.HOLD, 0, 0)
    assert section.points[1][-1] == Point(What.OWN, -1, COMMIT)
