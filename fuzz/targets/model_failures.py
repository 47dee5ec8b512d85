"""A panic of the model, and a model that itself breaks, in the words that all targets share."""

from __future__ import annotations

from fuzz.judge.signature import Failure, Signature
from zapcore.errors import Panic, openzfs_stack


def failure_of(panic: Panic) -> Failure:
    """A model's panic in the words that all targets share."""
    signature = Signature(str(panic.kind), panic.place, panic.expression, panic.stack)
    return Failure(signature, panic.kernel_text())


def broken(error: Exception) -> Failure:
    """A model that itself breaks, where it should go on or panic, is a finding too and ends no fuzzing. The
    place is where in Python it stood."""
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    place = f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}"
    signature = Signature("exception", place, type(error).__name__, openzfs_stack(frame))
    return Failure(signature, f"{place}: {type(error).__name__}: {error}")
