"""Where threads are stopped beside a sync.

They protect: that points of one kind are told apart by what becomes of the block there, so that the one of
many at which something new can be seen is tried as often as all the others.
"""

from __future__ import annotations

import random
from collections import Counter

from fuzz.language.program import Switch
from fuzz.language.syntax import load, parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.block_fates import NO_BLOCK, Fate, fate_of
from fuzz.threads.parallel_run import run_threads
from fuzz.threads.preempt_at_points import Point, Preemption, Recording
from fuzz.threads.scheduling_policies import Replay
from tests.support.paths import MUTANTS

SYNC_FIRST = (Switch(0, 9),)


def points_of(text: str, release: str = "2.4") -> list[Point]:
    """The points of a run in which the sync begins."""
    program, target = parse(text), ModelTarget(release)
    recording = Recording(Replay(SYNC_FIRST), lambda thing: fate_of(target.objset, thing))
    run_threads(program, target, policy=recording, watchers=(recording,))
    return recording.points


def test_of_many_indirect_blocks_one_is_emptied() -> None:
    """OpenZFS issue 16025 shows at this one point only."""
    program = load(MUTANTS / "search-ends-at-emptied-block.zap")
    target = ModelTarget("2.4")
    recording = Recording(Replay(SYNC_FIRST), lambda thing: fate_of(target.objset, thing))
    run_threads(program, target, policy=recording, watchers=(recording,))
    before = [point for point in recording.points if point.fate.level == 2]
    emptied = [point for point in before if point.fate.on_disk and point.fate.freed]
    assert len(before) > len(emptied) == 1
    preemption, drawn = Preemption(random.Random(1)), Counter[int]()
    for _ in range(100):
        for schedule in preemption.schedules(program.ops, recording.points, SYNC_FIRST):
            drawn.update(step for step, thread in schedule[1:2] if thread == 1)
    others = [drawn[point.step] for point in before if point not in emptied]
    assert drawn[emptied[0].step] > sum(others) / 2 > 0


def test_leaves_are_told_apart_by_what_is_left() -> None:
    """The second and last one is written when nothing else of the object is listed: OpenZFS issue 11900."""
    header = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
    points = points_of(header + "txg\nt1: seek z hole=1\nt9: spa_sync\n")
    written = [point.fate for point in points if point.what == "arc_write"]
    assert written == [Fate(0, False, 1, False, True), Fate(0, False, 1, False, False)]
    assert {point.fate for point in points if point.what == "dmu_objset_sync_done"} == {NO_BLOCK}


def test_a_block_that_a_later_txg_changes_is_told() -> None:
    header = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
    points = points_of(header + "add z 0x1\nsync\nadd z 0x2\ntxg\nadd z 0x3\nt1: count z\nt9: spa_sync\n")
    assert {point.fate.dirty for point in points if point.what == "arc_write"} == {2}
    points = points_of(header + "add z 0x1\nsync\nadd z 0x2\ntxg\ndestroy z\nt1: txg\nt9: spa_sync\n")
    assert {point.fate.freed for point in points if point.what == "arc_write"} == {True}
