"""Protects what each verb answers: a small program each, its errnos and values; the oracle agrees."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.programs.answers_of_verbs import ANSWERS


@pytest.mark.parametrize("release", ["2.1", "2.3"])
@pytest.mark.parametrize("what", ANSWERS)
def test_answers(release: str, what: str) -> None:
    text, wanted = ANSWERS[what]
    program = parse(text)
    target = ModelTarget(release)
    target.begin(program)
    assert [target.apply(op) for op in program.ops] == wanted
    assert run(program, target).fine, "the oracle agrees"
