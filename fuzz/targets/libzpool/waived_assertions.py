"""Assertions that workers pass over, as a build without assertions does: those of some functions, by name.

A release may have an assertion that is wrong and fails where all is well. What lies behind it can be seen on
the real library only so. The model is corrected by a remedy meanwhile (`fuzz.faults.remedies`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_WAIVED: list[str] = []


def waived() -> tuple[str, ...]:
    """The functions of libzpool whose assertions new workers pass over; each once, sorted."""
    return tuple(sorted(set(_WAIVED)))


@contextlib.contextmanager
def waiving(functions: tuple[str, ...]) -> Iterator[None]:
    """Pass over the assertions of these, too, while the context lasts."""
    before = _WAIVED[:]
    _WAIVED.extend(functions)
    try:
        yield
    finally:
        _WAIVED[:] = before
