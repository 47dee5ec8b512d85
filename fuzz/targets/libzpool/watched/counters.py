"""Which edges of the C code a program takes, of a library that Clang built with
-fsanitize-coverage=inline-8bit-counters,pc-table: both sides of the memory that counters.c shares.

Only edges of what this project is about are told (WANTED): what pool and disk do meanwhile depends on
time."""

from __future__ import annotations

import bisect
import ctypes
import mmap
import os
import shutil
import struct
import subprocess
import weakref
from pathlib import Path

COUNTERS = "ZAPFUZZ_COUNTERS"
"""Environment variable of a worker: the compiled counters.c, a colon, the descriptor of the shared memory."""
MARK = b"\0__sanitizer_cov_8bit_counters_init\0"
"""What a library has that counts."""
EDGES = 1 << 20
_FRESH_AT, _LIST_AT = 8, 16
_WANTED_AT = _LIST_AT + 4 * EDGES
_PCS_AT = _WANTED_AT + 2 * EDGES
BYTES = _PCS_AT + 8 * EDGES
WANTED = ("zap_", "fzap_", "mzap_", "mze_", "dbuf_", "dmu_buf_", "dnode_", "free_", "leaf_", "ddt_zap")
"""How the functions begin whose edges are told."""


class Counters:
    """The parent's side, for as many workers as come one after the other."""

    def __init__(self, library: Path) -> None:
        self.file = os.memfd_create("zapfuzz-counters")
        weakref.finalize(self, os.close, self.file)
        os.truncate(self.file, BYTES)
        self._memory = mmap.mmap(self.file, BYTES)
        self._library, self._ready = library, False

    def fresh(self) -> list[int]:
        """The edges, each with how often it was taken, that no program took before."""
        if not self._ready:
            self._ready = self._choose()
        (count,) = struct.unpack_from("<Q", self._memory, _FRESH_AT)
        found = list(struct.unpack_from(f"<{count}I", self._memory, _LIST_AT))
        struct.pack_into("<Q", self._memory, _FRESH_AT, 0)
        return found

    def _choose(self) -> bool:
        """Say which edges are wanted; whether the worker has said what there is."""
        (edges,) = struct.unpack_from("<Q", self._memory)
        if not edges:
            return False
        pcs = struct.unpack_from(f"<{edges}Q", self._memory, _PCS_AT)
        starts, names = _functions(self._library)
        for edge, pc in enumerate(pcs):
            place = bisect.bisect_right(starts, pc) - 1
            if not starts or (place >= 0 and names[place].startswith(WANTED)):
                self._memory[_WANTED_AT + edge] = 1
        return True


def _functions(library: Path) -> tuple[list[int], list[str]]:
    """Where the library's functions begin, in order, and their names; nothing where no nm is."""
    if shutil.which("nm") is None:
        return [], []
    command = ["nm", "--defined-only", "--numeric-sort", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.split() for line in done.stdout.splitlines()]
    functions = [(int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tTwW"]
    return [start for start, _ in functions], [name for _, name in functions]


class Counting:
    """The worker's side: load before the library, attach when it is loaded."""

    def __init__(self, compiled: str, file: int) -> None:
        self._library = ctypes.CDLL(compiled, mode=os.RTLD_GLOBAL | os.RTLD_NOW)
        self._library.counters_attach.restype = ctypes.c_uint64
        self._file = file

    @staticmethod
    def of_worker() -> Counting | None:
        """That of this process; None where nobody asks."""
        compiled, _, file = os.environ.get(COUNTERS, "").rpartition(":")
        return Counting(compiled, int(file)) if compiled else None

    def attach(self) -> None:
        """The library is there. Raises OSError where its counters cannot be shared."""
        if not self._library.counters_attach(self._file):
            raise OSError("the library has no counters")

    def clear(self) -> None:
        """Forget what was taken so far: the making of a pool is no program."""
        self._library.counters_clear()

    def collect(self) -> None:
        """A program has run."""
        self._library.counters_collect()
