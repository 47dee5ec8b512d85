"""The oracle's word on reads that fail: which op may say so, and that it has changed nothing then.

Which blocks an op reads is not known here. So every op on a ZAP of which some cannot be read may answer
their errnos instead of what it answers otherwise.
"""

from __future__ import annotations

import errno

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.state import State
from fuzz.judge.undecided import leave_open
from fuzz.judge.wrong_answers import Wrong, expect
from fuzz.language.program import Op
from fuzz.language.verbs import DEFERRED, UNFAILING


@CHECKS.of("fail")
def fail(state: State, op: Op, result: Result) -> Wrong | None:
    """It never fails, but for ZAPs that change while a txg syncs, and for blocks that are no data."""
    header = state.headers[op.subject]
    if header.usage or header.mos or op.level:
        return expect(result.errno, errno.ENOTSUP)
    state.failing[op.subject] = (*state.failing.get(op.subject, ()), op.read_error)
    return expect(result.errno, 0)


@CHECKS.of("heal")
def heal(state: State, op: Op, result: Result) -> Wrong | None:
    """It never fails."""
    state.failing.pop(op.subject, None)
    return expect(result.errno, 0)


def says_that_a_read_failed(state: State, op: Op, result: Result) -> bool:
    """Whether an op answers the errno of a read that may have failed, and so has changed no entry. Where a
    cursor then stands is not known. Reads that fail while a ZAP is measured are passed over."""
    if op.verb in UNFAILING:
        return False
    moved = None if op.verb == "cursor" else state.walks.get(op.subject)
    name = op.other or op.subject if moved is None else moved.zap
    errors = state.failing.get(name, ())
    if errors and op.verb in DEFERRED and state.release.unread_is_eio:
        errors = (*errors, errno.EIO)
    if result.errno not in errors and not (op.verb == "stats" and errors):
        return False
    if op.verb == "cursor":
        state.walks.pop(op.subject, None)
    if moved is not None:
        moved.adrift = True
    leave_open(state, "read-error")
    return True
