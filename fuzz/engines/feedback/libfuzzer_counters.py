"""Counters of our own in libFuzzer. This is the only place that uses private names of Atheris.

For libFuzzer, a feature that is observed is the same as an edge of the program that is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import atheris

COUNTERS = 1 << 16
_MASK = COUNTERS - 1


def reserve() -> Callable[[int], None]:
    """Reserve the counters. Must be called before fuzzing starts. Returns the function that is to be called
    with each feature."""
    first = atheris._reserve_counter()
    last = first
    for _ in range(COUNTERS):  # one more than is used, because Atheris 3.0.0 does not count the last one
        last = atheris._reserve_counter()
    if last - first != COUNTERS:
        raise RuntimeError("Atheris no longer numbers its counters one after the other")

    def observe(feature: int) -> None:
        # looked up at each call, because Setup replaces the function by another one
        atheris._trace_branch(first + (feature & _MASK))

    return observe
