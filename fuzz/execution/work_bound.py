"""A bound on the work of one operation.

A pointer table may be large because of how hashes lie, not of how many entries there ever were. An operation
that walks over such a table takes time without bound while it holds the ZAP's lock and a transaction: with 28
bits of hash 67 million holds of a dbuf, with 48 bits 2^46.
"""

from __future__ import annotations

from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Op
from zapcore.work import Work

MOST_STEPS = 1 << 13
"""What any operation may do: one to two milliseconds of a kernel's."""


def too_much(op: Op, work: Work, before: int) -> Failure | None:
    """The failure of an operation that was more work than it may be after so many others; None if it was not.

    Of n hashes that nobody chose two agree in some 2 * log2(n) bits, so that even where a leaf holds a single
    entry a table of n * n entries is usual.
    """
    if work.steps <= MOST_STEPS + before * before:
        return None
    place = work.place or f"zap:{op.verb}"
    text = (
        f"{op.verb}: {work.steps} entries of the pointer table were walked over, each with a hold of a dbuf "
        f"({work.longest} of them in a row by {place.rpartition(':')[2]}), in ZAPs that never had more than "
        f"{before} entries"
    )
    return Failure(Signature("work", place, "a walk over the pointer table is bounded by the entries"), text)
