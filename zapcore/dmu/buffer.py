"""A block's bytes in memory: an ARC buffer, as far as a dbuf can tell one from another."""

from __future__ import annotations


class Buffer:
    """The bytes of one block, and the same memory seen as 64-, 32- and 16-bit little-endian words.

    `anonymous` is arc_released(): the buffer belongs to no block on disk. It is either new, or was let go to
    be changed. An anonymous buffer is not worth caching: its dbuf dies with the last hold.
    """

    __slots__ = ("anonymous", "h", "i", "q", "raw")

    def __init__(self, raw: bytearray, anonymous: bool) -> None:
        self.raw = raw
        view = memoryview(raw)
        self.q = view.cast("Q")
        self.i = view.cast("I")
        self.h = view.cast("H")
        self.anonymous = anonymous

    def copy(self) -> Buffer:
        """An anonymous buffer with the same bytes."""
        return Buffer(bytearray(self.raw), True)

    def zero(self) -> None:
        """Clear every byte in place: whoever looks at this memory sees it."""
        self.raw[:] = bytes(len(self.raw))
