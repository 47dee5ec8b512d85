"""Names of the library's functions on the stack, from inside a signal handler.

glibc's backtrace(3) and dladdr(3) do it without a compiler. A distribution strips static functions' names,
so those are missing between the ones that are exported.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

FRAME_MARK = "zapfuzz frame: "
SIGNAL_MARK = "zapfuzz signal: "
LOST_MARK = "zapfuzz pool: "
_DEPTH = 64
_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)


class _DlInfo(ctypes.Structure):
    """Dl_info."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


class Backtrace:
    """Reads the stack; installs C handlers (Python's own run too late for a signal that kills)."""

    def __init__(self, library: Path) -> None:
        self._name = library.name.encode()
        self._libc = ctypes.CDLL(None)
        self._libc.signal.restype = ctypes.c_void_p
        self._libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
        self._libc.dladdr.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._frames = (ctypes.c_void_p * _DEPTH)()
        self._kept: list[object] = []
        self.names()

    def names(self) -> list[str]:
        """Exported functions of the library on this thread's stack, innermost first."""
        depth = self._libc.backtrace(self._frames, _DEPTH)
        return self.names_of(self._frames[:depth])

    def names_of(self, frames: Iterable[int | None]) -> list[str]:
        """Exported functions of the library among return addresses, in their order."""
        found = []
        for address in frames:
            info = _DlInfo()
            if address and self._libc.dladdr(address - 1, ctypes.byref(info)):
                inside = info.file and info.file.rpartition(b"/")[2] == self._name
                if inside and info.symbol:
                    found.append(info.symbol.decode())
        return found

    def handle(self, number: signal.Signals, tell: Callable[[int], None]) -> None:
        """Call `tell` when this signal comes."""
        handler = _HANDLER(tell)
        self._kept.append(handler)
        self._libc.signal(number, ctypes.cast(handler, ctypes.c_void_p))

    def restore(self, number: int) -> None:
        """Let the signal do again what it does by itself."""
        self._libc.signal(number, None)
