"""The table of all forms, and the head of a line. Knows no trace and no order of lines."""

from __future__ import annotations

from fuzz.evidence.triage.containers.log_prefixes import Line
from fuzz.evidence.triage.heads.assertions import ASSERTIONS, MESSAGES
from fuzz.evidence.triage.heads.head import Head, Row
from fuzz.evidence.triage.heads.linux import FAULTS
from fuzz.evidence.triage.heads.systems import PANICS

TABLE: tuple[Row, ...] = (*ASSERTIONS, *PANICS, *MESSAGES, *FAULTS)
"""In the order in which they are tried: the first row that makes a head of a line counts."""

_ROWS: dict[str, set[int]] = {}
"""For each word, the rows that have it."""
for _place, _row in enumerate(TABLE):
    for _word in _row.words:
        _ROWS.setdefault(_word, set()).add(_place)
_WORDS = tuple(_ROWS)


def parse_head(line: Line) -> Head | None:
    """The failure that this line begins or completes, or None."""
    text = line.text
    words = [word for word in _WORDS if word in text]
    for place in sorted(set().union(*(_ROWS[word] for word in words))) if words else ():
        row = TABLE[place]
        match = row.form.search(text)
        head = None if match is None else row.make(row, line, match)
        if head is not None:
            return head
    return None
