"""A worker of the real library whose lookups and cursors write one byte more than there is room for, and the
target that has it.

`python -m tests.support.wrong_libraries.overrunning` is the worker."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from fuzz.targets.libzpool.process.child import Child
from fuzz.targets.libzpool.process.worker import Worker, main
from fuzz.targets.libzpool.target import LibzpoolTarget

RIGHT = b"right"
"""The name that cursors read as they should."""


class OverrunningTarget(LibzpoolTarget):
    """A real library that reads values and names past their room."""

    def _new_child(self) -> Child:
        return Child(self.library, self._deadline, "tests.support.wrong_libraries.overrunning")


class OverrunningWorker(Worker):
    """Writes a zero, which says nothing by itself, behind the room for a value or a name."""

    def serve(self) -> None:
        world = self._session.world
        lib = world.lib
        right, right_norm, right_retrieve = lib.zap_lookup, lib.zap_lookup_norm, lib.zap_cursor_retrieve

        def lookup(os: int, number: int, name: bytes, size: int, length: int, at: int) -> int:
            error: int = right(os, number, name, size, length, at)
            if length:
                ctypes.memset(at + size * length, 0, 1)
            return error

        def lookup_norm(*arguments: Any) -> int:
            error: int = right_norm(*arguments)
            name, room = arguments[-3:-1]
            ctypes.memset(name + room, 0, 1)
            return error

        def retrieve(cursor: int, attribute: int) -> int:
            error: int = right_retrieve(cursor, attribute)
            if ctypes.string_at(attribute + lib.named_at) != RIGHT:
                ctypes.memset(attribute + lib.named_at + lib.name_room, 0, 1)
            return error

        vars(lib).update(zap_lookup=lookup, zap_lookup_norm=lookup_norm, zap_cursor_retrieve=retrieve)
        super().serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], OverrunningWorker))
