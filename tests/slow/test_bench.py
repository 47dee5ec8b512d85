"""The benchmark with its long run, which is watched for memory and speed while bugs are hunted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fuzz.commands.bench import Extent, bench
from tests.bench.test_bench import STALE, interrupted


def test_whole_run(tmp_path: Path) -> None:
    extent = Extent(1, 1, 20, 20, (STALE,), scale=0.02, long=3, together=(1, 4), steady=12)
    measured = bench(extent, "small", ("random",))
    (tmp_path / "bench.json").write_text(measured.as_json())
    data = json.loads((tmp_path / "bench.json").read_text())
    table = "\n".join(measured.lines())
    _, random = measured.cuts
    assert (random.inputs, random.after) == (3, (7, 7, 7))
    assert measured.steady is not None
    assert measured.steady.executions > 0 < measured.steady.inputs
    assert measured.steady.old > 0 < measured.steady.young
    assert data["steady"]["memory"] > 10
    assert data["steady"]["samples"][0][0] < data["steady"]["samples"][-1][0]
    assert "executions a CPU second at the end" in table


def test_a_worker_that_breaks_does_not_end_the_steady_run(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = RuntimeError("uniform on never: ended with status 1")
    assert interrupted(monkeypatch, reason, 12).steady is not None
