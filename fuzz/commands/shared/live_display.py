"""What stands at the bottom of a terminal while something goes on, drawn by rich: what it is, how much of it
is done, how long it may take still. Where nobody looks there is none: `progress` prints lines then."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.spinner import Spinner

FEWEST_SECONDS = 1.0
"""After which it can be told from the part that is done how long the rest may take."""
BAR_WIDTH = 40


class Far(NamedTuple):
    """How far something is: words, and which part of it is done, from 0 to 1, if that is known. `more` are
    words for further lines of a terminal."""

    text: str = ""
    part: float | None = None
    more: tuple[str, ...] = ()


class Activity(NamedTuple):
    """What goes on, since when (seconds of the monotonic clock), and who says how far it is."""

    what: str
    begun: float
    far: Callable[[], Far]


def seconds_left(part: float | None, gone: float) -> float | None:
    """How long something may take still of which a part is done."""
    if part is None or not 0 < part <= 1 or gone < FEWEST_SECONDS:
        return None
    return gone * (1 - part) / part


def in_words(seconds: float) -> str:
    """A time that nobody knows exactly."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def someone_looks() -> bool:
    """Whether standard error is a terminal that can draw, and not that of a machine for tests."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("CI")


class Display:
    """The lines at the bottom. No thread of rich's runs: who calls `show` again moves them."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._console: Console | None = None
        self._spinner: Spinner | None = None

    def show(self, activities: Sequence[Activity]) -> None:
        """Draw them, in the place of what was drawn before."""
        from rich.console import Group
        from rich.live import Live

        drawn = Group(*(line for each in activities for line in self._lines(each)))
        if self._live is None:
            plain: dict[str, Any] = {
                "auto_refresh": False,
                "redirect_stdout": False,
                "redirect_stderr": False,
            }
            self._live = Live(console=self._terminal(), transient=True, vertical_overflow="crop", **plain)
            self._live.start()
        self._live.update(drawn, refresh=True)

    def wipe(self) -> None:
        """Take the lines away, so that others can be printed."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _terminal(self) -> Console:
        from rich.console import Console

        class Terminal(Console):
            def show_cursor(self, show: bool = True) -> bool:
                """It stays: a command that is killed could not bring it back."""
                return False

        if self._console is None:
            self._console = Terminal(stderr=True, highlight=False, markup=False, emoji=False)
        return self._console

    def _lines(self, activity: Activity) -> list[RenderableType]:
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        far = activity.far()
        gone = time.monotonic() - activity.begun
        options: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}
        told = Text.assemble((activity.what, "bold"), "  ", far.text, **options)
        if far.text and told.cell_len > self._terminal().width - 16:  # what changes is not to be cut off
            far = far._replace(text="", more=(far.text, *far.more))
            told = Text(activity.what, "bold", **options)
        head = Table.grid(padding=(0, 1))
        if self._spinner is None:
            self._spinner = Spinner("dots" if self._terminal().encoding == "utf-8" else "line", style="cyan")
        head.add_row(self._spinner, *([] if far.part is not None else [f"{in_words(gone)}"]), told)
        lines: list[RenderableType] = [head, *(Text(f"  {line}", **options) for line in far.more)]
        if far.part is not None:
            left = seconds_left(far.part, gone)
            times = f"{in_words(gone)} gone" + (f", some {in_words(left)} left" if left is not None else "")
            row = Table.grid(padding=(0, 1))
            bar = ProgressBar(total=1, completed=min(far.part, 1), width=BAR_WIDTH)
            row.add_row(" ", bar, f"{min(far.part, 1):4.0%}", Text(times, **options))
            lines.append(row)
        return lines


def as_line(activity: Activity) -> str:
    """The same as one line of a log."""
    far = activity.far()
    gone = time.monotonic() - activity.begun
    left = seconds_left(far.part, gone)
    pieces = [far.text] if far.text else []
    if far.part is not None:
        pieces.append(
            f"{min(far.part, 1):.0%}" + (f", some {in_words(left)} left" if left is not None else "")
        )
    return f"{activity.what}: {', '.join([*pieces, f'{gone:.0f} s'])}"
