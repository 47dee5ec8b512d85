"""Damage to leaves and headers, the releases that the ordinary tests leave out for an op."""

from __future__ import annotations

import pytest

from tests.real.test_assertions_on_damage import IN_TURN, OPS, ends_as_on_the_real_library, targets
from tests.support.wrong_libraries.damaging import DamagingTarget
from zapcore.release import PINNED

__all__ = ["targets"]

OTHERS = [(what, release) for what in OPS for release in PINNED if (what, release) not in IN_TURN]


@pytest.mark.parametrize(("what", "release"), OTHERS)
def test_damage_ends_each_op_as_it_does_on_the_real_library(
    targets: dict[str, DamagingTarget], what: str, release: str
) -> None:
    ends_as_on_the_real_library(targets, what, release)
