"""A fault put into the model, and how a program meets it."""

from __future__ import annotations

from fuzz.edits import Edit, applied
from fuzz.run import run
from fuzz.signature import Failure
from fuzz.syntax import parse
from fuzz.targets.model import ModelTarget


def failure_under(fault: Edit, text: str) -> Failure:
    """How a program fails on 2.3 with the fault; without it the model is fine."""
    program = parse(text)
    target = ModelTarget("2.3")
    assert run(program, target).fine
    with applied(fault):
        failure = run(program, target).failure
    assert failure is not None
    return failure
