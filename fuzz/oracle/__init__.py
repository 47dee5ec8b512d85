"""What each op must return, from one dictionary per ZAP that knows nothing of leaves, dbufs or txgs.

It predicts an op before the target runs it and is then told what the target answered. What depends on how
entries lie in blocks (E2BIG of a leaf that is too small, ENOSPC) it takes from the answer, after a check
that it can be so.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from fuzz.oracle.directories import Directories
from fuzz.oracle.state import IN_DIRECTORIES, Value, expect
from fuzz.program import Op, Program
from fuzz.targets.base import Result

__all__ = ["Oracle", "Value"]


COLLIDING = 4
"""Entries of one hash, the fewest that do not fit a leaf: of 512 bytes, 18 chunks, five for each."""
_KEYED = frozenset(("add", "update", "remove", "lookup", "length", "contains", "lookup_norm", "remove_norm"))


class Oracle(Directories):
    """The expected state of a program's ZAPs. `check` returns what is wrong with an answer, or None.

    `unlinks_first` is the one thing that it must know of a release: `zapcore.release.rename_unlinks_first`.
    """

    def __init__(self, program: Program, unlinks_first: bool = True) -> None:
        super().__init__(program)
        self.unlinks_first = unlinks_first
        self.checks: dict[str, Callable[[Op, Result], str | None]] = {
            "contains": self._contains,
            "increment": self._increment,
            "search": self._search,
            "stats": self._stats,
            "advance": self._advance,
            "serialize": self._serialize,
            "lookup_norm": self._lookup_norm,
            "remove_norm": self._remove_norm,
            "reopen": self._reopen,
            "touch": self._make_entry,
            "mkdir": self._make_entry,
            "unlink": self._drop_entry,
            "rmdir": self._drop_entry,
            "rename": self._rename,
            "readdir": self._readdir,
            "add": self._write,
            "update": self._write,
            "remove": self._remove,
            "lookup": self._lookup,
            "length": self._length,
            "count": self._count,
            "destroy": self._destroy,
            "create": self._create,
            "cursor": self._cursor,
            "next": self._next,
            "retrieve": self._retrieve,
            "close": self._close,
        }

    def check(self, op: Op, result: Result) -> str | None:
        """What is wrong with the answer, as "expected X, got Y"; None if nothing is. Updates the state."""
        check = self.checks.get(op.verb)
        if self.fat.get(op.target, True) is not True:
            self._is_it_fat(op, result.errno)
        if op.key is not None and op.verb != "rename" and (refused := self._refused(op)):
            known = errno.ENAMETOOLONG in refused and op.key in (self.entries[op.target] or ())
            if result.errno in refused and not known:
                if result.errno == errno.ENAMETOOLONG and op.verb not in IN_DIRECTORIES:
                    self.fat[op.target] = True  # a micro ZAP becomes fat before it looks at the length
                return None
            if errno.ENAMETOOLONG not in refused:
                return expect(result.errno, refused[0])
        if check is not None:
            return check(op, result)
        return expect(result.errno, 0)

    def _is_it_fat(self, op: Op, code: int) -> None:
        """A micro ZAP with a few entries may have become fat, if their hashes are equal or it was full. It
        did if it answers as only a fat ZAP does, and stays so."""
        entries = self.entries[op.target]
        if entries is not None and len(entries) >= COLLIDING:
            self.fat[op.target] = None
        if self.fat[op.target] is None and op.verb in _KEYED:
            no_room = code == errno.EINVAL and op.length < 1 and op.verb.startswith("lookup")
            if no_room or code in (errno.E2BIG, errno.ENAMETOOLONG):
                self.fat[op.target] = True
