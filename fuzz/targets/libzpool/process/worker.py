"""The child process that has the library: reads requests, runs them, answers. `python -m` starts it.

It lives for many programs and dies with the library: on an assertion it adds the names of the functions on
the stack to what the library printed, and on its parent's end it ends too, whatever it is doing.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from fuzz.language.program import Zap
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.blocks_and_dbufs import block_tree, dbuf_states, read_blocks
from fuzz.targets.libzpool.function_names_on_stack import FRAME_MARK, LOST_MARK, SIGNAL_MARK, Backtrace
from fuzz.targets.libzpool.pool import PoolLost, PoolProblem
from fuzz.targets.libzpool.process.wire import (
    FRAME,
    Command,
    Flags,
    Status,
    WireProblem,
    pack_blocks,
    unpack_run,
    write_all,
)
from fuzz.targets.libzpool.session import Session, new_session
from fuzz.targets.libzpool.watched.definedness import Definedness
from fuzz.targets.libzpool.world import NoRoom

SYNC_EVERY_OPS = 20_000
SYNC_EVERY_PROGRAMS = 500
SYNC_EVERY_BYTES = 256 << 20
"""Destroyed objects take memory and room until a sync; at most this much of them gathers. Bytes are guessed:
a block for each op."""

BEGINNING, ENDING, OUTSIDE = -1, -2, -3
"""What the shared page holds instead of an op's index: while ZAPs are created, at a program's end, and for a
request that runs no ops."""

_BUFFER_BYTES = 1 << 16
_DEADLY = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


class Worker:
    """The loop. `page` is shared with the parent: the index of the op that is running, and how many requests
    have been served (their answers may not have gone out yet)."""

    def __init__(self, library: Library, requests: int, answers: int, page: mmap.mmap) -> None:
        self._library, self._requests, self._answers = library, requests, answers
        self._running = memoryview(page).cast("q")
        self._unsent: list[bytes] = []
        self._session: Session = new_session(library)
        self._programs = self._ops = self._bytes = self._block = 0
        self._watched = Definedness.of_worker()
        if library.counting is not None:
            library.counting.clear()

    def serve(self) -> None:
        """Until the parent closes its end."""
        self._answer(Status.OK, b"")
        for command, body in self._frames():
            try:
                self._answer(Status.OK, self._do(command, body))
            except NoRoom as limit:
                self._answer(Status.LIMIT, str(limit).encode())
            except PoolLost as lost:  # a failure of the library, which has no world to go on in
                self._flush()
                os.write(2, f"\n{LOST_MARK}{lost}\n".encode())
                os._exit(1)
            except (PoolProblem, WireProblem, IndexError) as problem:
                self._answer(Status.PROBLEM, f"{type(problem).__name__}: {problem}".encode())
            self._running[1] += 1

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """Requests, as they come. Answers go out when none is at hand: a wake-up of the parent costs as much
        as a small program."""
        got = b""
        while True:
            while len(got) < FRAME.size or len(got) < FRAME.size + FRAME.unpack_from(got)[0]:
                self._flush()
                part = os.read(self._requests, _BUFFER_BYTES)
                if not part:
                    return
                got += part
            length, command = FRAME.unpack_from(got)
            body, got = got[FRAME.size : FRAME.size + length], got[FRAME.size + length :]
            yield command, body

    def _answer(self, status: Status, body: bytes) -> None:
        self._unsent += (FRAME.pack(len(body), status), body)
        if len(body) > _BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._unsent:
            write_all(self._answers, b"".join(self._unsent))
            self._unsent.clear()

    def _do(self, command: int, body: bytes) -> bytes:
        if command == Command.RUN:
            return self._run(body)
        self._running[0] = OUTSIDE
        if command == Command.BLOCKS:
            return pack_blocks(*read_blocks(self._session.world, body[0]))
        if command == Command.DBUFS:
            size, content = read_blocks(self._session.world, body[0])
            return dbuf_states(self._session.world, body[0], size, len(content))
        if command == Command.TREE:
            return block_tree(self._session.world, body[0])
        if command == Command.LEAVE:
            self._running[0] = 0
            return self._session.leave()
        if command == Command.ARRIVE:
            self._running[0] = 0
            return self._arrive(body)
        return self._die(body.decode())

    def _arrive(self, body: bytes) -> bytes:
        """Go on with a program that another worker has begun: a RUN of no ops, its length before it, and what
        the other has said. Answers the digests of all ZAPs."""
        length = int.from_bytes(body[:4], "little")
        _, zaps, _ = unpack_run(body[4 : 4 + length])
        self._block = sum(1 << zap.leaf_shift for zap in zaps)
        self._session.arrive(zaps, body[4 + length :])
        return self._session.digests()

    def _run(self, body: bytes) -> bytes:
        flags, zaps, ops = unpack_run(body)
        session, running = self._session, self._running
        if Flags.BEGIN in flags:
            running[0] = BEGINNING
            self._begin(zaps)
        results: list[bytes] = []
        apply, append = session.apply, results.append
        watched = self._watched
        if watched is not None:
            for index, op in enumerate(ops):
                running[0] = index
                watched.before(index)
                append(apply(op))
                watched.after(session.world, results[-1])
                if Flags.DIGEST in flags:
                    append(session.digests())
        elif Flags.DIGEST in flags:
            for index, op in enumerate(ops):
                running[0] = index
                append(apply(op))
                append(session.digests())
        else:
            for index, op in enumerate(ops):
                running[0] = index
                append(apply(op))
        if self._library.counting is not None:
            self._library.counting.collect()
        self._ops += len(ops)
        self._bytes += len(ops) * self._block
        if Flags.END in flags:
            running[0] = ENDING
            self._finish()
        return b"".join(results)

    def _begin(self, zaps: list[Zap]) -> None:
        """Begin; where earlier programs have left no room, sync and try once more."""
        self._block = sum(1 << zap.leaf_shift for zap in zaps)
        try:
            self._session.begin(zaps)
        except NoRoom:
            self._sync()
            self._session.begin(zaps)

    def _finish(self) -> None:
        self._session.end()
        self._programs += 1
        much = self._ops >= SYNC_EVERY_OPS or self._bytes >= SYNC_EVERY_BYTES
        if much or self._programs >= SYNC_EVERY_PROGRAMS:
            self._sync()

    def _sync(self) -> None:
        self._session.end()
        self._session.pool.sync()
        self._programs = self._ops = self._bytes = 0

    def _die(self, how: str) -> bytes:
        """Go wrong on purpose, each way for real; how the tests see every outcome."""
        pool, library = self._session.pool, self._library
        if how == "assertion":
            library.spa_config_exit(pool.spa, 1, pool.tag)
        elif how == "segv":
            ctypes.c_int.from_address(8).value = 1
        elif how == "hang":
            library.txg_wait_synced(pool.pool, pool.open_txg + 1_000_000)
        elif how == "suspend":
            pool.forbid_writes()
            self._session.begin([Zap("", words=1)])
            pool.sync()
        elif how == "lost":
            pool.wipe()
            pool.reopen()
        elif how == "exit":
            os._exit(3)
        elif how == "at the end":  # of the next program
            setattr(self, "_finish", os.abort)  # noqa: B010  (a method, to mypy)
            return b""
        raise WireProblem(f"no way to die is called {how}")


def _report_deaths(library: Path, more: Callable[[Backtrace], None]) -> Backtrace:
    """On a deadly signal, write its number and the functions on the stack to standard error, then die. What
    is returned must be kept: the handlers go with it."""
    trace = Backtrace(library)

    def tell(number: int) -> None:
        signal.alarm(5)
        os.write(2, f"\n{SIGNAL_MARK}{number}\n".encode())
        for name in trace.names():
            os.write(2, f"{FRAME_MARK}{name}\n".encode())
        more(trace)
        trace.restore(number)
        os.kill(os.getpid(), number)

    for deadly in _DEADLY:
        trace.handle(deadly, tell)
    return trace


def _end_with_parent(life: int) -> None:
    """The parent holds the other end of this pipe and never writes: reading ends when it does."""

    def watch() -> NoReturn:
        os.read(life, 1)
        os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="life").start()


def main(
    arguments: list[str],
    make: Callable[[Library, int, int, mmap.mmap], Worker] = Worker,
    more: Callable[[Backtrace], None] = lambda trace: None,
) -> int:
    """Library, then the file descriptors of requests, answers, the shared page and the parent's life. `make`
    makes the worker; `more` writes more to standard error when it dies of a signal."""
    path = Path(arguments[0])
    requests, answers, page, life = (int(word) for word in arguments[1:5])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))  # a bound of our parent's is not the library's end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent(life)
    library = Library(path)
    handlers = _report_deaths(path, more)
    shared = mmap.mmap(page, mmap.PAGESIZE)
    worker = make(library, requests, answers, shared)
    gc.freeze()
    worker.serve()
    del handlers
    # A pool in memory needs no goodbye, and the library's threads would only be in the way.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
