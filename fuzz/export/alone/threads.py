"""What the exported script of a program with threads does: all of it, again and again."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import random
import sys
import threading
from typing import Any

from fuzz.export.alone.directories import Directories as World
from fuzz.export.alone.world import ZAPS

Step = tuple[int, str, tuple[Any, ...], tuple[int, ...], str]
PROGRAM: list[list[Step]] = []
# @part@


class Rounds:
    """Nothing here forces the order in which the threads get on: each is a real one, starts with the others
    and waits for a random moment before each operation, and the whole program is run again and again."""

    def __init__(self, world: World) -> None:
        self.world, self.round, self.as_expected = world, 0, True
        self.moves_txgs = threading.Lock()

    def lane(self, steps: list[Step], start: threading.Barrier) -> None:
        start.wait()
        for step in steps:
            for _ in range(random.randrange(1 << random.randrange(12))):
                pass
            self.step(step)

    def step(self, step: Step) -> None:
        """One operation, which must return what it does in one order or another of the threads' own."""
        _, verb, arguments, allowed, text = step
        self.world.steps += 1
        if verb in ("txg", "finish", "sync", "evict"):
            with self.moves_txgs:
                got = getattr(self.world, verb)(*arguments)
        else:
            got = getattr(self.world, verb)(*arguments)
        if allowed and got not in allowed:
            self.as_expected = False
            print(
                f"in round {self.round}, at: {text}: errno {got}, which no order of the operations explains"
            )

    def together(self, part: list[Step]) -> None:
        """Run the threads of one part of the program, side by side, to their ends."""
        lanes = [[step for step in part if step[0] == thread] for thread in {step[0] for step in part}]
        start = threading.Barrier(len(lanes))
        threads = [threading.Thread(target=self.lane, args=(lane, start)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def walk(self, name: str) -> None:
        """What a walk finds must be as many entries as are counted: so damage shows that no operation met."""
        world, count, found = self.world, ctypes.c_uint64(0), 0
        if name not in world.numbers:
            return
        world.lib.zap_count(world.os, world.numbers[name], ctypes.byref(count))
        cursor = ctypes.create_string_buffer(4096)
        world.lib.zap_cursor_init(cursor, world.os, world.numbers[name])
        while found <= count.value and not world.entry(cursor)[0]:
            found += 1
            world.lib.zap_cursor_advance(cursor)
        world.lib.zap_cursor_fini(cursor)
        if found != count.value:
            self.as_expected = False
            print(f"after round {self.round}: {name} has {count.value} entries, a walk finds {found}")

    def once(self) -> None:
        self.round += 1
        for name in ZAPS:
            self.world.create(name)
        for part in PROGRAM:
            if part[0][0]:
                self.together(part)
            else:
                for step in part:
                    self.step(step)
        for cursor in list(self.world.cursors):
            self.world.close(cursor)
        while self.world.in_flight:
            self.world.finish()
        for name in ZAPS:
            self.walk(name)
            self.world.destroy(name)
        if self.round % 100 == 0:
            self.world.sync()


def main() -> None:
    if len(sys.argv) not in (2, 3) or not [*sys.argv, "5000"][2].isdigit():
        sys.exit(f"usage: {sys.argv[0]} LIBZPOOL [ROUNDS]")
    faulthandler.enable()  # where the thread was that died
    rounds = Rounds(World(sys.argv[1], may_wait=True))
    while rounds.round < int([*sys.argv, "5000"][2]) and rounds.as_expected:
        rounds.once()
    print(f"{rounds.round} rounds")
    print("as it should be" if rounds.as_expected else "not as it should be", flush=True)
    os._exit(0 if rounds.as_expected else 1)  # a pool in memory needs no goodbye


if __name__ == "__main__":
    main()
