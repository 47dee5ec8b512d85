"""The seed decides what a minimized race is, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.test_engines import OF_RACES, seed_decides


@pytest.mark.parametrize("engine", OF_RACES)
def test_the_seed_decides_everything(engine: str, tmp_path: Path) -> None:
    seed_decides(engine, tmp_path, minimized=True)
