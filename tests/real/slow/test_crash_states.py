"""Every program of up to three ops after every starting shape: a crash at every step on the model, and on
the real library at every write of the last txg of some of the pools that have all of them."""

from __future__ import annotations

import os

import pytest

from fuzz.engines.crash_states.every_write import main

POOLS = os.environ.get("ZAPFUZZ_POOLS", "2")
"""How many pools of each release; all of them take some hours."""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_no_state_is_neither_one_txg_nor_the_next(release: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--release", release, "--batches", POOLS, "--random", "10"]) == 0
    assert "16956 programs" in capsys.readouterr().out
