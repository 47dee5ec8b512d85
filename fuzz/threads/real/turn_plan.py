"""What the real threads are to do: the model's run of a program, as turns of threads, and at which point each
turn ends.

A point is written down as the real side can see it: what is about to happen there (or what has just happened,
if it is an exit), in which ZAP of the header, and in which block. Nothing here knows the library.
"""

from __future__ import annotations

import enum
import itertools
from collections import Counter
from collections.abc import Container, Sequence
from typing import NamedTuple

from fuzz.execution.result import Trace
from fuzz.language.program import Op, Program
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.lock_monitor import COUNT_LOCK
from fuzz.threads.parallel_run import ThreadedRun, ThreadRun
from fuzz.threads.scheduling_policies import Replay, default
from zapcore.locks import RWLock


class What(enum.IntEnum):
    """Kinds of points; the numbers are those of hold.c."""

    START = 0
    READ = 1
    WRITE = 2
    EXIT = 3
    MUTEX = 4
    UNMUTEX = 5
    HOLD = 6
    RELE = 7
    OWN = 8
    LIST_REMOVE = 9
    LIST_INSERT = 10
    DNODE_SYNC = 11
    KILL = 12
    CLEARED = 13
    FORGOTTEN = 14
    DB_MTX = 15
    ARC_WRITE = 16
    READY = 17
    DONE = 18
    INCREASE = 19
    EVICT = 20
    SYNC_DONE = 21
    FREE_RANGE = 22
    BLOCK_FREED = 23
    ABOVE_READY = 24


COMMIT, TXG, LOCK = 1, 2, 3
"""Points of our own: an op has ended; the open txg is about to move, or must; a lock of a caller is held."""

ANCHORS = frozenset(What) - {What.START, What.HOLD, What.RELE, What.BLOCK_FREED}
"""Points that both sides have in the same number and order. Holds and releases between two of them, and
reads, may come more often in the real code: the model holds a block of the table once for several entries."""

_STEPS = {
    "multilist_sublist_remove": What.LIST_REMOVE,
    "multilist_insert": What.LIST_INSERT,
    "dnode_sync": What.DNODE_SYNC,
    "dsl_dataset_block_kill": What.KILL,
    "mutex_enter": What.CLEARED,
    "mutex_exit": What.FORGOTTEN,
    "db_mtx": What.DB_MTX,
    "arc_write": What.ARC_WRITE,
    "dbuf_write_ready": What.READY,
    "dbuf_write_done": What.DONE,
    "indirect_ready": What.ABOVE_READY,
    "rw_enter": What.INCREASE,
    "dnode_evict_dbufs": What.EVICT,
    "dmu_objset_sync_done": What.SYNC_DONE,
    "dbuf_free_range": What.FREE_RANGE,
    "dnode_block_freed": What.BLOCK_FREED,
}
"""The points of `zapcore.dmu.spa_sync`."""

_WORDS = {
    What.READ: "takes {} as reader",
    What.WRITE: "takes {} as writer",
    What.EXIT: "has let {} go",
    What.MUTEX: "takes the entry counter's mutex of {}",
    What.UNMUTEX: "has let the entry counter's mutex of {} go",
    What.HOLD: "holds the dbuf of {}",
    What.RELE: "releases the dbuf of {}",
    What.LIST_REMOVE: "takes {} off the list of dirty dnodes",
    What.LIST_INSERT: "puts {} on the list of synced dnodes",
    What.DNODE_SYNC: "syncs {}",
    What.KILL: "frees a block of {} on disk",
    What.CLEARED: "has cleared the pointers of a freed range of {}",
    What.FORGOTTEN: "has forgotten what was freed of {}",
    What.DB_MTX: "takes db_mtx of {}",
    What.ARC_WRITE: "writes {}",
    What.READY: "sets the pointer of {}",
    What.ABOVE_READY: "sets the pointer of an indirect block of {}",
    What.DONE: "drops the dirty record of {}",
    What.INCREASE: "gives {} another level",
    What.EVICT: "evicts the dbufs of {}",
    What.SYNC_DONE: "has synced all objects",
    What.FREE_RANGE: "has noted a range to free of {}, from block {block}",
    What.BLOCK_FREED: "has seen a pointer in {} that is no hole",
}
_OWN_WORDS = {
    COMMIT: "has ended an op",
    TXG: "moves the open txg",
    LOCK: "takes a lock that its caller holds",
}
_OF_BLOCK = frozenset(
    {What.HOLD, What.RELE, What.DB_MTX, What.ARC_WRITE, What.READY, What.DONE, What.BLOCK_FREED}
)


class Point(NamedTuple):
    """`zap` is the index of the header line, `block` the number of the block, for OWN what it is."""

    what: What
    zap: int = -1
    block: int = 0

    def describe(self, names: Sequence[str]) -> str:
        """What a thread that stands here does next, or has just done."""
        if self.what is What.OWN:
            return _OWN_WORDS[self.block]
        if self.what is What.START:
            return "has not begun"
        name = names[self.zap] if 0 <= self.zap < len(names) else "an object of nobody's"
        if self.what in _OF_BLOCK:
            thing = f"{name}'s block {self.block}"
        elif self.what in (What.READ, What.WRITE, What.EXIT) and self.block:
            thing = f"{name}'s leaf {self.block}"
        else:
            thing = name
        return _WORDS[self.what].format(thing, block=self.block)


_COMMITTED = Point(What.OWN, -1, COMMIT)


class Turn(NamedTuple):
    """A thread runs until it has come to `points` points since the section began (-1: as far as it can get),
    and if it `blocks` on from there until it waits for a txg or a transaction; then `to` goes on (0: nobody).
    `switch` is the place of the program's switch that ends the turn, -1 where the thread ends or waits."""

    thread: int
    points: int
    to: int
    switch: int
    blocks: bool = False


class Synced(NamedTuple):
    """An object that a thread's sync comes to. `op` is the place of the sync among the thread's ops, `zap`
    the index of the header line, and `age` says which of that ZAP's objects it is: 0 is the first it had."""

    op: int
    zap: int
    age: int


class SectionPlan(NamedTuple):
    """One parallel section: every thread's points in order, and the turns. `free`: all threads begin at once,
    and nobody is held. `synced` has what every thread's syncs come to, in order."""

    points: dict[int, list[Point]]
    turns: list[Turn]
    first: int
    """The place of the switch that chose who begins, -1 if none did."""
    free: bool = False
    synced: dict[int, list[Synced]] = {}


class Plan(NamedTuple):
    """A whole program: what the model did, and a plan for each section that it came to."""

    model: ThreadRun
    sections: list[SectionPlan]


UNPLANNED = SectionPlan({}, [], -1)
"""Threads take their turns as the model's default has it."""
FREE = SectionPlan({}, [], -1, True)


class _Choice(NamedTuple):
    """Who was chosen at a step, after how many points of each thread; `switch` if that is no default."""

    chosen: int
    step: int
    switch: bool
    counts: dict[int, int]


class _Section(NamedTuple):
    points: dict[int, list[Point]]
    choices: list[_Choice]
    synced: dict[int, list[Synced]]


class _Recorder:
    """Watches threads come to points, and a schedule choose between them."""

    def __init__(self, program: Program, target: ModelTarget) -> None:
        self.replay = Replay(program.schedule)
        self.target = target
        self.sections: list[_Section] = []
        self.ops: list[Counter[int]] = []

    def begin(self, ops: Counter[int]) -> None:
        """A section begins; so many ops of each thread."""
        self.sections.append(_Section({}, [], {}))
        self.ops.append(ops)

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """What the schedule says."""
        chosen = self.replay.choose(step, current, able)
        points, choices, _ = self.sections[-1]
        counts = {thread: len(mine) for thread, mine in points.items()}
        choices.append(_Choice(chosen, step, chosen != default(current, able), counts))
        return chosen

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """A thread has come to a point."""
        points = self.sections[-1].points.setdefault(thread, [])
        point = self._point(what, thing)
        if point.what is What.LIST_REMOVE and point.zap >= 0:
            assert isinstance(thing, tuple)
            names = self.target.names
            age = [number for number, name in names.items() if name == names[thing[0]]].index(thing[0])
            synced = Synced(points.count(_COMMITTED), point.zap, age)
            self.sections[-1].synced.setdefault(thread, []).append(synced)
        points.append(point)

    def entered(self, thread: int, what: str, thing: object) -> None:
        """It goes on."""

    def _point(self, what: str, thing: object) -> Point:
        if what == "commit":
            return _COMMITTED
        if what == "txg":
            return Point(What.OWN, -1, TXG)
        if isinstance(thing, RWLock):
            number, block = thing.where
            if thing.name == COUNT_LOCK:
                kind = What.UNMUTEX if what == "exit" else What.MUTEX
            else:
                kind = {"read": What.READ, "write": What.WRITE, "exit": What.EXIT}[what]
            return Point(kind, self._zap(number), block)
        assert isinstance(thing, tuple)
        step = _STEPS.get(what)
        if step is None:
            return Point(What.HOLD if what == "hold" else What.RELE, self._zap(thing[0]), thing[1])
        return Point(step, self._zap(thing[0]), 0 if step is What.KILL else thing[1])

    def _zap(self, number: int) -> int:
        """The index of the header line whose object has a number, or had it."""
        name = self.target.names.get(number)
        return -1 if name is None else list(self.target.headers).index(name)


class _Recorded(ThreadedRun):
    """A run that tells a recorder where its sections begin."""

    recorder: _Recorder

    def _section(self, ops: list[tuple[int, Op]]) -> None:
        self.recorder.begin(Counter(op.thread for _, op in ops))
        super()._section(ops)


def make_plan(
    program: Program, target: ModelTarget, *, judge: bool = True, trace: Trace | None = None
) -> Plan:
    """Run a program on the model as its schedule says, and write down the turns."""
    recorder = _Recorder(program, target)
    run = _Recorded(program, target, recorder, judge=judge, trace=trace, watchers=(recorder,))
    run.recorder = recorder
    model = run.run()
    places = {switch.step: place for place, switch in enumerate(model.schedule)}
    sections = []
    for (points, choices, synced), ops in zip(recorder.sections, recorder.ops, strict=True):
        ended = {thread for thread, mine in points.items() if mine.count(_COMMITTED) == ops[thread]}
        turns = _turns(choices, places, ended)
        first = places.get(choices[0].step, -1) if choices else -1
        sections.append(SectionPlan(points, turns, first, synced=synced))
    return Plan(model, sections)


def _turns(choices: list[_Choice], places: dict[int, int], ended: Container[int]) -> list[Turn]:
    """Runs of choices of one thread, as turns. The last has no end: its thread ends, or fails. `ended` are
    the threads that came to the end of their ops."""
    turns: list[Turn] = []
    last = {choice.chosen: index for index, choice in enumerate(choices)}
    for index, (choice, after) in enumerate(itertools.pairwise(choices)):
        thread = choice.chosen
        if thread == after.chosen:
            continue
        came = after.counts.get(thread, 0)
        blocks = choice.counts.get(thread, 0) == came  # it went on, came to no point, and stopped
        if last[thread] == index and thread in ended:
            came, blocks = -1, False
        turns.append(Turn(thread, came, after.chosen, places.get(after.step, -1), blocks))
    if choices:
        turns.append(Turn(choices[-1].chosen, -1, 0, -1))
    return turns
