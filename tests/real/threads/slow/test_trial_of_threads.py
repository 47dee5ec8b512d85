"""Protects the stages of `zapfuzz try` that have real threads: what differs on purpose is counted and no
difference, in every schedule and in random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuzz.commands.trial.stage import Stage
from fuzz.commands.trial.threads_stages import every_schedule, soak_build
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.real.held_target import HeldTarget
from tests.support.wrong_libraries.one_fault import wrong_library

Run = Callable[[HeldTarget, frozenset[str], Stage], Iterator[str]]


def _schedules(real: HeldTarget, expected: frozenset[str], stage: Stage) -> Iterator[str]:
    return every_schedule(real, ModelTarget("2.3"), 3, expected, stage)


def _random(real: HeldTarget, expected: frozenset[str], stage: Stage) -> Iterator[str]:
    return soak_build(real, 1, 8, expected, stage)


@pytest.mark.parametrize("run", [_schedules, _random])
def test_a_difference_that_is_expected_is_none(run: Run, tmp_path: Path) -> None:
    first, second = Stage("first"), Stage("second")
    with HeldTarget("2.3", wrong_library(tmp_path, "-DWRONG")) as real:
        list(run(real, frozenset(), first))
        texts = frozenset(str(each.failure.signature) for each in first.differences)
        list(run(real, texts, second))
    assert texts and not first.expected
    assert set(second.expected) <= texts and second.expected
    assert not texts & {str(each.failure.signature) for each in second.differences}
