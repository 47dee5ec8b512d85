"""In a worker under memcheck: whether bytes of a block, or of an answer, were never written by anybody."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from fuzz.targets.libzpool.blocks_and_dbufs import read_blocks
from fuzz.targets.libzpool.watched.watch import OP_MARK, UNDEFINED_MARK, WATCHED
from fuzz.targets.libzpool.world import World


class Definedness:
    """Notes each op on standard error before it runs, and afterwards which bytes are not defined, each once.
    `asks` is the compiled definedness.c, None where nothing is asked."""

    def __init__(self, asks: Path | None) -> None:
        self._first = None
        if asks is not None:
            self._first = ctypes.CDLL(str(asks)).first_undefined
            self._first.restype = ctypes.c_int64
            self._first.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self._told: set[str] = set()

    @staticmethod
    def of_worker() -> Definedness | None:
        """That of this process; None where nobody watches it."""
        asks = os.environ.get(WATCHED)
        if asks is None:
            return None
        return Definedness(Path(asks) if asks else None)

    def before(self, index: int) -> None:
        """An op begins."""
        self._told.clear() if index == 0 else None
        _say(f"{OP_MARK}{index}")

    def after(self, world: World, answer: bytes) -> None:
        """An op has ended with this answer, as it goes over the pipe."""
        if self._first is None:
            return
        # Python has each small integer once, whatever it was made of: what was written is asked for
        copy = ctypes.create_string_buffer(answer, len(answer))
        for each in (copy, world.values.memory, world.names.memory, world.two):
            at = self._first(ctypes.addressof(each), ctypes.sizeof(each))
            if at >= 0:
                ctypes.memset(ctypes.addressof(each), 0, ctypes.sizeof(each))
                self._tell(f"answer byte {at}")
        for index in range(len(world.zaps)):
            size, content = read_blocks(world, index)
            at = self._first(ctypes.addressof(world.room), len(content)) if size else -1
            if at >= 0:
                self._tell(f"block byte {at % size:#x} of block {at // size} of ZAP {index}")

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _say(f"{UNDEFINED_MARK}{what}")


def _say(line: str) -> None:
    os.write(2, f"\n{line}\n".encode())
