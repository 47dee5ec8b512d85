"""How far a command is, on standard error, as soon as it takes longer than two seconds; and, where a signal
ends it, how far it was. ZAPFUZZ_QUIET=1 in the environment leaves out the former."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

import click

from fuzz.commands.shared.ending import Ended
from fuzz.targets.endless_ops import WATCH

QUIET = "ZAPFUZZ_QUIET"
FIRST_SECONDS = 1.8
LIVE_SECONDS = 0.25
LOG_SECONDS = 5.0
"""From one line to the next where nobody can overwrite it."""

_showing = threading.Lock()
_live = False
"""Whether a line stands at the terminal that the next one overwrites."""


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print a line above the one that shows how far it is."""
    with _showing:
        _wipe()
        click.echo(text, nl=nl, err=err)


def _wipe() -> None:
    global _live
    if _live:
        click.echo("\r\x1b[K", nl=False, err=True)
        _live = False


def _show(line: str) -> float:
    """Show a line; when to show the next one."""
    global _live
    with _showing:
        if not sys.stderr.isatty():
            click.echo(line, err=True)
            return LOG_SECONDS
        _wipe()
        click.echo(line[: _width() - 1], nl=False, err=True)
        _live = True
        return LIVE_SECONDS


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def ops_done(total: int) -> Callable[[], str]:
    """For `working`: how many of a program's ops the model has begun; nothing where it does not run them."""
    before = WATCH.serial

    def how_far() -> str:
        done = WATCH.serial - before
        return f"{min(done, total):,} of {total:,} ops" if done else ""

    return how_far


@contextlib.contextmanager
def working(what: str, how_far: Callable[[], str] = lambda: "") -> Iterator[None]:
    """While this lasts, say now and then that `what` goes on and how far it is. The first line comes before
    two seconds are over; where a signal ends it, the last one says where it stood."""
    begun = time.monotonic()
    over = threading.Event()
    context = click.get_current_context(silent=True)
    # one thing after the other, each of a second, is silence, too
    since = begun if context is None else context.meta.setdefault(__name__, begun)

    def line() -> str:
        far = how_far()
        return f"{what}: {far}{', ' if far else ''}{time.monotonic() - begun:.0f} s"

    def show() -> None:
        wait = max(since + FIRST_SECONDS - begun, LIVE_SECONDS)
        while not over.wait(wait):
            with contextlib.suppress(RuntimeError, ValueError, OSError):  # counted while it changes; closed
                wait = _show(line())
                if context is not None:
                    context.meta[__name__] = time.monotonic()

    thread = threading.Thread(target=show, daemon=True, name="progress")
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
        with _showing:
            _wipe()
        if ended is not None:
            ended.told = True
            click.echo(f"zapfuzz: ended by {ended}: {line()}", err=True)
