"""A fault put into the model, and how a program meets it."""

from __future__ import annotations

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.judge.signature import Failure
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget


def failure_under(fault: Edit, text: str) -> Failure:
    """How a program fails on 2.3 with the fault; without it the model is fine."""
    program = parse(text)
    target = ModelTarget("2.3")
    assert run(program, target).fine
    with applied(fault):
        failure = run(program, target).failure
    assert failure is not None
    return failure
