"""The parent's end of one worker process: start it, ask it, see it die."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import select
import struct
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from fuzz.corpus.places import ROOT
from fuzz.targets.libzpool.abi import OURS, WAIVE
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.libzpool.process.ready_time import ready_times, seconds_ready
from fuzz.targets.libzpool.process.wire import FRAME, Command, Status, write_all
from fuzz.targets.libzpool.watched.counters import COUNTERS, Counters
from fuzz.targets.libzpool.watched.watch import WATCHED, Watch
from fuzz.targets.packages.compile_once import compiled

TEXT_BYTES, WATCHED_TEXT_BYTES = 64 << 10, 1 << 20
"""How much of what the library printed is kept: the last of it; and of what is printed where it is
watched."""

RSS_LIMIT = 768 << 20
"""Bytes of memory at which a worker's program has gone beyond its bounds."""

WORKER = "fuzz.targets.libzpool.process.worker"
"""The module that runs in the child; `more` of its arguments may follow those that all have."""

UNWATCHED = Watch()
"""Nobody watches."""

_POLL_MILLISECONDS = 250
_CHUNK_BYTES = 1 << 18


class Gone(Exception):
    """The worker has died; `status` as subprocess gives it, `text` what it printed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"status {status}")
        self.status, self.text = status, text


class Silent(Exception):
    """The worker did not get on within the deadline and was killed; `text` is what it printed."""

    def __init__(self, text: str) -> None:
        super().__init__("no answer")
        self.text = text


class TooBig(Exception):
    """The worker took more memory than RSS_LIMIT and was killed."""


class Child:
    """A running worker. `ask` raises Gone, Silent or TooBig, after which the child is dead and closed.

    `ours` is the compiled hash_bits.c and micro_max.c, for programs that need them; `waive` what abi.WAIVE
    holds; `watch` says who watches its memory, `counters` where the edges go that its C code takes.
    `at_start` is what was printed until it was there, if it is watched.
    `deadline` is how many seconds an op may take, those left out in which it waits for a processor; `slowest`
    how many one took that ended, 0 if none took long enough to be noticed."""

    def __init__(
        self,
        library: Path,
        deadline: float,
        module: str = WORKER,
        more: Sequence[str] = (),
        ours: Path | None = None,
        waive: str = "",
        watch: Watch | None = None,
        counters: Counters | None = None,
    ) -> None:
        self.watch = watch or UNWATCHED
        self.deadline, self.slowest = deadline, 0.0
        self._ready: dict[str, int] = {}
        self._left = b""
        self._answered = 0
        self._printed = os.memfd_create("zapfuzz-stderr")
        flags = fcntl.fcntl(self._printed, fcntl.F_GETFL)
        fcntl.fcntl(self._printed, fcntl.F_SETFL, flags | os.O_APPEND)
        page = os.memfd_create("zapfuzz-progress")
        os.truncate(page, mmap.PAGESIZE)
        self._page = mmap.mmap(page, mmap.PAGESIZE)
        # Pipes, not sockets: a round trip takes half the time.
        theirs_in, self._requests = os.pipe()
        self._answers, theirs_out = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        theirs_life, self._life = os.pipe()
        given = (theirs_in, theirs_out, page, theirs_life)
        paths = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        environment = os.environ | {"LD_LIBRARY_PATH": ":".join(paths), "PYTHONPATH": str(ROOT)}
        # A fuzzer's own settings must not reach the library's process.
        environment.pop("LD_PRELOAD", None)
        environment.pop(OURS, None)
        environment.pop(WAIVE, None)
        environment.pop(WATCHED, None)
        environment |= self.watch.environment
        environment.pop(COUNTERS, None)
        shared: tuple[int, ...] = ()
        if counters is not None:
            counting = compiled("fuzz.targets.libzpool.watched", "counters", "counting edges of C code")
            environment[COUNTERS] = f"{counting}:{counters.file}"
            shared = (counters.file,)
        if ours is not None:
            environment[OURS] = str(ours)
        if waive:
            environment[WAIVE] = waive
        self._process = subprocess.Popen(
            [
                *self.watch.command,
                *python_for(library),
                "-P",
                "-m",
                module,
                str(library),
                *map(str, given),
                *more,
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=(*given, *shared),
            env=environment,
            start_new_session=True,  # Ctrl-C at a terminal is no way in which the library ends
        )
        for descriptor in given:
            os.close(descriptor)
        self.receive()
        self._answered = 0
        self.at_start = self.new_text() if watch is not None else ""

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    @property
    def running_op(self) -> int:
        """The index of the op that the last request was at; negative at a program's begin or end."""
        return int(struct.unpack_from("<q", self._page)[0])

    @property
    def unsent(self) -> int:
        """How many requests were served whose answers have not come; the next one is what was running."""
        return int(struct.unpack_from("<q", self._page, 8)[0]) - self._answered

    def noted(self, at: int, length: int) -> bytes:
        """What the worker has noted at a place of the shared page; also when it is gone."""
        return self._page[at : at + length]

    def send(self, command: Command, body: bytes) -> None:
        """A request; `receive` must follow."""
        self.send_all(command, (body,))

    def send_all(self, command: Command, bodies: Iterable[bytes]) -> None:
        """Several requests of a kind; a `receive` for each must follow. All that are under way must fit in a
        pipe."""
        frames = [part for body in bodies for part in (FRAME.pack(len(body), command), body)]
        with contextlib.suppress(BrokenPipeError):  # `receive` notices, and knows what was going on
            write_all(self._requests, b"".join(frames))

    def receive(self) -> tuple[Status, bytes]:
        """The answer to the oldest request that has none yet."""
        got = self._left or self._receive()
        while len(got) < FRAME.size:
            got += self._receive()
        length, status = FRAME.unpack_from(got)
        end = length + FRAME.size
        if len(got) < end:
            parts, missing = [got], end - len(got)
            while missing > 0:
                parts.append(self._receive())
                missing -= len(parts[-1])
            got = b"".join(parts)
        self._left = got[end:]
        self._answered += 1
        return Status(status), got[FRAME.size : end]

    def _receive(self) -> bytes:
        """Some bytes, waiting as long as ops go on and memory stays within its bound."""
        at, since = (0, 0), 0.0
        while not self._poll.poll(_POLL_MILLISECONDS):
            at, since = self._patience(at, since)
        if since:
            self.slowest = max(self.slowest, time.monotonic() - since)
        part = os.read(self._answers, _CHUNK_BYTES)
        if not part:
            self._dead()
        return part

    def _patience(self, at: tuple[int, int], since: float) -> tuple[tuple[int, int], float]:
        """The request and op that run and since when it has; ends the worker where that is too long."""
        if self._resident() > RSS_LIMIT * self.watch.larger:
            self.close()
            raise TooBig(f"more than {RSS_LIMIT >> 20} MiB")
        now = (self.unsent, self.running_op)
        waited = time.monotonic() - since
        if now != at or not since:
            self.slowest = max(self.slowest, waited) if since else self.slowest
            self._ready = ready_times(self.pid)
            return now, time.monotonic()
        if waited > self.deadline * self.watch.slower:  # a busy machine is not a library that hangs
            waited -= seconds_ready(self._ready, ready_times(self.pid))
        if waited > self.deadline * self.watch.slower:
            text = self._text()
            self.close()
            raise Silent(text)
        return at, since

    def _resident(self) -> int:
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * mmap.PAGESIZE

    def _text(self) -> str:
        size = os.fstat(self._printed).st_size
        most = TEXT_BYTES if self.watch is UNWATCHED else WATCHED_TEXT_BYTES
        return os.pread(self._printed, most, max(0, size - most)).decode(errors="replace")

    def _dead(self) -> NoReturn:
        status = self._process.wait()
        text = self._text()
        self.close()
        raise Gone(status, text)

    def new_text(self) -> str:
        """What was printed since this was asked the last time."""
        text = self._text()
        os.truncate(self._printed, 0)
        return text

    def forget_text(self) -> None:
        """Drop what was printed so far, if it is much; warnings must not fill memory."""
        if os.fstat(self._printed).st_size > TEXT_BYTES:
            os.truncate(self._printed, 0)

    def close(self) -> None:
        """End the worker and let go of everything. Safe to call twice."""
        if self._requests < 0:
            return
        self._process.kill()
        self._process.wait()
        for descriptor in (self._requests, self._answers, self._life, self._printed):
            os.close(descriptor)
        self._requests = -1
