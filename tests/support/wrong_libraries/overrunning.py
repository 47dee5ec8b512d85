"""A worker of the real library whose lookups write one byte more than there is room for, and the target that
has it.

`python -m tests.support.wrong_libraries.overrunning` is the worker."""

from __future__ import annotations

import ctypes
import sys

from fuzz.targets.libzpool.process.child import Child
from fuzz.targets.libzpool.process.worker import Worker, main
from fuzz.targets.libzpool.target import LibzpoolTarget


class OverrunningTarget(LibzpoolTarget):
    """A real library that reads values past their room."""

    def _new_child(self) -> Child:
        return Child(self.library, self._deadline, "tests.support.wrong_libraries.overrunning")


class OverrunningWorker(Worker):
    """Writes a zero, which says nothing by itself, behind what zap_lookup() has read."""

    def serve(self) -> None:
        lib = self._session.world.lib
        right = lib.zap_lookup

        def lookup(os: int, number: int, name: bytes, size: int, length: int, at: int) -> int:
            error: int = right(os, number, name, size, length, at)
            if length:
                ctypes.memset(at + size * length, 0, 1)
            return error

        vars(lib)["zap_lookup"] = lookup
        super().serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], OverrunningWorker))
