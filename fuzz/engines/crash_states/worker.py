"""The child process that knows what a sync has written, write by write: a libzpool worker that also imports
the pool as it was after some of them. write_log.c must be loaded before libzpool."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz.engines.crash_states.wire import Seen, States, chosen, pack_states, unpack_asked
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.blocks_and_dbufs import read_blocks
from fuzz.targets.libzpool.pool import PoolProblem, copy_of_image
from fuzz.targets.libzpool.process.wire import Command, block_digest, digest_blocks
from fuzz.targets.libzpool.process.worker import Worker
from fuzz.targets.libzpool.process.worker import main as serve

_RECORD = struct.Struct("<QQ")


class Write(NamedTuple):
    """A write to the pool's only device."""

    position: int
    data: bytes


class WriteLog:
    """write_log.c. It is loaded before libzpool, and told of that afterwards."""

    def __init__(self, path: Path) -> None:
        self._shim = ctypes.CDLL(str(path), mode=os.RTLD_GLOBAL | os.RTLD_NOW)
        self._shim.write_log_begin.argtypes = [ctypes.c_void_p]
        self._file = os.memfd_create("zapfuzz-writes")

    def begin(self, library: Library) -> None:
        """Find the library's own functions. Raises PoolProblem."""
        if not self._shim.write_log_begin(library.handle._handle):
            raise PoolProblem("write_log: the library has no zfs_file_pwrite()")

    def start(self) -> None:
        """Log from here on."""
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        self._shim.write_log_to(self._file)

    def stop(self) -> Iterator[Write | None]:
        """The writes since `start`, and None for each flush. Raises PoolProblem."""
        if not self._shim.write_log_to(-1):
            raise PoolProblem("write_log: the log is not whole")
        size = os.lseek(self._file, 0, os.SEEK_CUR)
        at = 0
        while at < size:
            position, length = _RECORD.unpack(os.pread(self._file, _RECORD.size, at))
            at += _RECORD.size
            yield Write(position, os.pread(self._file, length, at)) if length else None
            at += length


class CrashWorker(Worker):
    """The loop, with one more request."""

    def __init__(self, log: WriteLog, library: Library, requests: int, answers: int, page: mmap.mmap) -> None:
        log.begin(library)
        self._log = log
        super().__init__(library, requests, answers, page)

    def _do(self, command: int, body: bytes) -> bytes:
        if command != Command.STATES:
            return super()._do(command, body)
        asked = unpack_asked(body)
        session = self._session
        pool = session.pool
        session.world.close_cursors()
        pool.finish_all()
        before = copy_of_image(pool.image)
        self._log.start()
        pool.sync()
        records = list(self._log.stop())
        writes = [record for record in records if record is not None]
        flushes = _places_of_flushes(records)
        seen = []
        image = copy_of_image(before)
        done = 0
        for number in chosen(flushes, len(writes), asked):
            _apply(image, writes[done:number])
            done = number
            seen.append(self._look(copy_of_image(image), number, 0))
        os.close(image)
        rng = Random(asked.seed)
        for _ in range(asked.random if writes else 0):
            number = rng.randrange(1, len(writes) + 1)
            sure = max((flush for flush in flushes if flush <= number), default=0)
            kept = [write for write in writes[sure:number] if rng.random() < 0.5]
            image = copy_of_image(before)
            _apply(image, [*writes[:sure], *kept])
            seen.append(self._look(image, number, number - sure - len(kept)))
        final = copy_of_image(before)
        _apply(final, writes)
        os.close(before)
        self._go_to(final)
        sizes = sum(len(write.data) for write in writes)
        return pack_states(States(len(writes), len(flushes), sizes, seen))

    def _go_to(self, image: int) -> None:
        self._session.pool.go_to(image)
        world = self._session.world
        world.os = world.pool.os
        for zap in world.zaps:
            world.find_again(zap)

    def _look(self, image: int, number: int, missing: int) -> Seen:
        """Import the pool from an image, look at the ZAPs, export it, and once more."""
        self._go_to(image)
        first = self._digest()
        self._session.pool.reopen()
        self._session.world.os = self._session.pool.os
        return Seen(number, missing, first, self._digest())

    def _digest(self) -> bytes:
        world = self._session.world
        parts = []
        for index, zap in enumerate(world.zaps):
            size, content = read_blocks(world, index) if zap.number else (0, b"")
            blocks = [content[at : at + size] for at in range(0, len(content), size)] if size else None
            parts.append(digest_blocks(blocks) or b"\0")
        return block_digest(b"".join(parts))


def _places_of_flushes(records: Sequence[Write | None]) -> list[int]:
    """After how many writes each flush comes."""
    places, writes = [], 0
    for record in records:
        if record is None:
            places.append(writes)
        else:
            writes += 1
    return places


def _apply(image: int, writes: Sequence[Write]) -> None:
    for write in writes:
        os.pwrite(image, write.data, write.position)


def main(arguments: list[str]) -> int:
    """As the plain worker; write_log.c's library comes last."""
    log = WriteLog(Path(arguments[-1]))

    def make(library: Library, requests: int, answers: int, page: mmap.mmap) -> Worker:
        return CrashWorker(log, library, requests, answers, page)

    return serve(arguments[:-1], make)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
