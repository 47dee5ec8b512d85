"""Protects that logs as people post them are read: whole crash reports, exports of journald, consoles that
wrap, pools that wait, and what is no failure of ZFS. People and hosts are invented."""

from __future__ import annotations

import json

import pytest

from fuzz.evidence.triage.known import judge
from fuzz.evidence.triage.report import TextReport
from tests.evidence.triage.triage_logs import events_of
from tests.support.paths import DATA

REPORTS = DATA / "triage" / "reports"
EXPECTED: dict[str, list[list[str]]] = json.loads((REPORTS / "expected.json").read_text())


def text_of(data: bytes) -> str:
    """What a person is told, without a corpus."""
    report = TextReport()
    return "".join(report.render(event, judge(event, [])) for event in events_of(data))


def test_every_report_has_an_expectation() -> None:
    assert {path.stem for path in REPORTS.glob("*.log")} == set(EXPECTED) and len(EXPECTED) >= 45


@pytest.mark.parametrize("name", EXPECTED)
def test_kind_place_and_stack(name: str) -> None:
    """Each failure once, with its kind, its place and innermost functions; none where ZFS did not fail."""
    events = events_of((REPORTS / f"{name}.log").read_bytes())
    assert [[event.kind, event.place, *event.stack[:4]] for event in events] == EXPECTED[name]


def test_a_pool_that_waits_is_no_failure_of_the_zap() -> None:
    text = text_of(
        b"WARNING: Pool 'a' has encountered an uncorrectable I/O failure and has been suspended.\n"
    )
    assert "ZFS suspended pool in zio.c:zio_suspend" in text and "pool a" in text
    assert "known: not a failure of the ZAP" in text and "`zpool clear`" in text and "send:" not in text


def test_tasks_that_wait_for_such_a_pool_are_no_failures_of_their_own() -> None:
    log = (REPORTS / "suspended-alone.log").read_bytes()
    waits = (DATA / "triage" / "systems" / "hung-txg_sync.log").read_bytes().replace(b"  812.", b"40812.")
    assert text_of(log + waits).count("ZFS ") == 1


def test_two_pools_and_a_pool_that_waits_again() -> None:
    said = "has encountered an uncorrectable I/O failure and has been suspended."
    line = f"Feb  3 1{{}}:22:33 nas kernel: [{{}}.1] WARNING: Pool '{{}}' {said}\n"
    logs = [line.format(*each) for each in ((1, 400, "a"), (1, 400, "b"), (2, 4000, "a"))]
    between = "Feb  3 11:22:40 nas systemd[1]: Started a timer.\n" * 9
    text = text_of((logs[0] + logs[1] + between + logs[2]).encode())
    assert text.count("ZFS suspended pool") == 2 and text.count("again (2 times so far)") == 1


def test_a_panic_string_alone_is_not_taken_for_a_known_finding() -> None:
    """FreeBSD 14.2 has OpenZFS 2.2, without zap_shrink(); and an expression alone is no proof."""
    text = text_of((REPORTS / "freebsd-info.log").read_bytes())
    assert "FreeBSD" not in text and "freebsd 14.2 (its base has OpenZFS 2.2.6)" in text
    assert "what it means: a damaged ZAP" in text
