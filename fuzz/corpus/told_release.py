"""Which releases to tell of, of those that a reproducer speaks of."""

from __future__ import annotations

from collections.abc import Mapping

from fuzz.corpus.reproducer import FINE
from fuzz.targets.registry import LIBRARY_PREFIX
from zapcore.release import RELEASES

_NEWEST_FIRST = tuple(RELEASES)[::-1]
TOLD_FIRST = sorted(_NEWEST_FIRST, key=lambda name: not RELEASES[name].version)
"""Of those that fail: the newest that is packaged, then what nobody packages."""


def told_release(expect: Mapping[str, str]) -> str:
    """The release whose run is told: the newest one that fails, itself or its library, else the newest."""
    for name in TOLD_FIRST:
        failing = (expect.get(name, FINE), expect.get(LIBRARY_PREFIX + RELEASES[name].version, FINE))
        if failing != (FINE, FINE):
            return name
    return TOLD_FIRST[0]


def other_release(expect: Mapping[str, str], told: str) -> str | None:
    """The release to show beside: of those that do something else on the model one that is fine, if one is,
    and the nearest; None where all do the same."""
    order = list(RELEASES)
    others = [name for name in order if expect.get(name, FINE) != expect.get(told, FINE)]
    return min(
        others,
        key=lambda name: (expect.get(name, FINE) != FINE, abs(order.index(name) - order.index(told))),
        default=None,
    )
