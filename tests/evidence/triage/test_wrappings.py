"""Protects that a log says the same however it comes: packed, encoded, exported, pasted, quoted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.stream import scan
from tests.evidence.triage.collectors import COLLECTORS
from tests.evidence.triage.wrappings import WRAPPINGS
from tests.support.paths import DATA

NUMBERED = ("kmsg", "netconsole in pieces")
CONTRADICTIONS = {("23-doubled-lines-13144", name) for name in (*NUMBERED, "kmsg with its device")} | {
    ("29-ztest-2283", "netconsole in pieces"),
    ("freebsd-gpf", "journald json, bytes"),
    ("syslogd-wall", "pipe of ts"),
    ("suspended-freebsd", "kmsg with its device"),
    *((log, "containers' runtime in pieces") for log in ("cri-o-stderr", "1964-glibc", "illumos-messages")),
    *(
        (log, name)
        for log in (
            *("syslogd-wall", "freebsd-core-txt", "illumos-mdb", "illumos-trap", "12200-kgdb-core-txt"),
            *("freebsd-kgdb-trap9", "17650-dbuf-evict-newest-first"),
        )
        for name in (*NUMBERED, "kmsg with its device")
    ),
}
"""netconsole is for kernels, journald for Linux, a line of a kernel has one number and one time, which grow,
and one of a container comes through one runtime, whose pieces are longer than what a failure is found by."""

RECORDS = (
    *("cloudwatch", "github-api", "journald-arrays", "journald-pretty", "journald-seq", "journald-sse"),
    *("dmesg-json-240", "docker-json-verify"),
)
"""Logs of records, whose lines are no lines of a log."""

LOGS = sorted(
    path
    for folder in ("field", "systems", "reports", "people", "posted")
    for path in (DATA / "triage" / folder).glob("*.log")
    if path.stem not in RECORDS
)

_TOLD: dict[Path, list[tuple[str, str, str, tuple[str, ...]]]] = {}


def events_of(data: bytes, step: int) -> list[Event]:
    """The failures of a file that is read in pieces of `step` bytes."""

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(data), step):
            yield data[at : at + step]
        yield b""

    source = pieces()
    return list(scan(lambda size: next(source)))


def told(events: list[Event]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """What a person is told of each failure. Their order is when each ended, which what follows decides."""
    return sorted((event.kind, event.place, event.expression, event.stack) for event in events)


def check_wrapped(path: Path, name: str) -> None:
    """A log in a wrapping says what it says without, read whole and in small pieces."""
    if (path.stem, name) in CONTRADICTIONS:
        return
    log = path.read_text("utf-8")
    plain = _TOLD.setdefault(path, told(events_of(log.encode(), 1 << 20)))
    wrapped = WRAPPINGS[name](log)
    assert told(events_of(wrapped, 1 << 20)) == plain
    assert told(events_of(wrapped, 4096)) == plain


def some_pairs() -> Iterator[tuple[Path, str]]:
    """Two wrappings of each log, in turn, so that each wrapping has several logs."""
    names = list(WRAPPINGS)
    for at, path in enumerate(LOGS):
        for wrapping in range(2 * at, 2 * at + 2):
            yield path, names[wrapping % len(names)]


@pytest.mark.parametrize(("path", "name"), list(some_pairs()), ids=lambda part: getattr(part, "stem", part))
def test_the_same_answer(path: Path, name: str) -> None:
    """Every log in some wrappings, and every wrapping of some logs; the slow tests have all of both."""
    check_wrapped(path, name)


@pytest.mark.parametrize(
    "name",
    [
        *("mail", "mail of mail", "ticks", "numbered", "table", "syslog", "rfc 5424", "short-full", "grep"),
        *("utf-16", "utf-16 big end", "utf-8 marked", "gzip of utf-16", "pipe of ts", "ends shown"),
    ],
)
def test_records_that_were_sent_on(name: str) -> None:
    """Lines of JSON behind what mail, pages and other loggers put before them, and behind a mark of UTF-8."""
    check_wrapped(DATA / "triage" / "posted" / "docker-json-verify.log", name)


@pytest.mark.parametrize("name", COLLECTORS)
@pytest.mark.parametrize("log", ["02-softlockup-18572", "74-two-alike-adjacent-6522"])
def test_what_a_collector_exports(log: str, name: str) -> None:
    """A record may hold another one, in whose text quotes are escaped twice."""
    check_wrapped(DATA / "triage" / "field" / f"{log}.log", name)
