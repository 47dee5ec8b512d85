"""The seed decides what the engine of threads does, too."""

from __future__ import annotations

from pathlib import Path

from tests.engines.test_engines import seed_decides


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    seed_decides("threads", tmp_path)
