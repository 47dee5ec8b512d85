"""Which arm gets the next slice: engines, releases, styles and remedies each by what slices with them have
brought lately for their time. What is known of that is in the corpus (`Row.lately`).

Each choice is one of a bandit by Thompson's sampling: what a slice brings in a second is drawn from what is
believed of it, a gamma distribution, and the choice with the highest draw is taken. A part of all slices is
drawn alike, whatever is believed: what brings nothing now may do later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from fuzz.engines.campaign.ledger import Arm, Row

ALIKE = 0.25
"""The share of the choices that are made without regard to what is known. States say little of what an engine
brings that looks for schedules."""
BELIEVED_SECONDS = 10.0
"""How much time is taken to have been spent on each choice before any was, with what all have brought on
average."""


def pick(arms: Sequence[Arm], rows: Mapping[Arm, Row], rng: Random) -> Arm:
    """One of the arms. Engine, style, release and the rest are judged one after the other, each over all
    slices that had it; so what is learnt of an engine on one release counts for all."""
    left = list(arms)
    for field in ("engine", "style", "release", "target", "remedies"):
        values = list(dict.fromkeys(getattr(arm, field) for arm in left))
        if len(values) > 1:
            same = (
                rows
                if field != "style"
                else {arm: row for arm, row in rows.items() if arm.engine == left[0].engine}
            )
            value = _choice(values, field, same, rng)
            left = [arm for arm in left if getattr(arm, field) == value]
    return left[0]


def _choice(values: Sequence[str], field: str, rows: Mapping[Arm, Row], rng: Random) -> str:
    if rng.random() < ALIKE:
        return rng.choice(values)
    rates = _rates(values, field, rows.items())
    return max(values, key=lambda value: rng.gammavariate(rates[value][0], 1 / rates[value][1]))


def _rates(
    values: Sequence[str], field: str, rows: Iterable[tuple[Arm, Row]]
) -> dict[str, tuple[float, float]]:
    """For each value what it has brought, and in how many seconds, with what is believed at first."""
    brought, seconds = dict.fromkeys(values, 0.0), dict.fromkeys(values, 0.0)
    for arm, row in rows:
        value = getattr(arm, field)
        if value in brought:
            brought[value] += row.lately
            seconds[value] += row.lately_seconds
    average = (sum(brought.values()) + 1) / (sum(seconds.values()) + BELIEVED_SECONDS)
    return {
        value: (brought[value] + average * BELIEVED_SECONDS, seconds[value] + BELIEVED_SECONDS)
        for value in values
    }
