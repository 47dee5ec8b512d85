"""What each op must return, from one dictionary per ZAP that knows nothing of leaves, dbufs or txgs.

It predicts an op before the target runs it and is then told what the target answered. What depends on how
entries lie in blocks (E2BIG of a leaf that is too small, ENOSPC) it takes from the answer, after a check
that it can be so.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping

from fuzz.judge.directories import Directories
from fuzz.judge.growth import needless_growth
from fuzz.judge.state import IN_DIRECTORIES, Value, expect
from fuzz.judge.unicode import wrong_form
from fuzz.language.program import Op, Program
from fuzz.targets.base import Result, TargetLike
from zapcore.errors import LimitExceeded
from zapcore.zap.norm import forms_of

__all__ = ["Oracle", "Value"]


COLLIDING = 3
"""Entries of one hash, the fewest beside which an add does not fit a leaf, also one that is then refused with
EEXIST: of 512 bytes, 18 chunks, five for each."""
_KEYED = frozenset(("add", "update", "remove", "lookup", "length", "contains", "lookup_norm", "remove_norm"))


class Oracle(Directories):
    """The expected state of a program's ZAPs. `check` returns what is wrong with an answer, or None.

    Four things it must know of a release: `unlinks_first` (`zapcore.release.rename_unlinks_first`),
    `long_names` (the same of it; None: not known, and more answers are let pass), `lower_case` and
    `cursors_hold`.
    """

    def __init__(
        self,
        program: Program,
        unlinks_first: bool = True,
        long_names: bool | None = None,
        lower_case: bool = True,
        cursors_hold: bool = False,
    ) -> None:
        zaps = [zap._replace(norm=forms_of(zap.norm, lower_case)) for zap in program.zaps]
        super().__init__(Program(tuple(zaps), program.ops))
        self.unlinks_first = unlinks_first
        self.long_names = long_names
        self.cursors_hold = cursors_hold

    @classmethod
    def of(cls, program: Program, target: TargetLike) -> Oracle:
        """The oracle of the target's release, as far as that is known."""
        unlinks_first = getattr(target, "rename_unlinks_first", True)
        long_names = getattr(target, "long_names", None)
        lower_case = getattr(target, "lower_case", True)
        return cls(program, unlinks_first, long_names, lower_case, getattr(target, "cursors_hold", False))

    def check(self, op: Op, result: Result) -> str | None:
        """What is wrong with the answer, as "expected X, got Y"; None if nothing is. Updates the state."""
        check = CHECKS.get(op.verb)
        if self.fat.get(op.subject, True) is not True:
            self._is_it_fat(op, result.errno)
        if isinstance(op.key, bytes) and (norm := self.headers[op.subject].norm):
            wrong = wrong_form(op.key, norm)
            if wrong is not None:
                return wrong
        if op.key is not None and op.verb != "rename" and (refused := self._refused(op)):
            known = errno.ENAMETOOLONG in refused and op.key in (self.entries[op.subject] or ())
            if result.errno in refused and not known:
                if result.errno == errno.ENAMETOOLONG and op.verb not in IN_DIRECTORIES:
                    self.fat[op.subject] = True  # a micro ZAP becomes fat before it looks at the length
                return None
            if errno.ENAMETOOLONG not in refused:
                return expect(result.errno, refused[0])
        if check is not None:
            return check(self, op, result)
        return expect(result.errno, 0)

    def check_limit(self, op: Op, limit: LimitExceeded) -> str | None:
        """What is wrong with an op that met a limit; None if nothing is, or nothing can be said."""
        name = op.other if op.to is not None else op.subject
        header = self.headers.get(name)
        # a micro ZAP that becomes fat adds other entries than the op's
        if limit.full_leaf is None or header is None or not header.fat:
            return None
        return needless_growth(op, header, self.entries[name] or {}, limit.full_leaf)

    def _is_it_fat(self, op: Op, code: int) -> None:
        """A micro ZAP with a few entries may have become fat, if their hashes are equal or it was full. It
        did if it answers as only a fat ZAP does, and stays so."""
        entries = self.entries[op.subject]
        if entries is not None and len(entries) >= COLLIDING:
            self.fat[op.subject] = None
        if self.fat[op.subject] is None and op.verb in _KEYED:
            no_room = code == errno.EINVAL and op.length < 1 and op.verb.startswith("lookup")
            if no_room or code in (errno.E2BIG, errno.ENAMETOOLONG):
                self.fat[op.subject] = True


CHECKS: Mapping[str, Callable[[Oracle, Op, Result], str | None]] = {
    "contains": Oracle._contains,
    "increment": Oracle._increment,
    "search": Oracle._search,
    "stats": Oracle._stats,
    "advance": Oracle._advance,
    "serialize": Oracle._serialize,
    "lookup_norm": Oracle._lookup_norm,
    "remove_norm": Oracle._remove_norm,
    "reopen": Oracle._reopen,
    "touch": Oracle._make_entry,
    "mkdir": Oracle._make_entry,
    "unlink": Oracle._drop_entry,
    "rmdir": Oracle._drop_entry,
    "rename": Oracle._rename,
    "readdir": Oracle._readdir,
    "add": Oracle._write,
    "update": Oracle._write,
    "remove": Oracle._remove,
    "lookup": Oracle._lookup,
    "length": Oracle._length,
    "count": Oracle._count,
    "destroy": Oracle._destroy,
    "create": Oracle._create,
    "cursor": Oracle._cursor,
    "next": Oracle._next,
    "retrieve": Oracle._retrieve,
    "close": Oracle._close,
}
"""What each verb's answer is held against; of the others only success is expected."""
