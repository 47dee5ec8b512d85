"""Protects the error paths as a whole: each block of each starting shape fails under each op, on the
model."""

from __future__ import annotations

from collections import Counter

import pytest

from fuzz.engines.each_block_fails import KNOWN, SHAPES, blocks, programs
from fuzz.execution.execute import run
from fuzz.targets.model.target import ModelTarget


def test_shapes_have_blocks_of_each_level() -> None:
    levels = {level for shape in SHAPES.values() for level, _ in blocks(shape)}
    assert levels == {0, 1, 2}
    assert sum(1 for shape in SHAPES.values() if blocks(shape)) >= len(SHAPES) - 3


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4", "master"])
def test_nothing_is_left_behind(release: str) -> None:
    """Every program ends well, or in a finding; each of the findings that a release has is met."""
    model, ends = ModelTarget(release), Counter[str]()
    for shape in SHAPES:
        for program in programs(shape):
            outcome = run(program, model)
            end = str(outcome) if not outcome.fine else "fine"
            ends[next((known for known in KNOWN if end.startswith(known)), end)] += 1
    assert ends.keys() <= {"fine", *KNOWN}, ends
    assert ends.total() > 13_000 and ends["assertion zap.c:zap_table_grow"], ends
    assert bool(ends["invariant zap:failed-op"]) is model.release.shrink, ends
