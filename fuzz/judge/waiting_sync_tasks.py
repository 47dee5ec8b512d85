"""Ops on ZAPs of the meta object set that are done when their txg syncs: which those are, in which order."""

from __future__ import annotations

from fuzz.judge.owned import MOST_IN_FLIGHT
from fuzz.language.program import Op


class Tasks:
    """The ops that txgs have yet to do. `early` says into which list of the open txg the next one goes."""

    __slots__ = ("closed", "early", "first", "last")

    def __init__(self) -> None:
        self.early = False
        self.first: list[Op] = []
        self.last: list[Op] = []
        self.closed: list[list[Op]] = []

    def put(self, op: Op) -> None:
        """One more for the open txg."""
        (self.first if self.early else self.last).append(op)

    def due(self, verb: str) -> list[Op]:
        """What is done during an op of this verb, in order."""
        closed = self.closed
        many = len(closed) if verb in ("sync", "reopen") else int(verb in ("finish", "spa_sync"))
        if verb == "txg" and len(closed) == MOST_IN_FLIGHT:
            many = 1
        due = [op for txg in closed[:many] for op in txg]
        del closed[:many]
        if verb in ("sync", "reopen", "txg"):
            opened = [*self.first, *self.last]
            self.first, self.last = [], []
            if verb == "txg":
                closed.append(opened)
            else:
                due += opened
        return due
