"""Protects who gets how much of a campaign: most goes to what brings most for its time, some to everything,
and what stops bringing anything loses its share."""

from __future__ import annotations

from collections import Counter
from random import Random

from fuzz.engines.campaign.ledger import Arm, Row
from fuzz.engines.campaign.shares import ALIKE, pick

ARMS = [Arm(engine, release) for engine in ("atheris", "random", "threads") for release in ("2.3", "master")]


def shares(rows: dict[Arm, Row], field: str) -> Counter[str]:
    """How often each value is taken, of a thousand times."""
    rng = Random(1)
    return Counter(getattr(pick(ARMS, rows, rng), field) for _ in range(1000))


def row(worth: float, seconds: float = 600.0) -> Row:
    """What was brought lately."""
    return Row(slices=10, lately=worth, lately_seconds=seconds)


def test_what_is_not_known_is_shared_alike() -> None:
    """Before the first slice."""
    for field in ("engine", "release"):
        taken = shares({}, field)
        assert min(taken.values()) > 0.6 * max(taken.values())


def test_most_goes_to_what_brings_most() -> None:
    """Engine and release are judged each for itself, and nothing starves."""
    rows = {arm: row(10.0) for arm in ARMS}
    rows[Arm("atheris", "master")] = row(3000.0)
    engines, releases = shares(rows, "engine"), shares(rows, "release")
    assert engines["atheris"] > 700 and releases["master"] > 700
    assert min(engines.values()) > 1000 * ALIKE / len(engines) * 0.7


def test_time_is_what_counts() -> None:
    """As much in a tenth of the time is worth more."""
    rows = {arm: row(100.0) for arm in ARMS}
    rows[Arm("random", "2.3")] = row(100.0, 60.0)
    assert shares(rows, "engine").most_common(1)[0][0] == "random"


def test_what_brings_nothing_any_more_loses_its_share() -> None:
    """What is long ago fades."""
    old = row(3000.0)
    for _ in range(100):
        old.add(Row(slices=1, lately=0.0, lately_seconds=60.0))
    assert old.lately < 20.0 and old.lately_seconds > 600.0
    rows = {arm: row(100.0) for arm in ARMS}
    rows[Arm("atheris", "2.3")] = rows[Arm("atheris", "master")] = old
    assert shares(rows, "engine")["atheris"] < 200
