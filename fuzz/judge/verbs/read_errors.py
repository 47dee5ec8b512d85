"""The oracle's word on reads that fail: which op may say so, and that it has changed nothing then.

Which blocks an op reads is not known here. So every op on a ZAP of which some cannot be read may answer
their errnos instead of what it answers otherwise.
"""

from __future__ import annotations

import errno

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.state import State, Walk
from fuzz.judge.undecided import leave_open
from fuzz.judge.wrong_answers import Wrong, expect
from fuzz.language.program import Op
from fuzz.language.verb_sets import DEFERRED, UNFAILING

PASSES_OVER = ("stats", "getdents")
"""Verbs that may say nothing of a read that fails: a measure, and names after the first."""
TRANSACTIONS = DEFERRED | {"destroy"}
"""Verbs whose transaction reads before it is assigned."""


@CHECKS.of("fail")
def fail(state: State, op: Op, result: Result) -> Wrong | None:
    """It never fails, but for indirect blocks without dbufs. What cannot be found because one of these cannot
    be read is EIO, too."""
    header = state.headers[op.subject]
    if op.level and not header.indirect_shift:
        return expect(result.errno, errno.ENOTSUP)
    above = (errno.EIO,) if op.level else ()
    state.failing[op.subject] = (*state.failing.get(op.subject, ()), op.read_error, *above)
    return expect(result.errno, 0)


@CHECKS.of("heal")
def heal(state: State, op: Op, result: Result) -> Wrong | None:
    """It never fails."""
    state.failing.pop(op.subject, None)
    return expect(result.errno, 0)


def answers_a_read(state: State, op: Op, result: Result) -> bool:
    """Whether an op answers the errno of a read that may have failed, and so has changed no entry."""
    if op.verb in UNFAILING:
        return False
    moved = _moved(state, op)
    names = {op.subject, op.other} if moved is None else {moved.zap}
    errors = {error for name in names for error in state.failing.get(name, ())}
    if errors and op.verb == "search" and state.release.cursors_hold:  # its cursor was not started
        errors.add(errno.EIO)
    if errors and op.verb in TRANSACTIONS and state.release.unread_is_eio:
        errors.add(errno.EIO)
    return result.errno in errors or bool(op.verb in PASSES_OVER and errors)


def _moved(state: State, op: Op) -> Walk | None:
    return None if op.verb == "cursor" else state.walks.get(op.subject)


def says_that_a_read_failed(state: State, op: Op, result: Result) -> bool:
    """`answers_a_read`. Where a cursor then stands is not known."""
    if not answers_a_read(state, op, result):
        return False
    moved = _moved(state, op)
    if op.verb == "cursor":
        state.walks.pop(op.subject, None)
    if moved is not None:
        moved.adrift = True
    leave_open(state, "read-error")
    return True
