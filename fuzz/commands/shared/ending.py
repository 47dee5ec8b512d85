"""How a command ends: the one table of exit statuses, how bad input is told, and what INT, TERM and HUP do.

Each of these signals ends a command within a second: what it was doing is left where it stands, its summary
is said, and its status is 128 and the signal's number. README has the same table.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

import click

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
LONGEST_SECONDS = 0.9
"""From a signal until the process ends, whatever it is at."""


class Status(enum.Enum):
    """Every way in which a command ends: its exit status, and what that means."""

    NOT_FOUND = 0, "nothing was found, or what was asked for is done"
    KNOWN_ONLY = 0, "all that `fuzz` found is known to the project, or to `--known`"
    FOUND = 1, "a failure, a difference or damage was found; there is no way (`reach`)"
    BAD_INPUT = 2, "bad usage or input, or output that cannot be written: one line says what and where"
    LIMIT = 3, "a bound of time or memory was met before anything could be said (`run`, `force`, `explore`)"
    HANGUP = 128 + signal.SIGHUP, "SIGHUP ended it: a terminal was closed"
    INTERRUPTED = 128 + signal.SIGINT, "SIGINT ended it: Ctrl-C"
    BROKEN_PIPE = 128 + signal.SIGPIPE, "nobody reads its output any more, as behind `| head -1`"
    TERMINATED = 128 + signal.SIGTERM, "SIGTERM ended it"

    @property
    def number(self) -> int:
        """The exit status."""
        return self.value[0]

    @property
    def meaning(self) -> str:
        """What it says of the command."""
        return self.value[1]

    def end(self) -> NoReturn:
        """End the command so."""
        raise SystemExit(self.number)


class Bad(click.ClickException):
    """Bad usage or input."""

    exit_code = Status.BAD_INPUT.number

    def show(self, file: Any = None) -> None:
        """One line, without the word Error that click puts in front."""
        click.echo(f"zapfuzz: {self.format_message()}", err=True)


class Ended(BaseException):
    """A signal ends the command. No Exception, because nothing between may go on after it. `told` is set by
    whoever has said how far the command was."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.told = False


@contextlib.contextmanager
def signals_end_it() -> Iterator[None]:
    """Let each signal raise Ended once, and end the process soon after even if that leads nowhere. A signal
    that is ignored from the start, as by nohup, stays so. For a process's first thread."""
    over = threading.Event()

    def watch(ended: Ended) -> None:
        if not over.wait(LONGEST_SECONDS):
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            with contextlib.suppress(OSError):
                os.write(2, b"" if ended.told else f"zapfuzz: ended by {ended}\n".encode())
            os._exit(128 + ended.number)

    def handle(number: int, frame: FrameType | None) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)  # a second one changes nothing
        ended = Ended(number)
        threading.Thread(target=watch, args=(ended,), daemon=True, name="last second").start()
        raise ended

    def again(dropped: sys.UnraisableHookArgs) -> None:
        """What is raised while the interpreter closes a generator is dropped: raise it once more, soon."""
        ended = dropped.exc_value
        if not isinstance(ended, Ended):
            said(dropped)
            return

        def raise_it(number: int, frame: FrameType | None) -> None:
            signal.signal(number, signal.SIG_IGN)
            raise ended

        signal.signal(ended.number, raise_it)
        threading.Timer(0.02, os.kill, (os.getpid(), ended.number)).start()

    said, sys.unraisablehook = sys.unraisablehook, again
    handled = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, handle) for each in handled}
    try:
        yield
    except Ended as ended:
        if not ended.told:
            ended.told = True
            click.echo(f"zapfuzz: ended by {ended}", err=True)
        # the watch stays: the interpreter's own end takes time, too
        raise SystemExit(128 + ended.number) from None
    finally:
        if sys.exc_info()[0] is None:
            over.set()
            sys.unraisablehook = said
            for each, what in before.items():
                signal.signal(each, what)


def nobody_reads() -> NoReturn:
    """End where standard output has no reader: what is still in its buffer goes nowhere."""
    _drop_what_is_not_written()
    Status.BROKEN_PIPE.end()


def drop_what_cannot_be_written() -> None:
    """What standard output would not take has been told. It is not to be tried again when the interpreter
    ends, which would say so in words and a status (120) of its own."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_reads()
    except (OSError, ValueError, AttributeError):
        _drop_what_is_not_written()


def _drop_what_is_not_written() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(nowhere, sys.stdout.fileno())
