"""Threads on the model: what a section means, that runs repeat, and that its judges see what they must.

They protect the scheduler (default order, switches, replay in any process), the transactions of concurrent
ops, and linearizability, lock order and locksets as judges.
"""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import DONE, Result
from fuzz.faults.seeded import applied
from fuzz.judge.oracle import Oracle
from fuzz.language.program import Op, Program, Switch, Zap
from fuzz.language.syntax import load, parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import explore
from fuzz.threads.linearizability import Event, explanations
from fuzz.threads.lock_monitor import Monitor
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.parallel_run import ThreadRun, run_threads
from fuzz.threads.programs_beside_sync import BESIDE_SYNC
from fuzz.threads.scheduler import Scheduler
from fuzz.threads.scheduling_policies import Pct, RandomWalk, Replay, pct_bound
from tests.support.paths import MUTANTS, ROOT
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, Panic
from zapcore.locks import RWLock, Threads
from zapcore.release import RELEASES
from zapcore.zap.norm import TO_LOWER

HEADER = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
SHRINK_AND_GROW = parse(
    HEADER
    + """add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
add z 0x0 len=180
remove z 0xc000000000000000
t1: remove z 0x8000000000000000
t2: add z 0x400000000000000 len=180
"""
)
EVICT = parse(
    HEADER
    + """schedule 18:2
add z 0x0 len=180
add z 0x8000000000000000 len=180
t1: cursor c z
t1: next c
t1: next c
t1: retrieve c
t2: remove z 0x0
t2: remove z 0x8000000000000000
"""
)


def order(program: Program, schedule: tuple[Switch, ...] = ()) -> list[int]:
    seen: list[int] = []
    done = run_threads(
        with_schedule(program, schedule),
        ModelTarget(),
        trace=lambda index, op, result: seen.append(index),
    )
    assert done.outcome.fine
    return seen


def test_default_runs_a_thread_to_its_end_and_thread_0_before_and_after() -> None:
    text = "add z 0x1\nt2: add z 0x2\nt1: add z 0x3\nt1: count z\nt2: count z\ncount z\n"
    program = parse(HEADER + text)
    assert order(program) == [0, 2, 3, 1, 4, 5]
    assert order(program, (Switch(0, 2),)) == [0, 1, 4, 2, 3, 5]


def test_a_switch_to_a_thread_that_cannot_run_is_passed_over() -> None:
    done = run_threads(with_schedule(SHRINK_AND_GROW, (Switch(3, 7), Switch(5000, 1))), ModelTarget())
    assert done.outcome.fine
    assert done.schedule == ()


def test_the_recorded_schedule_repeats_a_random_run() -> None:
    for seed in range(60):
        first = run_threads(SHRINK_AND_GROW, ModelTarget(), policy=RandomWalk(random.Random(seed)))
        again = run_threads(with_schedule(SHRINK_AND_GROW, first.schedule), ModelTarget())
        assert str(again.outcome) == str(first.outcome)
        assert (again.schedule, again.points, again.preemptions) == first[1:]


def test_threads_after_a_crash_are_scheduled_and_watched() -> None:
    """A crash loses what is in memory; whoever schedules and watches threads is none of that."""
    lines = "add z 0x1\nsync\nreopen\nt1: add z 0x2\nt1: add z 0x3\nt2: remove z 0x1\n"
    rest, crashed = parse(HEADER + lines), parse(HEADER + lines.replace("reopen", "crash"))
    for seed in range(20):
        ended = run_threads(rest, ModelTarget(), policy=RandomWalk(random.Random(seed)))
        done = run_threads(crashed, ModelTarget(), policy=RandomWalk(random.Random(seed)))
        assert done.outcome.fine and done.points > 20
        assert done[1:] == ended[1:]


def test_no_threads_while_reads_fail() -> None:
    """A read fails during one op, which begins with nothing in memory; that means nothing beside threads."""
    text = "add z 0x1\nfail z block=7\n{}t1: count z\n"
    limit = run_threads(parse(HEADER + text.format("")), ModelTarget()).outcome.limit
    assert limit == "a parallel section while reads of z fail: they fail during one op alone"
    assert run_threads(parse(HEADER + text.format("heal z\n")), ModelTarget()).outcome.fine


REPLAY = """
import json, sys
from fuzz.language.syntax import load, parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.parallel_run import run_threads
for text in json.load(sys.stdin):
    target = ModelTarget("2.3")
    done = run_threads(parse(text), target)
    print(done.outcome, done.points, [block.hex() for block in target.blocks("z")])
"""


def test_setups_that_share_audits_run_and_are_judged_as_others() -> None:
    rng, model = random.Random(4), ModelTarget("2.3")
    for _ in range(20):
        program = BESIDE_SYNC.draw(rng)
        schedule = run_threads(program, model, policy=RandomWalk(random.Random(1))).schedule
        runs = [
            run_threads(with_schedule(program, schedule), model, share_audits=share)
            for share in (False, True)
        ]
        assert runs[0] == runs[1]
    with applied("undirty-keeps-hold"):
        witness = load(MUTANTS / "undirty-keeps-hold.zap")
        failures = [
            run_threads(witness, model, share_audits=share).outcome.failure for share in (False, True)
        ]
    assert failures[0] is not None and failures[1] is not None
    assert failures[0].signature == failures[1].signature


def test_schedules_repeat_across_processes() -> None:
    """The long form, 1,000 of 1,000, is measured by hand; here 30 schedules in 3 processes."""
    from fuzz.language.printing import format_program

    texts = []
    for seed in range(30):
        first = run_threads(SHRINK_AND_GROW, ModelTarget(), policy=RandomWalk(random.Random(seed)))
        texts.append(format_program(with_schedule(SHRINK_AND_GROW, first.schedule)))
    outputs = set()
    for hash_seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", REPLAY],
            input=json.dumps(texts), env=environment, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert len(done.stdout.splitlines()) == 30
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_the_explicit_evict_frees_a_leaf_that_another_thread_is_at() -> None:
    outcome = run(EVICT, ModelTarget("explicit-evict"))
    assert str(outcome) == "use-after-free rwlock:rw_enter l->l_rwlock is not freed"
    assert outcome.failure is not None
    text = outcome.failure.text
    assert outcome.failure.op == 5
    assert "Thread 1 failed in op 5, t1: retrieve c:\n rw_enter\n fzap_cursor_retrieve" in text
    assert "Freed by thread 2:\n zap_leaf_evict_sync\n zap_shrink" in text
    for release in ("2.1", "unfixed", "2.3"):
        assert run(EVICT, ModelTarget(release)).fine


def test_a_panic_shows_the_other_threads_stack() -> None:
    """t2 stands in the middle of its remove when t1's retrieve meets the freed leaf."""
    program = Program(EVICT.zaps, (*EVICT.ops, Op("count", "z", thread=2)))
    for step in range(60, 130):
        done = run_threads(
            with_schedule(program, (Switch(18, 2), Switch(step, 1))), ModelTarget("explicit-evict")
        )
        failure = done.outcome.failure
        if failure is not None and "\nThread 2 in op" in failure.text:
            assert "\nThread 1 failed in op 5" in failure.text
            assert " zap_remove" in failure.text or " zap_count" in failure.text
            return
    pytest.fail("no switch leaves thread 2 inside an op")


def test_a_txg_does_not_sync_before_its_transactions_commit() -> None:
    """t1 is stopped in its add; t2 opens the next txg and finishes the one that t1's add is in."""
    program = parse(HEADER + "t1: add z 0x1\nt1: add z 0x2\nt2: txg\nt2: finish\nt2: add z 0x3\n")
    orders = set()
    for step in range(4, 16):
        target = ModelTarget()
        done: list[int] = []
        outcome = run_threads(
            with_schedule(program, (Switch(step, 2),)),
            target,
            trace=lambda index, op, result, done=done: done.append(index),  # type: ignore[misc]
        ).outcome
        assert outcome.fine, step
        orders.add(tuple(done))
        assert done.index(0) < done.index(3), "the finish waits for the first add"
    assert (2, 0, 3, 4, 1) in orders or (2, 0, 1, 3, 4) in orders


def test_only_one_txg_quiesces_at_a_time() -> None:
    """t1 is stopped in its add; t2 opens the next txg at once, but the one after only when the add is done
    (txg_quiesce_thread in txg.c)."""
    program = parse(HEADER + "t1: add z 0x1\nt2: txg\nt2: txg\nt2: count z\n")
    orders = set()
    for step in range(1, 10):
        done: list[int] = []
        run_threads(
            with_schedule(program, (Switch(step, 2),)),
            ModelTarget(),
            trace=lambda index, op, result, done=done: done.append(index),  # type: ignore[misc]
        )
        orders.add(tuple(done))
    assert orders == {(1, 0, 2, 3)}


def test_deadlock_is_a_panic_with_all_stacks() -> None:
    threads = Threads()
    first, second = RWLock(threads, "first", (1, 1)), RWLock(threads, "second", (1, 2))

    def take(one: RWLock, other: RWLock) -> None:
        one.enter_write()
        other.enter_write()

    scheduler = Scheduler(threads, Replay([Switch(2, 2)]))
    try:
        with pytest.raises(Panic) as caught:
            scheduler.run({1: lambda: take(first, second), 2: lambda: take(second, first)})
        assert caught.value.kind is Kind.DEADLOCK
        assert scheduler.failed == 2 and caught.value.stack == ("rw_enter",)
        assert scheduler.stacks() == {1: ("rw_enter",)}
    finally:
        scheduler.abandon()


@pytest.mark.parametrize(("writers_first", "expected"), [(False, [1, 3, 2]), (True, [1, 2, 3])])
def test_a_waiting_writer_keeps_readers_out_by_policy_only(writers_first: bool, expected: list[int]) -> None:
    threads = Threads()
    lock = RWLock(threads, "lock")
    got: list[int] = []

    def reader(number: int) -> None:
        lock.enter_read()
        got.append(number)
        lock.exit()

    def writer() -> None:
        lock.enter_write()
        got.append(2)
        lock.exit()

    # 1 has it as reader and stops before letting it go; 2 comes to write, 3 to read
    def first() -> None:
        lock.enter_read()
        got.append(1)
        scheduler.point("hold", (1, 0))
        lock.exit()

    scheduler = Scheduler(
        threads, Replay([Switch(2, 2), Switch(3, 3)] if not writers_first else [Switch(2, 2)]),
        writers_first=writers_first,
    )  # fmt: skip
    scheduler.run({1: first, 2: writer, 3: lambda: reader(3)})
    assert got == expected


def history(*events: tuple[str, int, int, int]) -> list[Event]:
    return [
        Event(place, Op(verb, "z", None if verb == "count" else (1,), 1, 1), began, ended, Result(code))
        for place, (verb, began, ended, code) in enumerate(events)
    ]


def test_linearizability_takes_every_order_that_overlap_allows_and_no_other() -> None:
    program = Program((Zap("z", words=1, prehashed=True, hash64=True),), ())
    add, remove = ("add", 0, 2, 0), ("remove", 1, 3, 0)
    ends = explanations(Oracle(program), history(add, remove))
    assert [end.state.entries["z"] for end in ends] == [{}]
    wrong = history(("add", 0, 1, 0), ("add", 2, 3, 0))
    assert not explanations(Oracle(program), wrong)
    late = history(("remove", 0, 1, 0), ("add", 2, 3, 0))
    assert not explanations(Oracle(program), late), "an op that ended before cannot come after"
    fails = history(("add", 0, 9, 0), ("add", 1, 8, errno.EEXIST))
    assert len(explanations(Oracle(program), fails)) == 1


def test_linearizability_is_judged_by_what_the_release_makes_of_names() -> None:
    """In 2.4 the flag does nothing, so a name has another hash."""
    program = Program(
        (Zap("z", fat=False, norm=TO_LOWER),), (Op("add", "z", b"A", 8, 1), Op("remove", "z", b"A"))
    )
    for release in ("2.3", "2.4"):
        oracle = Oracle(program, RELEASES[release])
        events = [Event(place, op, 0, 5, DONE) for place, op in enumerate(program.ops)]
        assert [end.state.entries for end in explanations(oracle, events)] == [{"z": {}}]


@pytest.mark.parametrize(("release", "times"), [("2.4", 4), ("master", 1)])
def test_who_writes_already_keeps_the_lock_on_master(
    release: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """zap_lock_upgrade() does nothing then; until 2.4 the lock is dropped for each split at a full table."""
    taken: list[str] = []
    enter = RWLock.enter_write

    def noted(lock: RWLock) -> None:
        taken.append(lock.name)
        enter(lock)

    monkeypatch.setattr(RWLock, "enter_write", noted)
    program = parse(
        "zap z fat key=u64 prehashed leaf_shift=9\nadd z 0x0 len=148\nadd z 0x100000000000000 len=148\n"
    )
    target = ModelTarget(release)
    target.begin(program)
    target.apply(program.ops[0])
    taken.clear()
    assert target.apply(program.ops[1]).errno == 0
    assert taken.count("zap->zap_rwlock") == times


def test_linearizability_gives_every_state_that_may_be_left() -> None:
    program = Program((Zap("z", words=1, prehashed=True, hash64=True),), ())
    both = [
        Event(place, Op("update", "z", (1,), 1, 1, fill=place), 0, 5, DONE) for place in (0, 1)
    ]  # fmt: skip
    ends = [end.state.entries["z"] for end in explanations(Oracle(program), both)]
    values = {entries and entries[1,].data for entries in ends}
    assert values == {b"\0", b"\1"}


@pytest.mark.parametrize(
    ("ops", "says"),
    [
        ("t1: reopen\nt2: count z\n", "reopen"),
        ("t1: allocate\nt2: count z\n", "allocate"),
        ("t1: cursor c z\nt2: next c\n", "cursor c"),
        ("".join(f"t{1 + place % 2}: count z\n" for place in range(17)), "17 ops"),
    ],
)
def test_what_a_section_cannot_hold_is_a_limit(ops: str, says: str) -> None:
    outcome = run(parse(HEADER + ops), ModelTarget())
    assert outcome.limit is not None and says in outcome.limit


def test_pct_knows_its_bound_and_keeps_it() -> None:
    """A bug of depth 2: t2's whole body between two points of t1."""
    assert pct_bound(2, 10, 2) == 1 / 20
    hits = 0
    for seed in range(400):
        done = run_threads(SHRINK_AND_GROW, ModelTarget(), policy=Pct(random.Random(seed), 2, 92))
        hits += not done.outcome.fine
    assert hits >= 400 * pct_bound(2, 92, 2)


def test_the_models_functions_are_themselves_again_after_a_run() -> None:
    from zapcore.zap import leaf, ptrtbl

    before = (leaf.lookup, leaf.entry_create, ptrtbl.load, RWLock.destroy)
    run_threads(SHRINK_AND_GROW, ModelTarget(), policy=RandomWalk(random.Random(1)))
    run(EVICT, ModelTarget("explicit-evict"))
    assert (leaf.lookup, leaf.entry_create, ptrtbl.load, RWLock.destroy) == before
    assert Monitor(Objset(RELEASES["2.3"])).wrapped == []


def test_without_threads_no_scheduler_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object, **options: object) -> ThreadRun:
        raise AssertionError

    monkeypatch.setattr("fuzz.threads.parallel_run.run_threads", never)
    assert run(Program(SHRINK_AND_GROW.zaps, SHRINK_AND_GROW.ops[:4]), ModelTarget()).fine


def test_names_that_match_without_case_are_judged_too() -> None:
    """Two names of one normal form, added at once; the oracle's state has an order of them."""
    text = (
        'zap z fat hash64 leaf_shift=9 norm=16\nadd z "a"\nt1: add z "B"\nt1: remove z "b"\nt2: add z "b"\n'
    )
    explored = explore(parse(text + 'lookup_norm z "B" match=1\n'), ModelTarget(), 1)
    assert sum(explored.schedules) > 2 and not explored.found and not explored.limits
