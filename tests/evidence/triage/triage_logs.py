"""The logs in `data/triage`, the tests' own corpus beside them, and what triage says of a log."""

from __future__ import annotations

from click.testing import CliRunner, Result

from fuzz.commands.triage import triage
from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.known import Match, judge, load_corpus
from fuzz.evidence.triage.stream import Scanner
from tests.support.paths import DATA

TRIAGE = DATA / "triage"
CORPUS = TRIAGE / "corpus"
KNOWN, PROBLEMS = load_corpus(CORPUS)
LOGS = sorted(TRIAGE.glob("*.log"))


def events_of(data: bytes, step: int = 1 << 20) -> list[Event]:
    """The failures of a log that comes in pieces of `step` bytes."""
    scanner = Scanner()
    found = [event for at in range(0, len(data), step) for event in scanner.feed(data[at : at + step])]
    return [*found, *scanner.close()]


def told(event: Event) -> tuple[str, tuple[str, str] | None, str, Match]:
    """A failure's signature without the kind, its values, its stack, and how well the corpus knows it."""
    signature = event.signature
    values = event.assertion.values if event.assertion else None
    return (
        f"{signature.place} {signature.expression}",
        values,
        " ".join(signature.stack),
        judge(event, KNOWN).match,
    )


def run(*args: str, data: bytes | None = None) -> Result:
    """`zapfuzz triage` with these arguments, and with what comes on standard input."""
    return CliRunner().invoke(triage, args, input=data)
