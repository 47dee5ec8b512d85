"""Ops of the model that do not end: a chain that leads back to itself makes OpenZFS spin, and the model too.

A timer of the process's own CPU time looks at which op is running. One that still is after its patience is
stopped where it stands, as a failure; it costs an op nothing but to count itself.
"""

from __future__ import annotations

import atexit
import signal
import threading

from fuzz.judge.signature import Failure, Signature
from zapcore.errors import openzfs_stack

TICK = 0.25
"""CPU seconds between two looks."""


class Watch:
    """Who is running. `patience` is in ticks: an op is stopped when it has been seen by more than so many."""

    __slots__ = ("_started", "_ticks", "_was", "patience", "serial", "verb")

    def __init__(self) -> None:
        self.serial = 0
        self.verb = ""
        self.patience = 1
        self._was = 0
        self._ticks = 0
        self._started = False

    def start(self) -> None:
        """Begin to look. Signals are for a process's first thread; in another one nobody looks."""
        if not self._started and threading.current_thread() is threading.main_thread():
            self._started = True
            signal.signal(signal.SIGVTALRM, self._look)
            signal.setitimer(signal.ITIMER_VIRTUAL, TICK, TICK)
            # an interpreter that ends takes handlers down first, and the signal alone would kill it
            atexit.register(signal.setitimer, signal.ITIMER_VIRTUAL, 0)

    def _look(self, number: int, frame: object) -> None:
        if not self.verb or self.serial != self._was:
            self._was, self._ticks = self.serial, 0
            return
        self._ticks += 1
        if self._ticks > self.patience:
            verb = self.verb
            text = f"{verb} did not end within {self._ticks * TICK:g} CPU seconds"
            # where exactly it stood says nothing, and another run would stand elsewhere
            raise Failure(Signature("hang", f"?:{verb}", "no answer", openzfs_stack()[-1:]), text)


WATCH = Watch()
"""The process's."""
