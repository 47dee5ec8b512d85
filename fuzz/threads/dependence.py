"""Which interleavings are the same: two runs in which conflicting steps come in the same order.

Every step of a thread is an event. It is identified by what its thread did before, and by the latest events
with which it conflicts. So the last events of all threads together say everything about the past, except in
which order those steps came that do not matter to each other (the happens-before relation of a Mazurkiewicz
trace).

Two steps conflict if they touch the same thing: a lock (but readers do not conflict with each other; the
locks of callers are among them, and two names that may be one count as one), a dbuf (but holds do not
conflict with holds, nor releases with releases), the clock of the ops (one op ended before another began), or
the whole world (an op that moves txgs or evicts conflicts with everything). Data in blocks is not such a
thing, because locks protect it; `lock_monitor` reports data that is touched without its lock.

Some steps conflict with nothing that other threads can do now. A thread that has a ZAP's lock as writer is
alone with the leaves, the counter, and all blocks but that of the header, unless a cursor has holds, or the
world is moved. To stop the thread there is the same as to stop it at its next step that others can notice.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from zapcore.locks import RWLock

READ, WRITE, FIRST, SECOND = range(4)
"""Kinds of touching a thing. Two kinds conflict unless they are equal and not WRITE."""

ZAP_LOCK = "zap->zap_rwlock"

Touch = tuple[Hashable, int]

CLOCK: Touch = ("clock", FIRST)
WORLD = "world"

_KINDS = {"read": READ, "write": WRITE, "hold": FIRST, "rele": SECOND}


class Dependence:
    """A watcher that gives the past of a run a number. Runs that are compared share `known`."""

    def __init__(self, known: dict[Hashable, int]) -> None:
        self.known = known
        self.last: dict[int, int] = {}
        self.touched: dict[Hashable, dict[tuple[int, int], int]] = {}
        self.world_matters = False
        self.movers: set[int] = set()
        self.modes: dict[tuple[int, int], int] = {}
        self.cursors = False
        self.alone: dict[int, RWLock] = {}
        self.standing: tuple[str, object] = ("start", None)

    def past(self) -> tuple[tuple[int, int], ...]:
        """A value that is equal for two moments if their pasts are equivalent, and only then."""
        return tuple(sorted(self.last.items()))

    def unseen(self, thread: int) -> bool:
        """Whether no other thread can notice if the step before which `thread` stands is done or not."""
        alone = self.alone.get(thread)
        if alone is None or alone.writer != thread or self.world_matters or self.cursors:
            return False
        number = alone.where[0]
        what, thing = self.standing
        if isinstance(thing, RWLock):
            return thing.where[0] == number and thing.name != ZAP_LOCK
        return what in ("hold", "rele") and isinstance(thing, tuple) and thing[0] == number and thing[1] != 0

    def begin(self, thread: int, moves_world: bool) -> None:
        """An op begins."""
        (self.movers.add if moves_world else self.movers.discard)(thread)
        self._event(thread, (CLOCK, ("assigned", WRITE)) if self.world_matters else (CLOCK,))

    def locked(self, thread: int, thing: Hashable, shared: bool) -> None:
        """A lock of an op's caller was taken, or let go."""
        self._event(thread, ((thing, READ if shared else WRITE),))

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """An op has ended, or a lock was let go."""
        self.standing = (what, thing)
        if what == "exit":
            assert isinstance(thing, RWLock)
            if thing.name == ZAP_LOCK:
                self.alone.pop(thread, None)
            mode = self.modes.pop((thread, id(thing)), WRITE)
            self._event(thread, (((thing.name, thing.where), mode),))
        elif what == "commit":
            ended: Touch = ("clock", SECOND)
            self._event(thread, (ended, ("assigned", WRITE)) if self.world_matters else (ended,))

    def entered(self, thread: int, what: str, thing: object) -> None:
        """A step goes on from its point."""
        kind = _KINDS.get(what)
        if kind is None:
            self._event(thread, ((WORLD, WRITE),) if what == "txg" else ())
        elif isinstance(thing, RWLock):
            self.modes[thread, id(thing)] = kind
            if kind == WRITE and thing.name == ZAP_LOCK:
                self.alone[thread] = thing
            self._event(thread, (((thing.name, thing.where), kind),))
        else:
            self._event(thread, ((("dbuf", thing), kind),))

    def _event(self, thread: int, touches: Iterable[Touch]) -> None:
        if self.world_matters:
            touches = (*touches, (WORLD, WRITE if thread in self.movers else READ))
        before: set[int] = set()
        places = []
        for thing, kind in touches:
            place = self.touched.setdefault(thing, {})
            places.append((place, kind))
            for (_, other), event in place.items():
                if other != kind or kind == WRITE:
                    before.add(event)
        name = (thread, self.last.get(thread, 0), *sorted(before))
        event = self.known.setdefault(name, len(self.known) + 1)
        self.last[thread] = event
        for place, kind in places:
            place[thread, kind] = event
