"""Fuzzing a real library: failures that are known are counted and end nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzz.targets.libzpool import LibzpoolTarget
from tests.support.command import fuzz
from tests.support.paths import CORPUS


def test_on_the_real_library_known_failures_are_counted_and_end_nothing(
    libzpool: Callable[..., LibzpoolTarget], tmp_path: Path
) -> None:
    """The library is kept from one of the seeds, answers another one wrongly, and the run goes on."""
    libzpool("2.3")
    seeds = [str(CORPUS / "findings" / name) for name in ("zap-trunc-next-table", "lookup-widened")]
    status, output = fuzz(
        tmp_path,
        *("--target", "libzpool", "--release", "2.3", "--engine", "random", "--runs", "8", "--out", "out"),
        *("--seeds", seeds[0], "--seeds", seeds[1]),
    )
    assert status == 0, output
    assert " 8 executions" in output
    counts = [line for line in output.splitlines() if " x " in line]
    for seed in seeds:
        assert any(f"x {Path(seed).name} " in line for line in counts), output
    assert not (tmp_path / "out").exists()
