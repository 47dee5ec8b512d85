"""Runs threads one at a time, each on a greenlet of its own, and lets a policy choose at every point.

A point is a place where the model says that another thread may run: before a lock is taken and after it was
let go, before a dbuf is held or released, and before the next txg is opened. The end of an op is a point,
too. A thread that stands before a lock that it cannot have cannot run. Points are counted from 0 over the
whole run. Every deviation from the default choice is recorded as a switch, so that the recorded schedule
repeats the run. Nothing here knows ops or ZAPs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import greenlet

from fuzz.language.program import Switch
from fuzz.threads.scheduling_policies import Policy, default
from zapcore.errors import Kind, LimitExceeded, Panic, openzfs_stack
from zapcore.locks import FREED, RWLock, Threads

MAX_POINTS = 100_000
"""Points of one run; more of them end it at a limit."""


class Watcher(Protocol):
    """An observer, which is told what threads do in the order in which they do it."""

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """A thread has come to a point; at an `exit` it has just let the lock go."""

    def entered(self, thread: int, what: str, thing: object) -> None:
        """It goes on from there: it takes the lock or holds the dbuf next."""


class Thread:
    """One thread: its greenlet, and the point where it stands."""

    __slots__ = ("body", "done", "lane", "number", "ready", "stuck", "thing", "what")

    def __init__(self, number: int, body: Callable[[], None]) -> None:
        self.number = number
        self.body = body
        self.lane = greenlet.greenlet(body)
        self.what = "start"
        self.thing: object = None
        self.ready: Callable[[], bool] | None = None
        self.stuck = ""
        self.done = False


class Scheduler:
    """Runs parallel sections, one after the other, of one run. `zapcore.locks.Scheduler` is its face to the
    core. `writers_first`: a reader waits while a writer waits for the same lock, as Linux's rwsem has it;
    otherwise readers pass, as in user space."""

    def __init__(
        self,
        threads: Threads,
        policy: Policy,
        *,
        writers_first: bool = False,
        watchers: tuple[Watcher, ...] = (),
    ) -> None:
        self.core = threads
        self.policy = policy
        self.writers_first = writers_first
        self.watchers = watchers
        self.step = 0
        self.switches: list[Switch] = []
        self.preemptions = 0
        self.threads: dict[int, Thread] = {}
        self.order: list[Thread] = []
        self.failed = 0
        self.quiesced: Callable[[int], bool] = lambda txg: True
        self.assigns: Callable[[Sequence[int]], None] = lambda objects: None

    def run(self, bodies: Mapping[int, Callable[[], None]]) -> None:
        """Run one section to its end. What a thread raises is raised again (`failed` says who it was); the
        others stand where they were until `abandon`."""
        self.threads = {number: Thread(number, bodies[number]) for number in sorted(bodies)}
        self.order = list(self.threads.values())
        self.core.scheduler = self
        try:
            while any(not thread.done for thread in self.order):
                thread = self._choose(None)
                thread.lane.switch()  # returns when some thread has ended
                self.threads[self.core.current].done = True
        except BaseException:
            self.failed = self.core.current
            raise
        finally:
            self.core.scheduler = None
            self.core.current = 0

    def stacks(self) -> dict[int, tuple[str, ...]]:
        """The OpenZFS functions on the stack of every thread that has begun and not ended, innermost
        first; for after `run`, before `abandon`."""
        return {
            thread.number: openzfs_stack(thread.lane.gr_frame)
            for thread in self.order
            if thread.lane.gr_frame is not None
        }

    def abandon(self) -> None:
        """End the threads that are left; what they held stays held."""
        for thread in self.order:
            if thread.lane and not thread.lane.dead:
                thread.lane.throw(greenlet.GreenletExit)

    def point(self, what: str, thing: object) -> None:
        """A point of the running thread. Returns when the thread is to go on."""
        thread = self.threads[self.core.current]
        for watcher in self.watchers:
            watcher.arrived(thread.number, what, thing)
        thread.what = what
        thread.thing = thing
        self._pass(thread)
        for watcher in self.watchers:
            watcher.entered(thread.number, what, thing)

    def wait(self, ready: Callable[[], bool], lock: RWLock, mode: str) -> None:
        """Let others run until it is ready; a thread waits at the point before, so this is rare."""
        self.block(ready, f"{lock.name} can be taken as {mode}")

    def quiesce(self, txg: int) -> None:
        """Wait until the txg's transactions have committed."""
        self.block(lambda: self.quiesced(txg), "every transaction of the txg commits")

    def assign(self, objects: Sequence[int]) -> None:
        """Let the running thread be in a transaction that writes these objects, when it can."""
        self.assigns(objects)

    def block(self, ready: Callable[[], bool], stuck: str) -> None:
        """Stop the running thread until `ready()`; `stuck` says what must become true."""
        if ready():
            return
        thread = self.threads[self.core.current]
        thread.what, thread.thing = "wait", None
        thread.ready, thread.stuck = ready, stuck
        self._pass(thread)
        thread.ready = None

    def _pass(self, thread: Thread) -> None:
        chosen = self._choose(thread)
        if chosen is not thread:
            chosen.lane.switch()

    def _choose(self, running: Thread | None) -> Thread:
        """Let the policy choose who goes on, and make that thread the current one."""
        able = [thread.number for thread in self.order if self._able(thread)]
        if not able:
            raise self._deadlock()
        step = self.step
        self.step = step + 1
        if step >= MAX_POINTS:
            raise LimitExceeded(f"{MAX_POINTS} scheduling points")
        current = running.number if running is not None and running.number in able else None
        chosen = self.policy.choose(step, current, able)
        if chosen != default(current, able):
            self.switches.append(Switch(step, chosen))
        if current is not None and chosen != current:
            self.preemptions += 1
        self.core.current = chosen
        return self.threads[chosen]

    def _able(self, thread: Thread) -> bool:
        if thread.done:
            return False
        if thread.ready is not None:
            return thread.ready()
        lock = thread.thing
        if thread.what == "write":
            assert isinstance(lock, RWLock)
            return lock.writer == FREED or (lock.writer is None and not lock.readers)
        if thread.what == "read":
            assert isinstance(lock, RWLock)
            if lock.writer is not None:
                return lock.writer == FREED
            return not (self.writers_first and lock.readers and self._writer_waits(lock))
        return True

    def _writer_waits(self, lock: RWLock) -> bool:
        return any(
            thread.what == "write" and thread.thing is lock and not thread.done for thread in self.order
        )

    def _deadlock(self) -> Panic:
        waits = []
        for thread in self.order:
            if thread.done:
                continue
            if isinstance(thread.thing, RWLock):
                waits.append(f"{thread.thing.name} as {'reader' if thread.what == 'read' else 'writer'}")
            else:
                waits.append(thread.stuck)
        detail = f"every thread waits: {', '.join(waits)}"
        return Panic(Kind.DEADLOCK, "rwlock:rw_enter", "some thread can go on", detail=detail)
