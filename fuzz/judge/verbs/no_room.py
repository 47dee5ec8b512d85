"""The oracle's word on a pool without room: which ops are refused, and that they change nothing then."""

from __future__ import annotations

import errno

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.state import State
from fuzz.judge.undecided import leave_open
from fuzz.judge.wrong_answers import Wrong, expect
from fuzz.language.program import Op
from fuzz.language.verb_sets import CHANGING, DIRECTORIES, FREEING, JOINS
from fuzz.language.verbs import VERBS

REFUSED = CHANGING - frozenset(FREEING)
"""Verbs whose transaction is refused."""
_MAY_FIND = DIRECTORIES | {"create_link"}
"""Those that look names up before."""
_MAY_DO_NOTHING = ("rename", "exchange", "whiteout")
"""With two names of one file."""


@CHECKS.of("full")
def full(state: State, op: Op, result: Result) -> Wrong | None:
    """It never fails, but beside ZAPs that change while a txg syncs."""
    if state.kept or state.tasked:
        return expect(result.errno, errno.ENOTSUP)
    state.full = op.no_room if op.fill else 0
    return expect(result.errno, 0)


def is_refused(state: State, op: Op, result: Result) -> bool:
    """Whether an op has found no room, or another fault before it asked for some, and has changed nothing."""
    return bool(state.full and result.errno and op.verb in REFUSED)


def decides(state: State, op: Op, result: Result) -> bool:
    """Whether it is room that an op's answer is about: always, but for an op that has found
    another fault before, or nothing to do."""
    if op.verb not in _MAY_FIND or result.errno == state.full:
        return True
    return result.errno == 0 and op.verb not in _MAY_DO_NOTHING


def check(state: State, op: Op, result: Result) -> Wrong | None:
    """What is wrong with such an answer."""
    if op.verb in _MAY_FIND:
        names = (op.other,) if op.verb == "create_link" else (op.subject, op.other or op.subject)
        gone = next(filter(None, map(state.has_no_names, names)), 0)
        if not gone:
            leave_open(state, "no-room")
        return expect(result.errno, gone or state.full)
    return expect(result.errno, _before(state, op) or state.full)


def _before(state: State, op: Op) -> int:
    """The errno that an op gives before it asks for room; 0 for none."""
    if op.verb == "claim":
        return errno.ENOTSUP
    if op.verb == "create":
        return 0 if state.entries[op.subject] is None else errno.EEXIST
    for name in (op.subject, op.other) if op.verb in JOINS else (op.subject,):
        if state.entries[name] is None:
            return errno.ENOENT
        if VERBS[op.verb].names and state.headers[name].words:
            return errno.ENOTSUP
    return 0 if state.release.joins or op.verb not in (*JOINS, "increment_int") else errno.ENOTSUP
