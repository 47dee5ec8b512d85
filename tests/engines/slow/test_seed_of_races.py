"""The seed decides what a minimized race is, too. The engine beside a sync minimizes in the same way, and
takes three times as long."""

from __future__ import annotations

from pathlib import Path

from tests.engines.test_engines import seed_decides


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    seed_decides("threads", tmp_path, minimized=True)
