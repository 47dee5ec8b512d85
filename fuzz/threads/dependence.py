"""Which interleavings are the same: two runs whose conflicting steps come in the same order.

Every step of a thread is an event, known by what its thread did before and by the latest events that it
conflicts with; so the last events of all threads say everything about the past but the order of steps that
do not matter to one another (the happens-before relation of a Mazurkiewicz trace). Steps conflict by what
they touch: a lock (readers do not conflict), a dbuf (holds do not conflict with holds, nor releases with
releases), the clock of the ops (an op that ended before another began), and the world (ops that move txgs or
evict, which conflict with everything). Data in blocks is not listed, since it lies behind locks: `monitor`
reports where it is touched without.

Some steps conflict with nothing that others can do now: whoever has a ZAP's lock as writer is alone with its
leaves, its counter and all blocks but the header's, unless a cursor has holds or the world is moved. To stop
a thread there is the same as to stop it at its next step that others can see.
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
    """A watcher that names the past of a run. `known` is shared by the runs that are compared."""

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
        """The same for two moments with equivalent pasts, and for no others."""
        return tuple(sorted(self.last.items()))

    def unseen(self, thread: int) -> bool:
        """Whether no other thread can tell if the step before which `thread` stands is done."""
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
