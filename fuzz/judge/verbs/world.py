"""The oracle's word on what is done to whole ZAPs and to the world: objects that come and go, txgs,
eviction."""

from __future__ import annotations

import errno

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.state import FIRST_SLOTS, State
from fuzz.judge.undecided import leave_open
from fuzz.judge.verbs.entries import write
from fuzz.judge.verbs.usage import account, answers_of_tasks
from fuzz.judge.wrong_answers import Wrong, expect
from fuzz.language.program import Op
from fuzz.language.verbs import MOVES
from zapcore.release import RELEASES

LATEST = 2
"""How often all has synced, at the latest, when the number of a destroyed ZAP is free: a txg must have synced
after the one that freed it."""


@CHECKS.of("evict")
def succeeds(state: State, op: Op, result: Result) -> Wrong | None:
    """It changes no entry, and never fails."""
    return expect(result.errno, 0)


@CHECKS.of("txg", "finish", "spa_sync", "sync")
def moves_time(state: State, op: Op, result: Result) -> Wrong | None:
    """What only moves time changes no entry but where syncing context does, and never fails."""
    if op.verb == "sync" and not op.thread:
        for name in state.syncs_since:
            state.syncs_since[name] = min(state.syncs_since[name] + 1, LATEST)
    return expect(result.errno, 0) or account(state, op) or answers_of_tasks(state, op, result)


@CHECKS.of("reopen")
def reopen(state: State, op: Op, result: Result) -> Wrong | None:
    """Closes every cursor."""
    state.walks.clear()
    return expect(result.errno, 0) or account(state, op) or answers_of_tasks(state, op, result)


@CHECKS.of("move")
def move(state: State, op: Op, result: Result) -> Wrong | None:
    """As reopen; another release answers from there on."""
    if op.fill in state.closed:
        return expect(result.errno, errno.ENOTSUP)
    state.walks.clear()
    state.release = RELEASES[MOVES[op.fill]]
    return expect(result.errno, 0)


@CHECKS.of("crash")
def crash(state: State, op: Op, result: Result) -> Wrong | None:
    """The state is the one before already. Not for ZAPs that change while a txg syncs, nor for a tree."""
    never = state.kept or state.tasked or any(header.inode for header in state.headers.values())
    return expect(result.errno, errno.ENOTSUP if never else 0)


@CHECKS.of("destroy")
def destroy(state: State, op: Op, result: Result) -> Wrong | None:
    """ENOENT where it is destroyed already."""
    if state.entries[op.subject] is None:
        return expect(result.errno, errno.ENOENT)
    state.clear(op.subject)
    return expect(result.errno, 0)


@CHECKS.of("create")
def create(state: State, op: Op, result: Result) -> Wrong | None:
    """EEXIST where it is there."""
    if state.entries[op.subject] is not None:
        return expect(result.errno, errno.EEXIST)
    _created(state, op)
    return expect(result.errno, 0)


@CHECKS.of("claim")
def claim(state: State, op: Op, result: Result) -> Wrong | None:
    """ENOSPC where the object is there, or its number is not free yet. When all has synced twice since it was
    destroyed, and no cursor is left on it, it is."""
    if _has_shape_of_its_own(state, op):
        return expect(result.errno, errno.ENOTSUP)
    if state.entries[op.subject] is not None:
        return expect(result.errno, errno.ENOSPC)
    held = any(walk.zap == op.subject for walk in state.walks.values())
    if held or state.syncs_since[op.subject] < LATEST:
        leave_open(state, "claimed")
        if result.errno == errno.ENOSPC:
            return None
    _created(state, op)
    return expect(result.errno, 0)


@CHECKS.of("create_link")
def create_link(state: State, op: Op, result: Result) -> Wrong | None:
    """It is there afterwards, and its name with its place in the header; neither may have been there."""
    if _has_shape_of_its_own(state, op):
        return expect(result.errno, errno.ENOTSUP)
    if refused := state.has_no_names(op.other):
        return expect(result.errno, refused)
    if state.entries[op.subject] is not None:
        return expect(result.errno, errno.EEXIST)
    entries, name = state.entries[op.other], b"%x" % op.id
    if entries is not None and name in entries:
        return expect(result.errno, errno.EEXIST)
    _created(state, op)
    place = list(state.headers).index(op.subject)
    entry = Op("add", op.other, name, 8, 1, place)
    return write(state, entry, result)


def _has_shape_of_its_own(state: State, op: Op) -> bool:
    """Whether it is created with flags or sizes, which these calls do not take."""
    header = state.headers[op.subject]
    return header.fat or bool(header.indirect_shift)


def _created(state: State, op: Op) -> None:
    """A ZAP is there anew, and empty."""
    state.entries[op.subject] = {}
    state.fat[op.subject] = state.headers[op.subject].fat
    state.shifts[op.subject] = state.headers[op.subject].leaf_shift
    state.slots[op.subject] = FIRST_SLOTS
    state.removed.discard(op.subject)
    del state.syncs_since[op.subject]
    state.incarnation[op.subject] += 1
