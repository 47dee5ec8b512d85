"""Which mutation to use next. The weights are learnt: a mutation that has led to something new lately is used
more often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

PRIOR = 30.0
"""A mutation's own rate of success counts as much as the rate of all together once it was tried so often."""
HALF = 2000
"""After so many tries, what was counted before counts half, because what helps early in a run does not help
late."""
LEAST, MOST = 0.3, 4.0
"""The least and the greatest factor by which a weight may be changed."""


class Weights(Generic[T]):
    """Things to draw from, each with the weight that it begins with."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._things = list(weights)
        self._begin = list(weights.values())
        self._now = list(self._begin)
        self._place = {thing: at for at, thing in enumerate(self._things)}
        self._tries = [0.0] * len(self._things)
        self._hits = [0.0] * len(self._things)
        self._count = 0

    def draw(self, rng: Random) -> T:
        """One of them."""
        return rng.choices(self._things, self._now)[0]

    def share(self, thing: T) -> float:
        """How much of all draws is this one's."""
        return self._now[self._place[thing]] / sum(self._now)

    def credit(self, used: Iterable[T], new: bool) -> None:
        """Note whether a program that was made with these has led to something new."""
        for thing in used:
            at = self._place[thing]
            self._tries[at] += 1
            self._hits[at] += new
        self._count += 1
        if self._count % 64 == 0:
            self._learn()

    def _learn(self) -> None:
        rate = (sum(self._hits) + 1) / (sum(self._tries) + 1)
        for at, begin in enumerate(self._begin):
            own = (self._hits[at] + PRIOR * rate) / (self._tries[at] + PRIOR)
            self._now[at] = begin * min(MOST, max(LEAST, own / rate))
        if self._count >= HALF:
            self._count = 0
            self._tries = [each / 2 for each in self._tries]
            self._hits = [each / 2 for each in self._hits]
