"""What a line says that begins or completes a failure, and a row of the table of the forms of such lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.failed_assertion import Assertion


class Head(NamedTuple):
    """What one such line tells. `opens` is True for the line that a failure begins with, False for one that
    completes a failure begun before; `sure` if the line by itself is proof that it was ZFS that failed.

    `what` is the kind of a failure that is neither an assertion nor a panic with a message, `detail` what it
    says of the kind; such a line may `join` one that was begun before. One that stands `alone` has no trace.
    """

    form: str
    assertion: Assertion | None = None
    message: str = ""
    file: str = ""
    line: int = 0
    function: str = ""
    pid: int = 0
    cpu: int = -1
    sure: bool = False
    opens: bool = True
    cut: bool = False
    what: str = ""
    detail: str = ""
    joins: bool = False
    module: str = ""
    process: str = ""
    alone: bool = False


class Row(NamedTuple):
    """One form: `words`, one of which is in each line that it fits, the expression that is searched for, and
    the head of a line that it fits, or None where this is none. `what` and `joins` are the head's.
    """

    words: tuple[str, ...]
    form: re.Pattern[str]
    make: Callable[[Row, Line, re.Match[str]], Head | None]
    what: str = ""
    joins: bool = False


DUMPERS = ("savecore", "genunix", "unix", "crash", "mdb")
"""Programs that say what a kernel said."""


def by_kernel(line: Line) -> bool:
    """True where the log names no other speaker than a kernel."""
    return line.kernel or line.program.startswith("kernel")


def number(text: str | None, otherwise: int = 0) -> int:
    """A printed number; a damaged one with more digits than any real one is `otherwise`."""
    return int(text) if text and len(text) < 19 and text.isascii() else otherwise


def at(head: Head, match: re.Match[str]) -> Head:
    """The head with the place that the match found."""
    found = match.groupdict()
    function = found.get("function") or ""
    return head._replace(file=found["file"] or "", line=number(found["line"]), function=function)
