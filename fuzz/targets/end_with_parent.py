"""Processes that work for another one: they end with it, and leave a terminal's signals to it."""

from __future__ import annotations

import ctypes
import os
import signal

_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2), on Linux."""
_PRCTL = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)


def end_with(parent: int, by: int = signal.SIGKILL) -> None:
    """For the child: be killed, or sent another signal, when the parent ends, however it does; that thread of
    it counts which started the child. Where the system has no prctl() this does nothing."""
    if _PRCTL is not None:
        _PRCTL(_DEATH_SIGNAL, by)
        if os.getppid() != parent:
            os._exit(1)


def work_for(parent: int) -> None:
    """For a child that was forked off: end with the parent, or when it says so. A terminal's Ctrl-C goes to
    all its processes; the parent ends this one then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for each in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    end_with(parent)
