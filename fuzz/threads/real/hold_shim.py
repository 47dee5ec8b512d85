"""The library that is made of hold.c and the C files beside it, as ctypes sees it. It must be loaded before
libzpool, so that the calls of libzpool find its functions first."""

from __future__ import annotations

import contextlib
import ctypes
import enum
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz.targets.libzpool.function_names_on_stack import Backtrace

SLOTS = 64
_FRAMES = 48


class State(enum.IntEnum):
    """Where a thread is; the numbers are those of hold.c."""

    ABSENT = 0
    RUNNING = 1
    STOPPED = 2
    WAITING = 3
    ENDED = 4


class RawPoint(ctypes.Structure):
    """struct point."""

    _fields_ = (
        ("what", ctypes.c_uint64),
        ("object", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("passed", ctypes.c_uint64),
    )


def _numbers(objects: Sequence[int]) -> ctypes.Array[ctypes.c_uint64]:
    return (ctypes.c_uint64 * max(len(objects), 1))(*objects)


class Shim:
    """The loaded library. Raises OSError where it cannot be loaded."""

    def __init__(self, path: Path) -> None:
        self._lib = ctypes.CDLL(str(path), mode=os.RTLD_GLOBAL | os.RTLD_NOW)
        self._lib.hold_point.argtypes = [ctypes.c_uint64, ctypes.c_int]
        self._lib.hold_point.restype = None
        self._lib.hold_step.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
        self._lib.hold_begin.argtypes = [ctypes.c_void_p]
        self._lib.hold_sync_beside.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        self._lib.hold_sync_begin.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._lib.hold_sync_begin.restype = ctypes.c_void_p
        self._lib.hold_sync_end.argtypes = [ctypes.c_void_p]
        self._lib.hold_stack.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]

    def begin(self, library: ctypes.CDLL) -> None:
        """Find the functions of libzpool that it replaces and calls. Raises RuntimeError if one is
        missing."""
        if missing := self._lib.hold_begin(library._handle):
            raise RuntimeError(f"libzpool has not the functions that are to be held (number {missing})")

    def reset(self) -> None:
        """A section begins: no thread has joined."""
        self._lib.hold_reset()

    def join(self, slot: int) -> None:
        """Hold the calling thread from now on. Returns when it may go on for the first time."""
        self._lib.hold_join(slot)

    def leave(self) -> None:
        """Do not hold the calling thread any more."""
        self._lib.hold_leave()

    def point(self, number: int, *, waiting: bool = False) -> None:
        """A point of our own. `waiting` says that the thread waits for something that only other threads can
        do."""
        self._lib.hold_point(number, waiting)

    def beside_sync(self, objset: int, objects: Sequence[int]) -> None:
        """After `reset`: a sync of these objects of an object set may run beside the threads of this
        section."""
        self._lib.hold_sync_beside(objset, _numbers(objects), len(objects))

    @contextlib.contextmanager
    def as_sync(self, objects: Sequence[int]) -> Iterator[None]:
        """What syncs meanwhile stands for the calling thread; the objects come in this order."""
        slot = self._lib.hold_sync_begin(_numbers(objects), len(objects))
        try:
            yield
        finally:
            self._lib.hold_sync_end(slot)

    def step(self, slot: int, *, on: bool, milliseconds: int) -> tuple[State, RawPoint]:
        """Let a thread go on (or not), and wait for its next point."""
        point = RawPoint()
        state = self._lib.hold_step(slot, on, milliseconds, ctypes.addressof(point))
        return State(state), point

    def loosen(self) -> None:
        """Do not hold any thread any more."""
        self._lib.hold_loosen()

    def who(self) -> int:
        """The calling thread's slot, -1 if it has none."""
        return int(self._lib.hold_who())

    def stack(self, slot: int, trace: Backtrace) -> list[str]:
        """The library's functions on the stack of a thread that stands somewhere, innermost first."""
        frames = (ctypes.c_void_p * _FRAMES)()
        depth = self._lib.hold_stack(slot, ctypes.addressof(frames), _FRAMES)
        return trace.names_of(frames[:depth])
