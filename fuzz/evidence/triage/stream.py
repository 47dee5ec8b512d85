"""A log of any length in constant memory: blocks of bytes in, failures out. Knows no output."""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Callable, Iterator
from io import FileIO

from fuzz.evidence.triage.containers.decode import Decoder
from fuzz.evidence.triage.containers.log_prefixes import MAX_LINE
from fuzz.evidence.triage.containers.not_a_log import LOOKED_AT, NotALog, is_text, looks_like
from fuzz.evidence.triage.containers.unwrap import LONGEST, Unwrapper
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.newest_first import AnyOrder
from fuzz.evidence.triage.starts import Starts, reading_from

BLOCK = 1 << 20
"""Bytes read at once."""

BEFORE = 1 << 14
"""Bytes before a trigger word in which the failure may begin."""

QUIET = 1.0
"""Seconds without a new line after which a followed log's open failure is given as it is."""


class Scanner:
    """Finds the few lines worth parsing. Most blocks hold no trigger word and are looked at no closer.

    What tells a failure may stand some lines behind where that begins: reading starts `BEFORE` bytes ahead
    of it.
    A line longer than a block counts as one line with its beginning and end.
    """

    def __init__(self) -> None:
        self._parser = AnyOrder()
        self._unwrap = Unwrapper()
        self._rest = b""
        self._context = b""
        self._offset = 0
        self._lines = 0

    @property
    def lines(self) -> int:
        """How many have ended so far."""
        return self._lines

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes; give the failures that ended in them."""
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._rest += data
            if len(self._rest) > BLOCK and self._rest[:1] in (b"{", b"[") and b"}," in self._rest:
                # A list of records on one line: as many as are whole are a line of their own.
                cut = self._rest.rfind(b"},") + 2
                block, self._rest = self._rest[:cut] + b"\n", self._rest[cut:].lstrip()
                yield from self._block(block)
                self._offset, self._lines = self._offset - 1, self._lines - 1
            elif len(self._rest) > BLOCK:
                lost = len(self._rest) - 2 * MAX_LINE
                self._rest = self._rest[:MAX_LINE] + self._rest[-MAX_LINE:]
                self._offset += lost
            return
        block = b"".join((self._rest, memoryview(data)[:cut]))
        self._rest = data[cut:]
        yield from self._block(block)

    def flush(self) -> Iterator[Event]:
        """Give what is open: nothing came for a while."""
        yield from self._parser.flush()

    def close(self) -> Iterator[Event]:
        """The log ends here, in the middle of a line perhaps."""
        if self._rest:
            block, self._rest = self._rest + b"\n", b""
            yield from self._block(block)
        yield from self._parser.flush()

    def _block(self, block: bytes) -> Iterator[Event]:
        """Whole lines. `at` is always the start of one; the parser has seen what is before `seen`."""
        starts = Starts(block)
        at = seen = counted = 0
        while at < len(block):
            if not (self._parser.active or self._unwrap.waiting) and at >= seen:
                hit = starts.after(at)
                if hit < 0:
                    break
                if seen == 0 and hit < BEFORE and self._context:
                    yield from self._before()
                    if self._parser.active:
                        continue
                low = max(seen, block.rfind(b"\n", 0, max(hit - BEFORE, 0)) + 1)
                at = reading_from(block, low, hit)
                seen = block.rfind(b"\n", 0, hit) + 1
            end = block.index(b"\n", at)
            self._lines += block.count(b"\n", counted, at)
            counted = at
            for line in self._unwrap.lines(
                block[at : min(end, at + LONGEST)], self._lines + 1, self._offset + at
            ):
                yield from self._parser.feed(line)
            at = end + 1
            seen = max(seen, at)
        self._lines += block.count(b"\n", counted)
        self._offset += len(block)
        unseen = block[max(seen, len(block) - BEFORE) :]
        self._context = unseen if seen or len(unseen) == BEFORE else (self._context + unseen)[-BEFORE:]

    def _before(self) -> Iterator[Event]:
        """The end of the block before this one, which the parser has not seen: a failure began in it
        perhaps."""
        text, self._context = self._context, b""
        low = text.find(b"\n") + 1 if len(text) == BEFORE else 0
        text = text[reading_from(text, low, len(text)) :]
        number, offset = self._lines - text.count(b"\n"), self._offset - len(text)
        for raw in text.split(b"\n")[:-1]:
            number += 1
            for line in self._unwrap.lines(raw[:LONGEST], number, offset):
                yield from self._parser.feed(line)
            offset += len(raw) + 1


class Log:
    """A log's bytes, unpacked and decoded, to failures."""

    def __init__(self, problem: Callable[[str], None]) -> None:
        self._decoder = Decoder()
        self._scanner = Scanner()
        self._problem = problem
        self._head = b""
        self._text = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The next bytes. Raises Undecodable."""
        for part in self._decoder.feed(data):
            yield from self._scan(part)

    def _scan(self, part: bytes) -> Iterator[Event]:
        self._head = self._head or part[:LOOKED_AT]
        self._text = self._text or is_text(part)
        yield from self._scanner.feed(part)

    @property
    def lines(self) -> int:
        """How many it has had so far."""
        return self._scanner.lines

    @property
    def no_text(self) -> str:
        """What it looks like, if that is no log; else nothing."""
        return looks_like(self._head, self._text)

    def flush(self) -> Iterator[Event]:
        """Nothing came for a while."""
        yield from self._scanner.flush()

    def close(self) -> Iterator[Event]:
        """It ends here; `problem` is told what of it could not be read."""
        for part in self._decoder.close():
            yield from self._scan(part)
        yield from self._scanner.close()
        if self._decoder.problem:
            self._problem(self._decoder.problem)


def _silent(problem: str) -> None:
    """Whoever does not ask is not told."""


def scan(read: Callable[[int], bytes], log: Log | None = None) -> Iterator[Event]:
    """Every failure of a log that ends. `read(n)` gives up to n bytes, none at the end; OSError passes.

    Raises Undecodable; NotALog in the end, if there was no failure and no text."""
    log = Log(_silent) if log is None else log
    found = False
    while data := read(BLOCK):
        for event in log.feed(data):
            found = True
            yield event
    for event in log.close():
        found = True
        yield event
    if not found and log.no_text:
        raise NotALog(log.no_text)


def follow_stream(descriptor: int, log: Log) -> Iterator[Event]:
    """Failures from a pipe or terminal as they come, until it is closed."""
    while True:
        ready, _, _ = select.select([descriptor], [], [], QUIET)
        if not ready:
            yield from log.flush()
            continue
        data = os.read(descriptor, BLOCK)
        if not data:
            break
        yield from log.feed(data)
    yield from log.close()


def follow_file(path: str, stop: Callable[[], bool] = lambda: False, pause: float = 0.25) -> Iterator[Event]:
    """Failures from a file that grows, from its beginning, until `stop()` says so.

    The file may be cut to nothing and filled again, or renamed with another one made in its place: what is
    left of the old one is read first. A name that is gone for a while is waited for. OSError if it is not
    there to begin with or cannot be read.
    """
    log = Log(_silent)
    file = open(path, "rb", buffering=0)  # noqa: SIM115  (it is replaced when the log is rotated)
    quiet = 0.0
    try:
        while not stop():
            data = file.read(BLOCK)
            if data:
                quiet = 0.0
                yield from log.feed(data)
                continue
            now = _status(path)
            here = os.fstat(file.fileno())
            if now is not None and (now.st_dev, now.st_ino) != (here.st_dev, here.st_ino):
                fresh = _reopened(path)
                if fresh is not None:
                    while data := file.read(BLOCK):
                        yield from log.feed(data)
                    yield from log.close()
                    file.close()
                    file, log = fresh, Log(_silent)
                    continue
            elif stat.S_ISREG(here.st_mode) and here.st_size < file.tell():
                yield from log.close()
                file.seek(0)
                log = Log(_silent)
                continue
            time.sleep(pause)
            quiet += pause
            if quiet >= QUIET:
                yield from log.flush()
        yield from log.close()
    finally:
        file.close()


def _reopened(path: str) -> FileIO | None:
    """The file that now has this name, or None if it went away again."""
    try:
        return open(path, "rb", buffering=0)
    except OSError:
        return None


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None
