"""The sync of a txg as a thread on the model.

They protect that a sync in steps does what a sync in one step does, that others come between its steps, that
open context waits for what the sync has and the other way round, and what the releases do differently.
"""

from __future__ import annotations

import random

import pytest

from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import explore
from fuzz.threads.minimize_schedule import with_schedule
from fuzz.threads.parallel_run import run_threads
from fuzz.threads.scheduling_policies import RandomWalk
from fuzz.threads.thread_fuzzer import random_program
from tests.support.cases import few_and_many
from zapcore.release import RELEASES

HEADER = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
LOW, HIGH = "0x0 len=180", "0x8000000000000000 len=180"
FREED = f"add z {LOW}\nadd z {HIGH}\nsync\nremove z 0x0\nremove z 0x8000000000000000\ntxg\n"
"""Block 2 is on disk, and freed in the txg in flight."""
FREED_TWICE = parse(HEADER + FREED + f"t1: add z {LOW}\nt1: add z {HIGH}\nt2: spa_sync\n")
"""A thread makes a leaf of that block while the sync frees it."""


def world(target: ModelTarget) -> list[object]:
    """All that a sync changes."""
    objset = target.objset
    return [
        objset.in_flight,
        {number: dict(dnode.stable) for number, dnode in objset.dnodes.items()},
        {
            number: (dnode.stable_max_blkid, dnode.stable_levels, dnode.max_blkid, dnode.free_ranges)
            for number, dnode in objset.dnodes.items()
        },
        {
            (number, blkid): (dbuf.state, len(dbuf.holds), len(dbuf.dirty), dbuf.cached, dbuf.pending_evict)
            for number, dnode in objset.dnodes.items()
            for blkid, dbuf in dnode.dbufs.items()
        },
        {number: dnode.free_txg for number, dnode in objset.freed.items()},
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_steps_that_nobody_comes_between_are_the_sync_in_one_step(release: str) -> None:
    """Of random programs, the txgs in flight at the end are synced once in steps and once in one."""
    rng, model = random.Random(release), ModelTarget(release)
    compared = 0
    for _ in range(150):
        program = random_program(rng)
        alone = [op for op in program.ops if not op.thread]
        if rng.random() < 0.3:
            alone.append(Op("destroy", "z"))
        ends = []
        for verb in ("spa_sync", "finish"):
            last = [Op("txg"), *(Op(verb, thread=1) for _ in range(rng.randint(1, 1)))]
            done = run_threads(Program(program.zaps, (*alone, *last)), model, judge=False)
            if done.outcome.fine:
                ends.append(world(model))
        if ends:
            assert len(ends) == 2 and ends[0] == ends[1], program
            compared += 1
    assert compared > 100


def test_a_freed_block_is_read_while_its_pointer_goes() -> None:
    """2.4.4 does not look at the pointer again after it has asked whether the block was freed, and those of
    an object without indirect blocks are cleared under no lock; older releases look again."""
    found = explore(FREED_TWICE, ModelTarget("2.4"), 1).found
    assert [str(each.failure.signature) for each in found] == ["assertion arc.c:arc_read !BP_IS_HOLE(bp)"]
    for release in ("2.3", "unfixed"):
        assert not explore(FREED_TWICE, ModelTarget(release), 2, max_runs=150).found


def test_pointers_in_an_indirect_block_are_cleared_under_its_lock() -> None:
    """With more than three blocks the reader has the lock, and the sync waits: no release fails."""
    keys = [0x2000000000000000 * number for number in range(4)]
    more = "".join(f"add z {key:#x} len=180\n" for key in keys)
    program = parse(HEADER + more + FREED + f"t1: add z {LOW}\nt1: add z {HIGH}\nt2: spa_sync\n")
    model = ModelTarget("2.4")
    assert not explore(program, model, 1).found
    assert model.objset.dnodes[1].stable_levels == 2


@pytest.mark.parametrize("release", ["2.1", "2.3", "unfixed", "explicit-evict"])
@few_and_many(40, 200)
def test_random_schedules_of_a_sync_break_nothing(release: str, count: int) -> None:
    """Every answer, every invariant, and what the txg has written, in releases that look again."""
    rng, model = random.Random(7), ModelTarget(release)
    runs = 0
    for _ in range(count):
        program = random_program(rng)
        first = next(at for at, op in enumerate(program.ops) if op.thread)
        ops = [*program.ops[:first], Op("txg"), *program.ops[first:], Op("spa_sync", thread=4)]
        if any(op.thread and op.verb in ("txg", "sync", "finish", "evict") for op in ops):
            continue
        done = run_threads(program.with_ops(ops), model, policy=RandomWalk(rng))
        again = run_threads(with_schedule(program.with_ops(ops), done.schedule), model)
        assert str(again.outcome) == str(done.outcome)
        if done.outcome.failure is not None:
            assert "arc_read" not in str(done.outcome) and "on-disk" not in str(done.outcome)
        runs += 1
    assert runs > count // 2


def test_a_txg_that_syncs_is_waited_for() -> None:
    """While one thread syncs, another opens two txgs more: the second waits until the sync has ended, or has
    ended it before the first has begun."""
    ends = set()
    program = parse(HEADER + "add z 0x1\ntxg\nadd z 0x2\nt1: spa_sync\nt2: txg\nt2: txg\nt2: add z 0x3\n")
    for seed in range(40):
        model = ModelTarget("2.3")
        done = run_threads(program, model, policy=RandomWalk(random.Random(seed)))
        assert done.outcome.fine, done.outcome
        ends.add(tuple(model.objset.in_flight))
    assert ends == {(5, 6), (6,)}
