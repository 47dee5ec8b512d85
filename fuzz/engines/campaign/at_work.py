"""How far slices are that go on: what each would hand in now, as far as that is counted. It is shown, and
never written: what counts is what a slice hands in.

A slice tells it through Dask's events, at most once in its `tell_seconds`, which the campaign chooses by the
number of its workers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Ledger, Open, total
from fuzz.engines.campaign.slice import Slice

MOST_SECONDS, TOLD_A_SECOND = 2.0, 50
"""A slice tells how far it is every two seconds, or so seldom that all workers together send so many messages
a second."""


def tell_seconds(workers: int) -> float:
    """After how many seconds a slice tells again, if there are so many workers."""
    return max(MOST_SECONDS, workers / TOLD_A_SECOND)


@dataclasses.dataclass(frozen=True, slots=True)
class HowFar:
    """What a slice has told. `part` is the name that it will have in the corpus, `states` counts what it was
    the first to reach, as far as it knew."""

    number: int
    part: str
    states: int
    ledger: Ledger

    def to_json(self) -> str:
        """The text that `from_json` reads. Of failures that nobody knows only their signatures are told."""
        return json.dumps(
            {
                "number": self.number,
                "part": self.part,
                "states": self.states,
                "counts": self.ledger.as_data(),
                "open": list(self.ledger.open),
            }
        )

    @staticmethod
    def from_json(data: Any, work: Slice) -> HowFar:
        """What the slice `work` has told. Raises ValueError, KeyError, TypeError."""
        ledger = Ledger(open={text: Open("", work.arm) for text in data["open"]})
        ledger.take(data["counts"])
        return HowFar(work.number, data["part"], data["states"], ledger)


class AtWork(NamedTuple):
    """A slice that goes on, and what it has told, if it has told something."""

    work: Slice
    told: HowFar | None


class Meanwhile:
    """What the slices of a campaign have told that are not over."""

    def __init__(self) -> None:
        self._told: dict[int, HowFar] = {}

    def hear(self, data: Any, running: Iterable[Slice]) -> None:
        """Take in what a slice says. One that is over by then, or another version's words, are left out."""
        work = next((each for each in running if each.number == data.get("number")), None)
        if work is None:
            return
        with contextlib.suppress(ValueError, KeyError, TypeError):
            self._told[work.number] = HowFar.from_json(data, work)

    def over(self, number: int) -> None:
        """A slice is over."""
        self._told.pop(number, None)

    def at_work(self, running: Iterable[Slice], corpus: Corpus) -> list[AtWork]:
        """The slices that go on. What one has told whose part is in the corpus already is not said again."""
        told = {each.number: each for each in self._told.copy().values() if each.part not in corpus.parts}
        return [AtWork(work, told.get(work.number)) for work in running]


def with_all_at_work(ledger: Ledger, slices: Iterable[AtWork]) -> Ledger:
    """What is handed in, and what would be handed in now."""
    return total([ledger, *(each.told.ledger for each in slices if each.told is not None)])
