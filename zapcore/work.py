"""How much work an operation was, where OpenZFS's time does not follow from what it is asked to do.

Most of what an operation does is bounded: a leaf, a few blocks. What is not are walks over the pointer table:
OpenZFS takes its entries one by one, and holds and lets go of a dbuf for each of them, also where this model
looks at a block once.
"""

from __future__ import annotations

from zapcore.errors import openzfs_place

MANY = 1 << 10
"""Entries of one walk from which on it is worth knowing whose walk it is."""


class Work:
    """`steps` counts entries of pointer tables that were walked over since `clear`. `longest` is the longest
    walk of MANY steps or more, and `place` the OpenZFS function (file:function) whose it was."""

    __slots__ = ("longest", "place", "steps")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin to count anew."""
        self.steps = 0
        self.longest = 0
        self.place = ""

    def walk(self, steps: int) -> None:
        """The innermost registered function on the stack walks over so many entries."""
        self.steps += steps
        if steps >= MANY and steps > self.longest:
            self.longest, self.place = steps, openzfs_place()
