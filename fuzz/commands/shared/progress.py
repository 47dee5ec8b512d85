"""How far a command is, on standard error, as soon as it takes longer than two seconds: at a terminal as a
display that moves, in a log as a line now and then. Where a signal ends it, how far it was. ZAPFUZZ_QUIET=1
in the environment leaves out the former."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from fuzz.commands.shared.ending import Ended
from fuzz.commands.shared.live_display import Activity, Display, Far, as_line, someone_looks
from fuzz.targets.endless_ops import WATCH

if TYPE_CHECKING:
    from fuzz.minimize.minimize import Stats

QUIET = "ZAPFUZZ_QUIET"
FIRST_SECONDS = 1.8
LIVE_SECONDS = 0.25
LOG_SECONDS = 5.0
"""From one line to the next where nobody can overwrite it."""

HowFar = Callable[[], "str | Far"]
_showing = threading.Lock()
_display = Display()
_going_on: list[Activity] = []
"""What goes on, the outermost first."""


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print a line above what shows how far it is."""
    with _showing:
        _display.wipe()
        click.echo(text, nl=nl, err=err)


def begin(activity: Activity) -> None:
    """Show this, too, whenever something is shown, until `end`."""
    _going_on.append(activity)


def end(activity: Activity) -> None:
    """It is over."""
    with _showing:
        _display.wipe()
        if activity in _going_on:
            _going_on.remove(activity)


def draw() -> None:
    """Draw all that goes on at the terminal."""
    with _showing:
        _display.show(tuple(_going_on))


def _show(activity: Activity) -> float:
    """Show how far something is; when to show it the next time."""
    if someone_looks():
        draw()
        return LIVE_SECONDS
    with _showing:
        click.echo(as_line(activity), err=True)
    return LOG_SECONDS


def ops_done(total: int) -> Callable[[], Far]:
    """For `working`: how many of a program's ops the model has begun; nothing where it does not run them."""
    before = WATCH.serial

    def how_far() -> Far:
        done = min(WATCH.serial - before, total)
        return Far(f"{done:,} of {total:,} ops", done / total) if done else Far()

    return how_far


def ops_run() -> Callable[[], Far]:
    """For `working`: how many ops the model has begun, where nobody knows how many there will be."""
    before = WATCH.serial
    return lambda: Far(f"{WATCH.serial - before:,} ops run")


def cut_down(stats: Stats) -> Far:
    """For `working`: how far a minimization is."""
    return Far(f"{stats.tried} programs tried, {stats.left} ops left", stats.part)


def some_of(done: int, total: int, what: str, *more: str) -> Far:
    """How many of a number of things are done."""
    return Far(", ".join([f"{done:,} of {total:,} {what}", *more]), done / total if total else None)


@contextlib.contextmanager
def working(what: str, how_far: HowFar = Far) -> Iterator[None]:
    """While this lasts, say now and then that `what` goes on and how far it is. The first line comes before
    two seconds are over; where a signal ends it, the last one says where it stood."""
    begun = time.monotonic()
    over = threading.Event()
    context = click.get_current_context(silent=True)
    # one thing after the other, each of a second, is silence, too
    since = begun if context is None else context.meta.setdefault(__name__, begun)

    def far() -> Far:
        told = how_far()
        return told if isinstance(told, Far) else Far(told)

    activity = Activity(what, begun, far)

    def show() -> None:
        wait = max(since + FIRST_SECONDS - begun, LIVE_SECONDS)
        while not over.wait(wait):
            with contextlib.suppress(RuntimeError, ValueError, OSError):  # counted while it changes; closed
                wait = _show(activity)
                if context is not None:
                    context.meta[__name__] = time.monotonic()

    thread = threading.Thread(target=show, daemon=True, name="progress")
    begin(activity)
    if not os.environ.get(QUIET):
        thread.start()
    ended: Ended | None = None
    try:
        yield
    except Ended as signal:
        ended = signal
        raise
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
        end(activity)
        if ended is not None:
            ended.told = True
            click.echo(f"zapfuzz: ended by {ended}: {as_line(activity)}", err=True)
