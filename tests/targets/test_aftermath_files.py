"""The copy of a guest's pool that its blocks are read from: it is gone afterwards, also a killed one's."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from fuzz.language.syntax import parse
from fuzz.targets.kernel import aftermath
from fuzz.targets.kernel.target import KernelTarget


def test_the_copy_of_a_pool_lies_where_the_next_one_sweeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parent that was killed meanwhile has left a file of the pool's size in /tmp for good."""
    left = tmp_path / ".pool-of-one-that-was-killed"
    left.mkdir()
    (left / "pool").write_bytes(b"pool")
    images: list[Path] = []
    guest = SimpleNamespace(image=tmp_path / "saved.qcow2", save_pool=images.append)
    target = SimpleNamespace(
        guest=guest,
        datasets={"d": "pool/plain"},
        failing=lambda op: contextlib.nullcontext(),
        as_root=lambda *words: "34\n",
        path_of=lambda zap: b"/pool/plain/d",
    )
    monkeypatch.setattr(
        aftermath, "_judged", lambda *told: f"{sorted(tmp_path.iterdir()) == [images[0].parent]}"
    )
    told = list(aftermath._blocks(cast(KernelTarget, target), parse("zap d micro\n")))
    assert told == ["d on disk: True"] and images[0].parent.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
