"""The parent's end of one worker process: start it, ask it, see it die."""

from __future__ import annotations

import fcntl
import mmap
import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path

from fuzz.targets.fetch import ROOT
from fuzz.targets.libzpool.wire import FRAME, Command, Status

TEXT_BYTES = 64 << 10
"""How much of what the library printed is kept: the last of it."""

RSS_LIMIT = 2 << 30
"""Bytes of memory at which a worker's program has gone beyond its bounds."""

_POLL_SECONDS = 0.25


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
    """A running worker. `ask` raises Gone, Silent or TooBig, after which the child is dead and closed."""

    def __init__(self, library: Path, deadline: float) -> None:
        self._deadline = deadline
        self._printed = os.memfd_create("zapfuzz-stderr")
        flags = fcntl.fcntl(self._printed, fcntl.F_GETFL)
        fcntl.fcntl(self._printed, fcntl.F_SETFL, flags | os.O_APPEND)
        page = os.memfd_create("zapfuzz-progress")
        os.truncate(page, mmap.PAGESIZE)
        self._page = mmap.mmap(page, mmap.PAGESIZE)
        theirs_in, self._requests = os.pipe()
        self._answers, theirs_out = os.pipe()
        theirs_life, self._life = os.pipe()
        given = (theirs_in, theirs_out, page, theirs_life)
        paths = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        environment = os.environ | {"LD_LIBRARY_PATH": ":".join(paths), "PYTHONPATH": str(ROOT)}
        # A fuzzer's own settings must not reach the library's process.
        environment.pop("LD_PRELOAD", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.targets.libzpool.worker", str(library), *map(str, given)],
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=given,
            env=environment,
        )
        for descriptor in given:
            os.close(descriptor)
        self._await_answer()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    @property
    def running_op(self) -> int:
        """The index of the op that the last request was at; negative at a program's begin or end."""
        return int(struct.unpack_from("<q", self._page)[0])

    def ask(self, command: Command, body: bytes) -> tuple[Status, bytes]:
        """One request and its answer."""
        frame = memoryview(FRAME.pack(len(body), command) + body)
        try:
            while frame:
                frame = frame[os.write(self._requests, frame) :]
        except BrokenPipeError:
            self._dead()
        return self._await_answer()

    def _await_answer(self) -> tuple[Status, bytes]:
        length, status = FRAME.unpack(self._read(FRAME.size))
        return Status(status), self._read(length)

    def _read(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            if not select.select([self._answers], [], [], _POLL_SECONDS)[0]:
                self._wait_longer()
            part = os.read(self._answers, count)
            if not part:
                self._dead()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait_longer(self) -> None:
        """Wait for something to read as long as ops go on, within memory's bound."""
        at, since = self.running_op, time.monotonic()
        while not select.select([self._answers], [], [], _POLL_SECONDS)[0]:
            if self._resident() > RSS_LIMIT:
                self.close()
                raise TooBig(f"more than {RSS_LIMIT >> 20} MiB")
            now = self.running_op
            if now != at:
                at, since = now, time.monotonic()
            elif time.monotonic() - since > self._deadline:
                text = self._text()
                self.close()
                raise Silent(text)

    def _resident(self) -> int:
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * mmap.PAGESIZE

    def _text(self) -> str:
        size = os.fstat(self._printed).st_size
        start = max(0, size - TEXT_BYTES)
        return os.pread(self._printed, TEXT_BYTES, start).decode(errors="replace")

    def _dead(self) -> None:
        status = self._process.wait()
        text = self._text()
        self.close()
        raise Gone(status, text)

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
