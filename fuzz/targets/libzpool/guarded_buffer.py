"""Memory that the library writes to. Behind the room that it is given stand bytes that must not change."""

from __future__ import annotations

import ctypes

GUARD = b"\xa5" * 24
"""What stands behind a room: more than the 20 bytes that a leaf's last chunk may have behind a value."""


class GuardedBuffer:
    """Room for what one call writes, `most` bytes or fewer."""

    def __init__(self, most: int) -> None:
        self.memory = ctypes.create_string_buffer(most + len(GUARD))
        self._at = ctypes.addressof(self.memory)

    def empty(self, room: int) -> int:
        """The address of so many bytes, all zero, with the guard behind them."""
        ctypes.memset(self._at, 0, room)
        ctypes.memmove(self._at + room, GUARD, len(GUARD))
        return self._at

    def content(self, room: int) -> bytes:
        """The bytes of the room without zeros at the end; more than that if the guard has changed: no answer
        has so many bytes."""
        data = ctypes.string_at(self._at, room + len(GUARD))
        return data[:room].rstrip(b"\0") if data.endswith(GUARD) else data

    def text(self, room: int) -> bytes:
        """The bytes before the first NUL, or all of them; more than that if the guard has changed."""
        data = self.content(room)
        return data.partition(b"\0")[0] if len(data) <= room else data
