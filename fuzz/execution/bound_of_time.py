"""A bound of wall time on whatever is done inside, however deep."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

AGAIN_SECONDS = 1.0
"""After which it is raised again: what is raised while an object is finalized is lost."""


class TimeUp(BaseException):
    """The time is over. No Exception, because nothing between may go on after it."""


@contextlib.contextmanager
def bounded(seconds: float | None) -> Iterator[None]:
    """Raise TimeUp inside after so many seconds; at once if there are none left, never for None. Only a
    process's first thread can be bounded."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    if seconds <= 0:
        raise TimeUp
    over = False

    def handle(number: int, frame: FrameType | None) -> None:
        if not over:
            raise TimeUp

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
