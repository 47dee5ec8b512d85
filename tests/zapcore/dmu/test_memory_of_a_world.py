"""Protects the memory of a long run: a world with a large object goes when the next begins."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from fuzz.execution.execute import run
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.model.world import SMALL
from zapcore.dmu.objset import Objset

LIGHT = parse("zap z fat hash64\n")
HEAVY = parse(
    "zap z fat key=u64 prehashed leaf_shift=17\n"
    + "".join(f"add z {key:#x} int=8 len=1024\n" for key in range(24))
)
"""More of one hash than a leaf holds: its table grows to the limit."""


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    """What the collector finds by itself, and when, is not asked."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(("first", "stays"), [(LIGHT, True), (HEAVY, False)])
def test_a_heavy_world_goes_when_the_next_begins(first: Program, stays: bool) -> None:
    target = ModelTarget("2.3", block_limit=SMALL)
    run(first, target)
    world: weakref.ref[Objset] = weakref.ref(target.objset)
    run(LIGHT, target)
    assert (world() is not None) == stays
