"""Leads real threads along a plan. One thread runs at a time, until it has come to the point where its turn
ends.

The points of every thread are compared with those to which the model's thread came. Locks, exits and ends of
ops must come in the same number and order; between two of them, holds and releases of dbufs are matched.
Indirect blocks are written on the model only where they have dbufs, and are passed by elsewhere. The first
point that does not match is remembered as a divergence, and from there on a turn ends at the nearest point.
When all turns of the plan are taken, the rest runs as the model's default policy would have it.
Nothing here knows ops or results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from fuzz.targets.libzpool.process.ready_time import ready_times, seconds_ready
from fuzz.threads.real.hold_shim import RawPoint, Shim, State
from fuzz.threads.real.turn_plan import ANCHORS, Point, Turn, What

SOON_SECONDS = 1.0
"""Within this every step is over, but on a busy machine: only then is it asked how busy that is."""
LATE = (State.RUNNING, State.ABSENT)


class Met(NamedTuple):
    """How a turn ended: `exact` at the point of the plan; else the thread stands `at` another, and `waits`
    there or not (None: it has ended)."""

    exact: bool
    at: Point | None
    waits: bool = False


class Stuck(Exception):
    """No thread gets on: `deadlock` if each waits for a lock, else one did not come to any point in time."""

    def __init__(self, deadlock: bool, slots: Sequence[int]) -> None:
        super().__init__("deadlock" if deadlock else "hang")
        self.deadlock, self.slots = deadlock, tuple(slots)


class Lane:
    """One thread: where it stands, and how far along its plan that is (`came` points)."""

    def __init__(self, slot: int, number: int, expected: Sequence[Point]) -> None:
        self.slot, self.number = slot, number
        self.expected = expected
        self.with_levels = {point.zap for point in expected if point.what is What.ABOVE_READY}
        self.came = 0
        self.state = State.ABSENT
        self.at = Point(What.START)
        self.matched = True
        self.compared = self.extra = 0
        self.divergence = ""

    def arrive(self, point: Point, passed_write: bool) -> None:
        """Match a point with the plan; `matched` says whether it fits, and `came` moves on."""
        if passed_write:
            self._anchor_passed()
        self.at = point
        if point.what is What.ABOVE_READY and point.zap not in self.with_levels:
            self.matched = False
            self.extra += 1
        elif point.what in ANCHORS:
            self._match_anchor(point)
        else:
            self._match_dbuf(point)

    def _next_anchor(self) -> int:
        """The index of the next anchor of the plan, its length if there is none."""
        at = self.came
        while at < len(self.expected) and self.expected[at].what not in ANCHORS:
            at += 1
        return at

    def _anchor_passed(self) -> None:
        at = self._next_anchor()
        if at < len(self.expected) and self.expected[at].what is What.WRITE:
            self.came = at + 1

    def _match_anchor(self, point: Point) -> None:
        at = self._next_anchor()
        wanted = self.expected[at] if at < len(self.expected) else None
        self.matched = wanted == point
        self.compared += 1
        if wanted is None:
            self._diverge(f"point {at + 1}: {point}, the model's thread has ended")
            return
        self.came = at + 1
        if not self.matched:
            self._diverge(f"point {at + 1}: {point}, the model has {wanted}")

    def _match_dbuf(self, point: Point) -> None:
        at = self.came
        while at < len(self.expected) and self.expected[at].what not in ANCHORS:
            if self.expected[at] == point:
                self.came, self.matched = at + 1, True
                self.compared += 1
                return
            at += 1
        self.matched = False
        self.extra += 1

    def _diverge(self, how: str) -> None:
        if not self.divergence:
            self.divergence = how


class Conductor:
    """Leads the threads of one section. `locate` makes a Point of a raw one, `patience` is how many seconds a
    thread may take to its next point."""

    def __init__(
        self, shim: Shim, lanes: Mapping[int, Lane], locate: Callable[[RawPoint], Point], patience: float
    ) -> None:
        self.shim = shim
        self.patience = patience
        self.lanes = lanes
        self.locate = locate

    def wait_for_all(self) -> None:
        """Until every thread has joined. Raises Stuck."""
        for lane in self.lanes.values():
            self._step(lane, on=False)

    def run(self, turns: Sequence[Turn], met: Callable[[int, Met], None]) -> None:
        """Take the turns, report of each how it ended, and then let all threads come to their end. Raises
        Stuck."""
        current: Lane | None = None
        for index, turn in enumerate(turns):
            current = self.lanes[turn.thread]
            met(index, self._take(current, turn))
        self._finish(current)

    def let_go(self) -> None:
        """Hold no thread. Returns when all threads have ended. Raises Stuck."""
        self.shim.loosen()
        for lane in self.lanes.values():
            self._step(lane, on=True)
            if lane.state is not State.ENDED:
                raise Stuck(False, [lane.slot])

    def _take(self, lane: Lane, turn: Turn) -> Met:
        while True:
            if lane.state is State.ENDED:
                return Met(turn.points < 0, None)
            if 0 <= turn.points < lane.came + (not turn.blocks):
                return Met(lane.came == turn.points and lane.matched, lane.at)
            self._step(lane, on=True)
            if lane.state is State.WAITING:
                return Met(turn.blocks and lane.came == turn.points, lane.at, True)

    def _step(self, lane: Lane, *, on: bool) -> None:
        lane.state, raw = self._come(lane.slot, on, min(self.patience, SOON_SECONDS))
        used = SOON_SECONDS
        ready = ready_times("self") if lane.state in LATE else {}
        while lane.state in LATE:
            if used >= self.patience:
                raise Stuck(False, [lane.slot])
            begun, before = time.monotonic(), ready
            lane.state, raw = self._come(lane.slot, False, self.patience - used)
            ready = ready_times("self")
            # on a busy machine a thread that waits for a processor is none that hangs
            used += time.monotonic() - begun - seconds_ready(before, ready)
        if lane.state is State.STOPPED and raw.what != What.START:
            lane.arrive(self.locate(raw), bool(raw.passed & (1 << What.WRITE)))

    def _come(self, slot: int, on: bool, seconds: float) -> tuple[State, RawPoint]:
        return self.shim.step(slot, on=on, milliseconds=max(int(1000 * seconds), 1))

    def _finish(self, current: Lane | None) -> None:
        """The running thread goes on until it waits or ends, then the one with the lowest number."""
        while any(lane.state is not State.ENDED for lane in self.lanes.values()):
            candidates = sorted(self.lanes.values(), key=lambda lane: (lane is not current, lane.number))
            for lane in candidates:
                if lane.state is State.ENDED:
                    continue
                self._step(lane, on=True)
                if lane.state is not State.WAITING:
                    current = lane
                    break
            else:
                raise Stuck(True, [lane.slot for lane in candidates if lane.state is not State.ENDED])
