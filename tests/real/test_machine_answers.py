"""Protects what `force --json` says of a real library."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.targets.libzpool import LibzpoolTarget
from tests.commands.test_machine_answers import THREADS, answer
from tests.support.paths import CORPUS


def test_force(libzpool: Callable[..., LibzpoolTarget]) -> None:
    pytest.importorskip("greenlet")
    libzpool("2.3")
    data = answer("force", str(CORPUS / "findings" / "zap-shrink-stale-shift"), "--repeat", "3")
    assert (data["outcome"], data["force"]["runs"]) == ("found", 3)
    assert sum(data["force"]["outcomes"].values()) == 3
    assert sum(each["count"] for each in data["failures"]) == 3
    data = answer("force", THREADS, "--preemptions", "0")
    assert (data["outcome"], data["force"]["differ"]) == ("not found", 0)
