"""Raw lines of a log in any container to lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.evidence.triage.lines import MAX_LINE, Line, split_text
from fuzz.evidence.triage.markup import decode, plain_lines

LONGEST = 1 << 16
"""Bytes of a raw line that are looked at."""


class Unwrapper:
    """Raw lines in, lines out."""

    def lines(self, raw: bytes, number: int, offset: int) -> Iterator[Line]:
        """The lines of text that one raw line holds."""
        for text in plain_lines(decode(raw)):
            yield split_text(text[:MAX_LINE], number, offset)
