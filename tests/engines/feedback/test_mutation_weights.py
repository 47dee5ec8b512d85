"""Weights that learn.

They protect: that what leads to something new is drawn more often and what does not less, that neither is
forgotten, that old counts fade, and that nothing is learnt from nothing.
"""

from __future__ import annotations

from random import Random

from fuzz.engines.feedback.mutation_weights import HALF, LEAST, MOST, Weights


def shares(weights: Weights[str]) -> dict[str, float]:
    return {name: round(weights.share(name), 3) for name in ("good", "bad")}


def test_what_helps_is_drawn_more_and_the_other_not_forgotten() -> None:
    weights = Weights({"good": 1, "bad": 1})
    rng = Random(1)
    for _ in range(1000):
        thing = weights.draw(rng)
        weights.credit([thing], thing == "good")
    assert 0.7 < weights.share("good") < MOST / (MOST + LEAST)
    assert weights.share("bad") >= LEAST / (LEAST + MOST)


def test_what_helped_long_ago_fades() -> None:
    weights = Weights({"good": 1, "bad": 1})
    for number in range(HALF):
        weights.credit(["good", "bad"][number % 2 :][:1], number % 2 == 0)
    before = weights.share("good")
    for number in range(3 * HALF):
        weights.credit(["good", "bad"][number % 2 :][:1], number % 2 == 1)
    assert before > 0.6 > 0.5 > weights.share("good")


def test_no_news_changes_nothing() -> None:
    weights = Weights({"good": 3, "bad": 1})
    for _ in range(500):
        weights.credit(["good"], False)
        weights.credit(["bad"], False)
    assert shares(weights) == {"good": 0.75, "bad": 0.25}
