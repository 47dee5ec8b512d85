"""The table of all forms, and the head of a line. Knows no trace and no order of lines."""

from __future__ import annotations

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.heads.assertions import ASSERTIONS, MESSAGES
from fuzz.evidence.triage.heads.head import Head, Row
from fuzz.evidence.triage.heads.linux import FAULTS
from fuzz.evidence.triage.heads.systems import PANICS

TABLE: tuple[Row, ...] = (*ASSERTIONS, *PANICS, *MESSAGES, *FAULTS)
"""In the order in which they are tried: the first row that makes a head of a line counts."""

_WORDS = tuple(dict.fromkeys(word for row in TABLE for word in row.words))


def parse_head(line: Line) -> Head | None:
    """The failure that this line begins or completes, or None."""
    text = line.text
    if not any(word in text for word in _WORDS):
        return None
    for row in TABLE:
        match = row.form.search(text) if any(word in text for word in row.words) else None
        head = None if match is None else row.make(row, line, match)
        if head is not None:
            return head
    return None
