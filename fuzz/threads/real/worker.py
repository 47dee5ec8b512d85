"""The child process whose threads are held: a libzpool worker that also runs parallel sections.

Each thread of a section is a thread of this process, with a session of its own on the program's ZAPs. The
main thread decides where they stop (`follow_plan`). hold.c must be loaded before libzpool.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import mmap
import os
import struct
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from fuzz.language.verb_sets import DIRECTORIES, MODIFIES
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.call import Call
from fuzz.targets.libzpool.function_names_on_stack import Backtrace
from fuzz.targets.libzpool.process.wire import PLAIN, Command, unpack_run
from fuzz.targets.libzpool.process.worker import Worker
from fuzz.targets.libzpool.process.worker import main as serve
from fuzz.targets.libzpool.session import Session
from fuzz.threads.callers_locks import CallersLocks, Named, Wanted, needs_objects, wanted_by
from fuzz.threads.real.follow_plan import Conductor, Lane, Met, Stuck
from fuzz.threads.real.hold_shim import SLOTS, RawPoint, Shim
from fuzz.threads.real.section_request import (
    EXACT,
    MOST_TURNS,
    NEAR,
    OPS_AT,
    TURNS_AT,
    Answer,
    Section,
    pack_answer,
    unpack_section,
)
from fuzz.threads.real.turn_plan import COMMIT, Point, What
from fuzz.threads.real.txgs_of_held_threads import Clock

THREAD_MARK = "zapfuzz thread: "
"""Begins the line that says which slot's thread has died (-1: none of the section's)."""
OTHER_MARK = "zapfuzz other: "
"""Begins a line with a slot, and a function on the stack of its thread, which stands somewhere."""


_VERBS = tuple(VERBS)


class Task(threading.Thread):
    """One thread of a section: its ops, in order, in a session of its own."""

    def __init__(self, worker: ThreadWorker, slot: int, ops: Sequence[tuple[int, Call]]) -> None:
        super().__init__(daemon=True)
        self.worker, self.slot, self.ops = worker, slot, ops
        self.session = worker.session_of(slot)
        self.problem: Exception | None = None
        self.to_sync: dict[int, list[int]] = {}
        """The objects that this thread's syncs come to, in order, by the place of each among its ops."""

    def run(self) -> None:
        """Join, run the ops, and leave; what goes wrong is kept in `problem`."""
        worker = self.worker
        worker.shim.join(self.slot)
        try:
            for place, (index, op) in enumerate(self.ops):
                worker.at_op(self.slot, index)
                began = next(worker.ticks)
                worker.results[index] = self._apply(op, self.to_sync.get(place, ()))
                worker.times[index] = (began, next(worker.ticks))
                worker.shim.point(COMMIT)
        except Exception as problem:
            self.problem = problem
        finally:
            worker.shim.leave()

    def _apply(self, op: Call, to_sync: Sequence[int]) -> bytes:
        clock, verb = self.worker.clock, _VERBS[op.verb]
        try:
            if not all(clock.lock(self.slot, wanted) for wanted in self.worker.wanted(verb, op)):
                return PLAIN[errno.ENOENT]
            return self._locked(op, verb, clock, to_sync)
        finally:
            clock.commit(self.slot)

    def _locked(self, op: Call, verb: str, clock: Clock, to_sync: Sequence[int]) -> bytes:
        if verb in MODIFIES:
            clock.assign(self.slot, op.subject)
        elif verb == "spa_sync":
            clock.spa_sync(to_sync)
            return PLAIN[0]
        elif verb in ("txg", "finish", "sync"):
            getattr(clock, verb)()
            return PLAIN[0]
        world = self.session.world
        world.assigns = self._assign if verb in DIRECTORIES else None
        return self.session.apply(op)

    def _assign(self, numbers: Sequence[int]) -> None:
        """An op that has looked at its directories begins its transaction."""
        ours = [place for place, zap in enumerate(self.session.world.zaps) if zap.number in numbers]
        self.worker.clock.assign(self.slot, *ours)


class ThreadWorker(Worker):
    """A worker with one more command."""

    def __init__(self, shim: Shim, library: Library, requests: int, answers: int, page: mmap.mmap) -> None:
        self.shim = shim
        shim.begin(library.handle)
        self._library_of_threads = library
        # one list of dirty dnodes: of several, which a dnode is on depends on its number, and one may come
        # to its turn when the thread that syncs it has none left to wait for
        library.tune("zfs_multilist_num_sublists", 1, ctypes.c_int)
        self._page = page
        self._sessions: dict[int, Session] = {}
        self.ticks = itertools.count(1)
        self.results: dict[int, bytes] = {}
        self.times: dict[int, tuple[int, int]] = {}
        self._objects_too = False
        super().__init__(library, requests, answers, page)
        self.clock = Clock(self._session.pool, shim)

    def session_of(self, slot: int) -> Session:
        """A session on the program's own ZAPs and cursors, with buffers that no other thread uses."""
        main = self._session
        session = self._sessions.get(slot)
        if session is None:
            session = self._sessions[slot] = Session(main.pool, main.salts)
        session.share(main)
        return session

    def at_op(self, slot: int, index: int) -> None:
        """Note for the parent which op a thread is at."""
        struct.pack_into("<q", self._page, OPS_AT + 8 * slot, index)
        self._running[0] = index

    def _do(self, command: int, body: bytes) -> bytes:
        if command == Command.SECTION:
            section, ops = unpack_section(body)
            return self._section(section, unpack_run(ops)[2])
        return super()._do(command, body)

    def _section(self, section: Section, ops: Sequence[Call]) -> bytes:
        threads = sorted(set(section.threads))
        if len(threads) > SLOTS:
            raise IndexError(f"{len(threads)} threads in one section, at most {SLOTS}")
        slots = {thread: slot for slot, thread in enumerate(threads)}
        self._page[TURNS_AT : TURNS_AT + MOST_TURNS] = bytes(MOST_TURNS)
        self.results, self.times = {}, {}
        shapes = [zap.shape for zap in self._session.world.zaps]
        norms = [None if shape.words else shape.norm for shape in shapes]
        locks = CallersLocks(norms, self._library_of_threads.compare_names)
        self.clock = Clock(self._session.pool, self.shim, locks)
        self._objects_too = needs_objects(_VERBS[op.verb] for op in ops)
        self.shim.reset()
        lanes = {each: Lane(slots[each], each, section.plan.points.get(each, [])) for each in threads}
        tasks = [self._task(slots[each], each, section, ops) for each in threads]
        if any(_VERBS[op.verb] == "spa_sync" for op in ops):
            objects = [list(dict.fromkeys(zap.numbers)) for zap in self._session.world.zaps]
            self.shim.beside_sync(self._session.world.os, [number for zap in objects for number in zap])
            for thread, task in zip(threads, tasks, strict=True):
                for place, zap, age in section.plan.synced.get(thread, ()):
                    if age < len(objects[zap]):  # it is none that the section makes
                        task.to_sync.setdefault(place, []).append(objects[zap][age])
        for task in tasks:
            task.start()
        instead: dict[int, tuple[Point | None, bool]] = {}

        def met(turn: int, how: Met) -> None:
            if turn < MOST_TURNS:
                self._page[TURNS_AT + turn] = EXACT if how.exact else NEAR
            if not how.exact:
                instead[turn] = (how.at, how.waits)

        stuck, stacks, silent = "", {}, 0
        conductor = Conductor(self.shim, lanes, self._locate, section.patience)
        try:
            conductor.wait_for_all()
            if section.plan.free:
                conductor.let_go()
            else:
                conductor.run(section.plan.turns, met)
        except Stuck as problem:
            stuck = str(problem)
            silent = 0 if problem.deadlock else threads[problem.slots[0]]
            trace = Backtrace(self._library_of_threads.path)
            stacks = {each: self.shim.stack(slots[each], trace) for each in threads}
        else:
            self._end(tasks)
        answer = Answer(
            [self.times.get(index, (0, 0)) for index in range(len(ops))],
            instead,
            sum(lane.compared for lane in lanes.values()),
            sum(lane.extra for lane in lanes.values()),
            {each: lane.divergence for each, lane in lanes.items() if lane.divergence},
            stuck,
            stacks,
            silent,
        )
        return pack_answer(answer, b"".join(self.results.get(index, b"") for index in range(len(ops))))

    def wanted(self, verb: str, op: Call) -> list[Wanted]:
        """The locks that an op's caller takes, in order."""
        named = Named(verb, op.subject, op.key, op.other, op.to)
        return wanted_by(named, self.clock.locks.norms, self._objects_too)

    def _task(self, slot: int, thread: int, section: Section, ops: Sequence[Call]) -> Task:
        mine = [
            (at, op)
            for at, (whose, op) in enumerate(zip(section.threads, ops, strict=True))
            if whose == thread
        ]
        return Task(self, slot, mine)

    def _end(self, tasks: Sequence[Task]) -> None:
        """All threads have left: wait for them, and raise what one of them raised."""
        for task in tasks:
            task.join()
        self._session.pool.settle()
        for task in tasks:
            if task.problem is not None:
                raise task.problem

    def _locate(self, raw: RawPoint) -> Point:
        what = What(raw.what)
        if what is What.OWN:
            return Point(what, -1, raw.object)
        zap, shift = self._session.find(raw.object)
        return Point(what, zap, raw.offset // raw.size if raw.size else raw.offset >> shift)


def main(arguments: list[str]) -> int:
    """As the plain worker; hold.c's library comes last."""
    shim = Shim(Path(arguments[-1]))

    def more(trace: Backtrace) -> None:
        me = shim.who()
        os.write(2, f"{THREAD_MARK}{me}\n".encode())
        for slot in range(SLOTS):
            if slot != me:
                for name in shim.stack(slot, trace):
                    os.write(2, f"{OTHER_MARK}{slot} {name}\n".encode())

    def make(library: Library, requests: int, answers: int, page: mmap.mmap) -> Worker:
        return ThreadWorker(shim, library, requests, answers, page)

    return serve(arguments[:-1], make, more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
