"""Logs whose newest line comes first, as `journalctl -r` and what most collectors export: put in order.

A trace tells: its frames stand before its head. What comes from there on is held, until some lines tell of no
failure or too many are held, and then read from the end. Knows no failure.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterator

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.containers.records import INTERESTING
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.frame_roles import BOTTOM
from fuzz.evidence.triage.parser import Parser
from fuzz.evidence.triage.stacks import PLAIN_FRAME, parse_counter

_HEAD = re.compile(r"\s*(?:Call [Tt]race|KDB: stack backtrace):\s*$")
_OFFSET = re.compile(r"\+0x[0-9a-f]+")
_BESIDE = re.compile(r"\s*(?:</?[A-Z]+>|Modules linked in:.*)?\s*$")
"""Lines that may stand between a trace's head and its frames."""
_AROUND = 3
"""Lines that decide: so many behind a trace's head, and at most so many before it."""
_REMEMBERED = 160
_QUIET, _FEW, _MOST = 24, 64, 8192
"""Lines that tell of no failure where a batch may end; how many it should have and may have."""


def _is_frame(text: str) -> bool:
    return _OFFSET.search(text) is not None and parse_counter(text) is None


def _may_be_newest_first(before: list[Line], after: list[Line]) -> bool:
    """Whether a trace's head is the end of the frames before it, and not the beginning of those behind."""
    if any(PLAIN_FRAME.match(line.text) or "/frame 0x" in line.text for line in after):
        return False
    if BOTTOM.match(before[-1].text.strip()) or not all(_is_frame(line.text) for line in before):
        return False
    lines = [*before, *after]
    return not any(
        older.clock > newer.clock or (older.stamp and newer.stamp and float(older.stamp) > float(newer.stamp))
        for newer, older in itertools.pairwise(lines)
    )


class AnyOrder:
    """A `Parser` of lines that come in either order."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._last: deque[Line] = deque(maxlen=_REMEMBERED)
        self._before: list[Line] | None = None
        self._after: list[Line] = []
        self._newest_first = False
        self._held: list[Line] = []
        self._quiet = 0

    @property
    def active(self) -> bool:
        """True while lines are wanted even though they hold no trigger word."""
        return self._parser.active or self._before is not None or bool(self._held)

    def feed(self, line: Line) -> Iterator[Event]:
        """Take one line; give the failures that ended with it."""
        if self._newest_first:
            return self._hold(line)
        self._last.append(line)
        if (self._before is None and line.text[-1:] != ":") or not self._decided(line):
            return self._parser.feed(line)
        self._parser, self._held = Parser(), list(self._last)
        self._last.clear()
        return iter(())

    def _hold(self, line: Line) -> Iterator[Event]:
        self._quiet = 0 if INTERESTING.search(line.text) else self._quiet + 1
        if self._held or not self._quiet:
            self._held.append(line)
        if (self._quiet >= _QUIET and len(self._held) >= _FEW) or len(self._held) >= _MOST:
            yield from self._in_order()

    def flush(self) -> Iterator[Event]:
        """Nothing follows (for now): give what is open, with what is known of it."""
        yield from self._in_order()
        yield from self._parser.flush()

    def _in_order(self) -> Iterator[Event]:
        held, self._held, self._quiet = self._held, [], 0
        for line in reversed(held):
            yield from self._parser.feed(line)
        if held:
            yield from self._parser.flush()

    def _decided(self, line: Line) -> bool:
        """Whether the newest line is first, for certain now."""
        if self._before is not None and not _BESIDE.match(line.text):
            self._after.append(line)
            if len(self._after) == _AROUND:
                self._newest_first = _may_be_newest_first(self._before, self._after)
                self._before = None
        if _HEAD.match(line.text) is not None:
            told = (each for each in reversed(self._last) if not _BESIDE.match(each.text))
            before = list(itertools.islice(told, 1, 1 + _AROUND))[::-1]
            self._before, self._after = before or None, []
        return self._newest_first
