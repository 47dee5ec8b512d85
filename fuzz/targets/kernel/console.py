"""What a guest's console says of its end, in the words that all targets share. The reading is triage's."""

from __future__ import annotations

import re

from fuzz.evidence.triage.stream import Scanner
from fuzz.judge.signature import Failure, Signature

KEPT_LINES = 60


def events_of(text: bytes) -> list[tuple[Signature, bool]]:
    """Signatures of the failures in a console's text."""
    scanner = Scanner()
    events = [*scanner.feed(text), *scanner.close()]
    return [(event.signature, event.cut) for event in events]


def failure_of(text: bytes, verb: str, op: int) -> Failure:
    """The first failure that the console tells."""
    for signature, _ in events_of(text):
        return Failure(signature, shortened(text), op)
    return Failure(Signature("panic", f"?:{verb}", "the kernel goes on"), shortened(text), op)


def silence_of(text: bytes, verb: str, op: int) -> Failure:
    """An op without an answer: what its kernel printed when asked who waits for whom."""
    return Failure(Signature("hang", f"?:{verb}", "no answer"), shortened(text) or "no answer", op)


def shortened(text: bytes) -> str:
    """A console's last lines, without the times in front."""
    lines = [re.sub(r"^\[ *\d+\.\d+\] ", "", x) for x in text.decode(errors="replace").splitlines()]
    return "\n".join(lines[-KEPT_LINES:])
