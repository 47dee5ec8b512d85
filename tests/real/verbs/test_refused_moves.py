"""Protects comparisons of programs whose pool stays because of an op behind the one that ends them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.language.program import Op, Program, Zap
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

Make = Callable[..., LibzpoolTarget]


@pytest.mark.parametrize("avoided", [True, False])
def test_a_move_that_a_later_name_refuses_is_refused_where_that_is_not_reached(
    libzpool: Make, avoided: bool
) -> None:
    """2.1 cannot import a pool with long names; the model fails before there is one, and the library is to
    run the program up to that failure only, or once more up to its own."""
    ops = (
        Op("move", fill=21),
        Op("add", "z", b"a", 1, 1),
        Op("cursor", "c", other="z"),
        Op("next", "c"),
        Op("destroy", "z"),
        Op("retrieve", "c"),
        Op("add", "z", b"n" * 300, 1, 1),
    )
    both = BothTarget(ModelTarget("2.1"), libzpool("2.1"))
    both.avoid = lambda failure: avoided
    outcome = both.run_at_once(Program((Zap("z", hash64=True, leaf_shift=9),), ops), True, None)
    assert outcome.failure is not None and outcome.failure.signature.kind == "assertion"
