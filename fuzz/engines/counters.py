"""Counters of our own in libFuzzer: the one place that uses Atheris's private names.

Each feature that is observed feeds libFuzzer exactly as an edge of the program does.
"""

from __future__ import annotations

from collections.abc import Callable

import atheris

COUNTERS = 1 << 16
_MASK = COUNTERS - 1


def reserve() -> Callable[[int], None]:
    """Reserve the counters, before fuzzing starts; returns what is to be called with each feature."""
    first = atheris._reserve_counter()
    last = first
    for _ in range(COUNTERS):  # one more than is used: Atheris 3.0.0 does not count the last one
        last = atheris._reserve_counter()
    if last - first != COUNTERS:
        raise RuntimeError("Atheris no longer numbers its counters one after the other")

    def observe(feature: int) -> None:
        # looked up at each call: Setup puts another function in place of the one that was there before
        atheris._trace_branch(first + (feature & _MASK))

    return observe
