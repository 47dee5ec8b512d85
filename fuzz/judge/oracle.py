"""What each op must return. The state that it is judged by is `fuzz.judge.state`, and what each verb's answer
is held against stands in the file of its family: entries, cursors, directories, stats, world.

An answer is judged after the target has given it, and the state then changes as the op must have changed the
ZAP. Nothing here knows where an entry lies. What depends on that (E2BIG, ENOSPC, a table that cannot grow) is
taken from the answer, after a check that it can be so: for these checks the oracle knows how many chunks an
entry takes and how many a leaf has (`zapcore.layout`), and which hashes agree in how many bits.
"""

from __future__ import annotations

import errno

# the families fill the table of checks
from fuzz.judge import cursors, directories, entries, stats, world  # noqa: F401
from fuzz.judge.checks import CHECKS
from fuzz.judge.growth import needless_growth
from fuzz.judge.state import IN_DIRECTORIES, State, Value
from fuzz.judge.unicode import wrong_form
from fuzz.judge.wrong import Wrong, expect
from fuzz.language.program import Op, Program
from fuzz.targets.base import Result, TargetLike
from zapcore.errors import LimitExceeded
from zapcore.zap.norm import forms_of

__all__ = ["Oracle", "Value"]

CHECKS.complete()
_CHECKS = dict(CHECKS)
"""Found without a call, once an op."""

COLLIDING = 3
"""Entries of one hash, the fewest beside which an add does not fit a leaf, also one that is then refused with
EEXIST: of 512 bytes, 18 chunks, five for each."""
_KEYED = frozenset(("add", "update", "remove", "lookup", "length", "contains", "lookup_norm", "remove_norm"))


class Oracle:
    """The expected state of a program's ZAPs. `check` says what is wrong with an answer.

    Four things it must know of a release: `unlinks_first` (`zapcore.release.rename_unlinks_first`),
    `long_names` (the same of it; None: not known, and more answers are let pass), `lower_case` and
    `cursors_hold`.
    """

    __slots__ = ("state",)

    def __init__(
        self,
        program: Program,
        unlinks_first: bool = True,
        long_names: bool | None = None,
        lower_case: bool = True,
        cursors_hold: bool = False,
    ) -> None:
        self.state = State(
            [zap._replace(norm=forms_of(zap.norm, lower_case)) for zap in program.zaps],
            unlinks_first=unlinks_first,
            long_names=long_names,
            cursors_hold=cursors_hold,
        )

    @classmethod
    def of(cls, program: Program, target: TargetLike) -> Oracle:
        """The oracle of the target's release, as far as that is known."""
        unlinks_first = getattr(target, "rename_unlinks_first", True)
        long_names = getattr(target, "long_names", None)
        lower_case = getattr(target, "lower_case", True)
        return cls(program, unlinks_first, long_names, lower_case, getattr(target, "cursors_hold", False))

    def check(self, op: Op, result: Result) -> Wrong | None:
        """What is wrong with the answer; None if nothing is. Updates the state."""
        state = self.state
        if state.fat.get(op.subject, True) is not True:
            _is_it_fat(state, op, result.errno)
        if isinstance(op.key, bytes) and (norm := state.headers[op.subject].norm):
            wrong = wrong_form(op.key, norm)
            if wrong is not None:
                return wrong
        if op.key is not None and op.verb != "rename" and (refused := state.refused(op)):
            known = errno.ENAMETOOLONG in refused and op.key in (state.entries[op.subject] or ())
            if result.errno in refused and not known:
                if result.errno == errno.ENAMETOOLONG and op.verb not in IN_DIRECTORIES:
                    state.fat[op.subject] = True  # a micro ZAP becomes fat before it looks at the length
                return None
            if errno.ENAMETOOLONG not in refused:
                return expect(result.errno, refused[0])
        return _CHECKS[op.verb](state, op, result)

    def check_limit(self, op: Op, limit: LimitExceeded) -> Wrong | None:
        """What is wrong with an op that met a limit; None if nothing is, or nothing can be said."""
        name = op.other if op.to is not None else op.subject
        header = self.state.headers.get(name)
        # a micro ZAP that becomes fat adds other entries than the op's
        if limit.full_leaf is None or header is None or not header.fat:
            return None
        return needless_growth(op, header, self.state.entries[name] or {}, limit.full_leaf)


def _is_it_fat(state: State, op: Op, code: int) -> None:
    """A micro ZAP with a few entries may have become fat, if their hashes are equal or it was full. It
    did if it answers as only a fat ZAP does, and stays so."""
    there = state.entries[op.subject]
    if there is not None and len(there) >= COLLIDING:
        state.fat[op.subject] = None
    if state.fat[op.subject] is None and op.verb in _KEYED:
        no_room = code == errno.EINVAL and op.length < 1 and op.verb.startswith("lookup")
        if no_room or code in (errno.E2BIG, errno.ENAMETOOLONG):
            state.fat[op.subject] = True
