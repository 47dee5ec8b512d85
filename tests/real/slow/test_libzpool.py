"""Workers and their parents killed a hundred times each, and the speed of every library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz.targets.libzpool import LibzpoolTarget
from tests.real.test_libzpool import RELEASES, kill_parents, kill_workers, reach_half_the_speed

Make = Callable[..., LibzpoolTarget]
KILLS = 100


def test_worker_killed_at_random_moments(own_libzpool: Make, own_folder: Path) -> None:
    kill_workers(own_libzpool("2.3"), KILLS, own_folder)


def test_parent_killed_at_random_moments(libzpool: Make, own_folder: Path) -> None:
    libzpool("2.3")  # skips or fails where there is none
    kill_parents(KILLS, own_folder)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("count", [6, 64])
def test_half_the_speed_of_a_bare_loop(libzpool: Make, release: str, count: int) -> None:
    reach_half_the_speed(libzpool(release).library, count)
