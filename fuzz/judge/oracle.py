"""What each op must return. The state that it is judged by is `fuzz.judge.state`, and what each verb's answer
is held against stands in the file of its family: entries, cursors, directories, stats, world.

An answer is judged after the target has given it, and the state then changes as the op must have changed the
ZAP. Nothing here knows where an entry lies. What depends on that (E2BIG, ENOSPC, a table that cannot grow) is
taken from the answer, after a check that it can be so: for these checks the oracle knows how many chunks an
entry takes and how many a leaf has (`zapcore.layout`), and which hashes agree in how many bits.
"""

from __future__ import annotations

import errno
from operator import attrgetter

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS, STEPS, Stepwise
from fuzz.judge.history import History
from fuzz.judge.room import make_room, needless_growth
from fuzz.judge.state import State, Value
from fuzz.judge.undecided import leave_open
from fuzz.judge.unicode import unicode_form, wrong_form

# the families fill the table of checks
from fuzz.judge.verbs import (  # noqa: F401
    cursors,
    directories,
    entries,
    helpers,
    no_room,
    read_errors,
    stats,
    usage,
    world,
)
from fuzz.judge.wrong_answers import OTHER_LENGTH, Wrong, expect
from fuzz.language.program import Key, Op, Program, cannot_move
from fuzz.language.verb_sets import CHANGING, JOINS, TIME
from fuzz.language.verbs import MOVES
from zapcore.errors import LimitExceeded
from zapcore.release import RELEASES, Release
from zapcore.zap.norm import forms_of

__all__ = ["Oracle", "Value"]

CHECKS.complete()
_CHECKS = dict(CHECKS)
"""Found without a call, once an op."""

_ADDS = frozenset(("add", "update"))
"""Verbs that make room in a micro ZAP before they look at their key."""


_REMEMBERED = CHANGING | {"move"}
"""What is done once more to know what is there after a crash: with all that can be read."""

_BEFORE_A_CRASH = _REMEMBERED | TIME
_VERB = attrgetter("verb")

SEVERAL_ADDS = frozenset(("exchange", "whiteout")) | JOINS
"""Verbs that add an entry to each of their ZAPs."""


def _taken_for(state: State, op: Op) -> Key | None:
    """A key of the same hash with fewer words, for which OpenZFS takes that of an op
    (zap_leaf_array_match)."""
    key = op.key
    if not isinstance(key, tuple) or not state.headers[op.subject].shorter:
        return None
    near = (other for _, other in state.orders[op.subject].bucket(key))
    return next((other for other in near if len(other) < len(key) and other == key[: len(other)]), None)


class Oracle:
    """The expected state of a program's ZAPs on one release. `check` says what is wrong with an answer.
    `history` has what led there, if a crash may come: in a program that has one, or whose ops are drawn
    while it runs."""

    __slots__ = ("_closed", "_noted", "_release", "_shorter", "_zaps", "history", "state")

    def __init__(self, program: Program, release: Release = RELEASES["2.3"]) -> None:
        self._zaps = [zap._replace(norm=forms_of(zap.norm, release.lower_case)) for zap in program.zaps]
        self.history = History()
        self._release = release
        self._shorter = any(zap.shorter for zap in program.zaps)
        verbs = set(map(_VERB, program.ops))
        self._noted = _BEFORE_A_CRASH if not verbs or "crash" in verbs else frozenset()
        closed = (to for to in MOVES if "move" in verbs and cannot_move(program, to))
        self._closed = frozenset(closed)
        self.state = State(self._zaps, release, self._closed)

    def check(self, op: Op, result: Result) -> Wrong | None:
        """What is wrong with the answer; None if nothing is. Updates the state."""
        if op.verb in self._noted:
            self._note(op, result)
        state = self.state
        if state.failing:
            state.read_failed = read_errors.says_that_a_read_failed(state, op, result)
            if state.read_failed:
                return None
        if state.full and op.verb in no_room.REFUSED and no_room.decides(state, op, result):
            return no_room.check(state, op, result)
        if state.kept and usage.refuses(state, op):
            return expect(result.errno, errno.EPERM)
        if state.tasked and op.verb in CHANGING and not state.tasked.isdisjoint((op.subject, op.other)):
            return usage.put_off(state, op, result)
        if isinstance(op.key, bytes) and (norm := state.headers[op.subject].norm):
            if unicode_form(op.key, norm) is None:
                leave_open(state, "unicode")
            elif (wrong := wrong_form(op.key, norm)) is not None:
                return wrong
        if op.key is not None and op.to is None and (refused := state.refused(op)):
            if op.verb in _ADDS:
                make_room(state, op.subject)
            return expect(result.errno, refused)
        taken = self._shorter and _taken_for(state, op)
        wrong = _CHECKS[op.verb](state, op, result)
        return Wrong(OTHER_LENGTH, f"{OTHER_LENGTH}: {taken!r}") if wrong and taken else wrong

    def _note(self, op: Op, result: Result) -> None:
        """Keep what a crash later in the program needs to be judged by; after a crash, go back."""
        state = self.state
        refused = read_errors.answers_a_read(state, op, result) or no_room.is_refused(state, op, result)
        if op.verb in _REMEMBERED and not refused:
            self.history.put(op, result)
        if op.verb in TIME and not (op.verb == "move" and result.errno):
            self.history.step(op.verb)
            if op.verb == "crash" and not result.errno:
                self._go_back()

    def _go_back(self) -> None:
        """To the state that the last txg that has synced left: by what ops did up to there, once more."""
        failing, full = self.state.failing, self.state.full
        state = self.state = State(self._zaps, self._release, self._closed)
        self.history.from_nothing |= not self.history.synced
        if self.history.from_nothing:
            for name in state.entries:
                state.clear(name)
        noted, self._noted = self._noted, frozenset()  # they are in the history
        for done in self.history.synced:
            for op, result in done:
                self.check(op, result)
        self._noted = noted
        state.failing, state.full = failing, full

    def steps(self, op: Op, result: Result) -> Stepwise:
        """`check`, call by call, where an op is several calls of the ZAP."""
        steps, state = STEPS.get(op.verb), self.state
        refused = op.key is not None and op.to is None and state.refused(op)
        if steps is None or refused:
            return self.check(op, result)
        return (yield from steps(state, op, result))

    def check_limit(self, op: Op, limit: LimitExceeded) -> Wrong | None:
        """What is wrong with an op that met a limit; None if nothing is, or nothing can be said."""
        state = self.state
        name = op.other if op.to is not None else op.subject
        # a micro ZAP that becomes fat adds other entries than the op's, and so does an op of several adds
        if limit.full_leaf is None or not state.fat.get(name) or op.verb in SEVERAL_ADDS:
            leave_open(state, "limit")
            return None
        return needless_growth(state, op, limit.full_leaf)
