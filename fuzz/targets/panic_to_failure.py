"""A panic of the model, and a model that itself breaks, in the words that all targets share."""

from __future__ import annotations

from fuzz.judge.signature import Failure, Signature
from zapcore.errors import Kind, Panic, openzfs_stack
from zapcore.verify.invariants import INVARIANTS

_OF_THE_ZAP = ("zap_", "fzap_", "mzap_")


def failure_of(panic: Panic, verb: str = "") -> Failure:
    """A model's panic in the words that all targets share: what a VERIFY0 is given is compared with 0. Where
    a pool is suspended, the place is the function of the ZAP that has read; a real library does not tell
    that, and there, as where it is none of the ZAP's, it is `verb`, that of the op."""
    expression = f"{panic.expression} == 0" if panic.macro.endswith("0") else panic.expression
    place = panic.place
    if panic.kind is Kind.SUSPENDED:
        place = f"?:{next((name for name in panic.stack if name.startswith(_OF_THE_ZAP)), verb)}"
    signature = Signature(str(panic.kind), place, expression, panic.stack)
    return Failure(signature, panic.kernel_text())


def after_failed_read(panic: Panic) -> Panic:
    """What an audit found after an op that answered the errno of a read: entries that are others than before
    are a failure of their own kind."""
    if panic.place != "zap:entries":
        return panic
    return Panic(panic.kind, "zap:failed-op", INVARIANTS["failed-op"], detail=panic.detail)


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
