"""What an exported Python script of a program with threads does: all of it, again and again. Else it is as
`python_steps`."""

from __future__ import annotations

import faulthandler
import random
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from fuzz.export.python_steps import Step, Verdict, Watch, look_at_all, stop
from fuzz.language.program import Zap
from fuzz.targets.libzpool.abi import TXG_WAIT, Library
from fuzz.targets.libzpool.pool import Pool, PoolLost
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.txgs import do_evict, do_finish, do_spa_sync, do_sync, do_txg
from fuzz.targets.libzpool.world import NoRoom, World

ROUNDS = 5000
LONGEST_WAIT = 12
"""Twice as long, at the most, for each: 2^12 turns of an empty loop are some 0.1 ms."""
SYNC_EVERY = 100
"""Rounds. What was destroyed takes room until then."""


class Rounds:
    """Nothing here forces the order in which the threads get on: each is a real one, starts with the others
    and waits for a random moment before each op, and the whole program is run again and again."""

    def __init__(self, library: Library) -> None:
        self.verdict, self.watch = Verdict(library), Watch()
        self.pool = Pool(library)
        self.salts = SaltWriter(self.pool)
        self.world = World(self.pool, self.salts, TXG_WAIT)
        self.others: dict[int, World] = {}
        self.moves_txgs = threading.Lock()
        self.round = 0

    def step(self, world: World, step: Step) -> None:
        """One op, which must give what it gives in one order or another of the threads' own."""
        self.watch.ops += 1
        if step.do in (do_txg, do_finish, do_spa_sync, do_sync, do_evict):
            with self.moves_txgs:
                got = step.do(world, step.call)
        else:
            got = step.do(world, step.call)
        self.verdict.judge(step, got, f"in round {self.round}, at: {step.text}: in no order of the threads: ")

    def lane(self, world: World, steps: list[Step], start: threading.Barrier) -> None:
        """One thread of a part of the program."""
        start.wait()
        try:
            for step in steps:
                for _ in range(random.randrange(1 << random.randrange(LONGEST_WAIT))):
                    pass
                self.step(world, step)
        except NoRoom as limit:
            stop(str(limit))

    def together(self, steps: list[Step]) -> None:
        """Run the threads of one part of the program, side by side, to their ends."""
        lanes = {
            number: [step for step in steps if step.thread == number] for number in {s.thread for s in steps}
        }
        start = threading.Barrier(len(lanes))
        threads = []
        for number, lane in lanes.items():
            if number not in self.others:
                self.others[number] = World(self.pool, self.salts, TXG_WAIT)
            self.others[number].share(self.world)
            threads.append(threading.Thread(target=self.lane, args=(self.others[number], lane, start)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def once(self, zaps: list[Zap], parts: list[list[Step]], contents: list[Any]) -> None:
        """A round, which begins with nothing and leaves nothing."""
        world = self.world
        self.round += 1
        world.create_all(zaps)
        for part in parts:
            if part[0].thread:
                self.together(part)
            else:
                for step in part:
                    self.step(world, step)
        world.close_cursors()
        self.pool.finish_all()
        before = self.verdict.as_expected
        look_at_all(world, contents, self.verdict, [zap.name for zap in zaps])
        if before and not self.verdict.as_expected:
            print(f"  after round {self.round}", flush=True)
            return
        for zap in world.zaps:
            if zap.number:
                world.destroy(zap)
        if self.round % SYNC_EVERY == 0:
            self.pool.sync()


def run_rounds(zaps: list[Zap], parts: list[list[Step]], contents: list[Any]) -> NoReturn:
    """Run all of it. The parts come one after the other, the threads of a part run at the same time."""
    if len(sys.argv) not in (2, 3) or not [*sys.argv, "1"][2].isdigit():
        sys.exit(f"usage: {sys.argv[0]} LIBZPOOL [ROUNDS]")
    faulthandler.enable()  # where the thread was that died
    # a thread that comes back from the library must not wait for one that only counts
    sys.setswitchinterval(1e-5)
    rounds = Rounds(Library(Path(sys.argv[1]).resolve()))
    try:
        while rounds.round < int([*sys.argv, str(ROUNDS)][2]) and rounds.verdict.as_expected:
            rounds.once(zaps, parts, contents)
    except NoRoom as limit:
        stop(str(limit))
    except PoolLost as lost:
        rounds.verdict.complain(str(lost))
    print(f"{rounds.round} rounds")
    rounds.verdict.end()
