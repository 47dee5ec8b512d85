"""Each block of each starting shape cannot be read under each op, some of all programs on real libraries: no
hold is left, no byte is wrong, but for what the findings say."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from fuzz.engines.each_block_fails import KNOWN, SHAPES, programs
from fuzz.execution.execute import run
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

Make = Callable[..., LibzpoolTarget]
SAMPLE = 150


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_each_block_fails_under_each_op(libzpool: Make, release: str) -> None:
    target = BothTarget(ModelTarget(release), libzpool(release))
    everything = [program for shape in SHAPES for program in programs(shape)]
    ends: Counter[str] = Counter()
    for program in random.Random(release).sample(everything, SAMPLE):
        outcome = run(program, target)
        ends[next((known for known in KNOWN if str(outcome).startswith(known)), str(outcome))] += 1
    assert ends.keys() <= {"fine", *KNOWN}, ends
