"""What ops have done to ZAPs, by the txg that has it: what is left of them when memory is lost."""

from __future__ import annotations

from fuzz.execution.result import Result
from fuzz.judge.owned import MOST_IN_FLIGHT
from fuzz.language.program import Op

Done = list[tuple[Op, Result]]


class History:
    """Ops that may have changed something, with what they answered: those of the open txg, of each txg that
    is closed, and of each that has synced. `from_nothing` says that a crash came before the ZAPs of the
    header were on disk, so that none was there at first."""

    __slots__ = ("_closed", "_open", "from_nothing", "synced")

    def __init__(self) -> None:
        self._open: Done = []
        self._closed: list[Done] = []
        self.synced: list[Done] = []
        self.from_nothing = False

    def copy(self) -> History:
        """The same, independent of this one."""
        twin = History()
        twin._open, twin._closed = [*self._open], [[*done] for done in self._closed]
        twin.synced, twin.from_nothing = [*self.synced], self.from_nothing
        return twin

    def put(self, op: Op, result: Result) -> None:
        """One more in the open txg."""
        self._open.append((op, result))

    def step(self, verb: str) -> None:
        """Time has moved by a verb."""
        closed = self._closed
        if verb in ("finish", "spa_sync"):
            self._sync(min(len(closed), 1))
        elif verb == "txg":
            self._sync(int(len(closed) == MOST_IN_FLIGHT))
            closed.append(self._open)
            self._open = []
        elif verb in ("sync", "reopen", "move"):
            closed.append(self._open)
            self._open = []
            self._sync(len(closed))
        elif verb == "crash":
            closed.clear()
            self._open = []

    def _sync(self, many: int) -> None:
        self.synced += self._closed[:many]
        del self._closed[:many]
