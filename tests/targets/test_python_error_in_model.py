"""A fault that makes the model itself break in Python is a failure like any other: reported, with its place,
and minimized; it does not end a run."""

from __future__ import annotations

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.language.syntax import parse
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.model.target import ModelTarget

LONG = "n" * 49
PROGRAM = "zap z micro\n" + "".join(f'add z "{name}" int=8\n' for name in [*"abcdef", LONG + "x"])
TOO_LONG = Edit("zap.micro:_needs_fat", ">= L.MICRO_NAME_LEN", "> L.MICRO_NAME_LEN")
"""A name of 50 bytes has no room for its NUL in a slot: in the last one it reaches beyond the block."""


def test_an_exception_is_a_failure_with_a_place_and_openzfs_stack() -> None:
    program = parse(PROGRAM + "count z\n")
    target = ModelTarget("2.3")
    assert run(program, target).fine
    with applied(TOO_LONG):
        outcome = run(program, target)
        assert outcome.failure is not None
        small, _ = minimize_failure(program, outcome.failure, target)
    signature = outcome.failure.signature
    assert signature.key == ("exception", "zapcore.zap.micro:_add_entry", "BufferError")
    assert signature.stack[-1] == "zap_add" and outcome.ops == 7
    assert len(small.ops) == 7
