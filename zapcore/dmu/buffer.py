"""The bytes of a block in memory: an ARC buffer, with as much of it as matters to a dbuf."""

from __future__ import annotations


class Buffer:
    """The bytes of one block, and the same memory seen as 64-, 32- and 16-bit little-endian words.

    `anonymous` is arc_released(): the buffer belongs to no block on disk, because it is new, or because it
    was separated from its block to be changed. Nobody caches an anonymous buffer: its dbuf is destroyed with
    the last hold. `uncached` is ARC_FLAG_UNCACHED: when nobody has the bytes any more, the ARC does not keep
    them either. The buffer stays so when it is changed and written (arc_release).
    """

    __slots__ = ("anonymous", "h", "i", "q", "raw", "uncached")

    def __init__(self, raw: bytearray, anonymous: bool) -> None:
        self.raw = raw
        view = memoryview(raw)
        self.q = view.cast("Q")
        self.i = view.cast("I")
        self.h = view.cast("H")
        self.anonymous = anonymous
        self.uncached = False

    def copy(self) -> Buffer:
        """An anonymous buffer with the same bytes."""
        return Buffer(bytearray(self.raw), True)

    def zero(self) -> None:
        """Clear every byte in place, so that everybody who has a view of this memory sees zeros."""
        self.raw[:] = bytes(len(self.raw))
