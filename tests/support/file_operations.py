"""Random file operations below a directory, for a trace of them.

    python -m tests.support.file_operations SEED DIRECTORY OPERATIONS [workers]

Names are given absolutely, from the working directory, and from descriptors that were opened, duplicated and
closed before. With `workers` three threads, which share descriptors, and two processes do so at once, each in
a directory of its own; else one process does, with children and threads one at a time.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import sys
import threading
from random import Random

NAMES = (
    "a",
    "Ccc",
    "long-" + "x" * 60,
    "sp ace",
    'q"uote',
    "\u00fc",
    "tab\tx",
    "comma, dot",
    "<x>",
    "new\nline",
)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2


class Worker:
    """Who does operations below `base`; `moves` if it may change its working directory."""

    def __init__(self, rng: Random, base: str, moves: bool) -> None:
        self.rng, self.base, self.moves = rng, base, moves
        self.opened: list[int] = []

    def directories(self) -> list[str]:
        return [folder for folder, _, _ in os.walk(self.base)]

    def files(self) -> list[str]:
        return [os.path.join(folder, name) for folder, _, names in os.walk(self.base) for name in names]

    def fresh(self) -> str:
        """A name that may be there or not."""
        return os.path.join(
            self.rng.choice(self.directories()), self.rng.choice(NAMES) + str(self.rng.randrange(4))
        )

    def told(self, path: str) -> tuple[str, int | None]:
        """A path as a call may be given it, and the descriptor from which it leads."""
        way = self.rng.randrange(4)
        if way == 0:
            return path, None
        if way == 1 and self.moves:
            return os.path.relpath(path, os.getcwd()), None
        kind = self.rng.choice((0, os.O_DIRECTORY))
        descriptor = os.open(os.path.dirname(path), os.O_RDONLY | kind)
        if self.rng.random() < 0.4:
            other = os.dup(descriptor) if way == 2 else fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 50)
            os.close(descriptor)
            descriptor = other
        self.opened.append(descriptor)
        return os.path.basename(path), descriptor

    def step(self) -> None:
        """One operation, which may fail, or find nothing to work on."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            self.operation(self.rng.randrange(14))
        while self.opened:
            os.close(self.opened.pop())

    def operation(self, kind: int) -> None:
        rng, files, folders = (
            self.rng,
            self.files(),
            [each for each in self.directories() if each != self.base],
        )
        if kind < 5:
            name, at = self.told(self.fresh())
            flags = os.O_CREAT | os.O_WRONLY | rng.choice((0, os.O_EXCL))
            self.opened.append(os.open(name, flags, 0o644, dir_fd=at))
        elif kind < 7:
            name, at = self.told(self.fresh())
            os.mkdir(name, dir_fd=at)
        elif kind < 9:
            name, at = self.told(rng.choice(files))
            os.unlink(name, dir_fd=at)
        elif kind == 9:
            folder = rng.choice(folders)
            if not os.getcwd().startswith(folder):
                name, at = self.told(folder)
                os.rmdir(name, dir_fd=at)
        elif kind < 12:
            (old, at), (new, to) = self.told(rng.choice(files + folders)), self.told(self.fresh())
            os.rename(old, new, src_dir_fd=at, dst_dir_fd=to)
        elif kind == 12:
            one, other = rng.sample(files, 2)
            flags = rng.choice((RENAME_NOREPLACE, RENAME_EXCHANGE))
            ctypes.CDLL(None).renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), flags)
        elif self.moves:
            os.chdir(rng.choice([self.base, *folders]))
        else:
            os.link(rng.choice(files), self.fresh())


def one_after_the_other(seed: int, base: str, count: int) -> None:
    """One process, with a child or a thread now and then, for which it waits."""
    worker = Worker(Random(seed), base, moves=True)
    os.chdir(base)
    for number in range(count):
        worker.step()
        if number % 20 == 7:
            child = os.fork()
            if child == 0:
                for _ in range(4):
                    worker.step()
                os._exit(0)
            os.waitpid(child, 0)
        elif number % 20 == 17:
            thread = threading.Thread(target=worker.step)
            thread.start()
            thread.join()


def at_once(seed: int, base: str, count: int) -> None:
    """Three threads and two processes."""

    def work(number: int) -> None:
        worker = Worker(Random(100 * seed + number), os.path.join(base, f"w{number}"), moves=False)
        for _ in range(count):
            worker.step()

    for number in range(5):
        os.mkdir(os.path.join(base, f"w{number}"))
    children = []
    for number in (3, 4):
        child = os.fork()
        if child == 0:
            work(number)
            os._exit(0)
        children.append(child)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    what = at_once if sys.argv[4:] == ["workers"] else one_after_the_other
    what(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
