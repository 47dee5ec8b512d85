"""How soon a guest is fresh again, and what a killed parent leaves: nothing. `fuzz.bench.guest_resets` does
both as often as one likes."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from fuzz.bench.guest_resets import kills, resets
from fuzz.targets.kernel.locate import NoKernel, find_parts
from tests.support.missing import missing

VERSION = "2.3.2"


@pytest.fixture(autouse=True)
def _guest() -> None:
    try:
        find_parts(VERSION, "shipped")
    except NoKernel as reason:
        missing(reason)


def test_a_reset_takes_a_moment() -> None:
    """Programs would spend their time waiting. The bounds are for a machine with other work on it."""
    after_program, after_panic = resets(VERSION, 5)
    assert len(after_panic) == 5
    assert statistics.median(after_program) < 10 and statistics.median(after_panic) < 15


def test_a_killed_parent_leaves_no_guest_and_no_file() -> None:
    """Killed while its guest boots, starts or works."""
    assert list(kills(VERSION, 12, Random(2), boots=2)) == []
