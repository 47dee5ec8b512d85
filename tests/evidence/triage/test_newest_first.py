"""Protects that a log is read whose newest line is first, as `journalctl -r` prints it and most collectors
export it: a failure says the same as in the order in which it happened."""

from __future__ import annotations

import json

import pytest

from tests.evidence.triage.collectors import journald
from tests.evidence.triage.test_wrappings import events_of, told
from tests.support.paths import DATA

OTHER = [f"usb 1-{at}: new high-speed USB device number {at} using xhci_hcd" for at in range(40)]


def trace(name: str) -> list[str]:
    return (DATA / "triage" / name).read_text().rstrip("\n").split("\n")


LOGS = (
    *("stale_dmesg.log", "arm64.log", "field/10-pagefault-leaflookup-16934.log", "field/33-kasan-13134.log"),
    *("field/55-undirty-usage-shrink-17602.log", "field/15-freebsd-trap12-10583.log"),
)


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("step", [1 << 20, 4096])
def test_one_failure(name: str, step: int) -> None:
    lines = [*OTHER, *trace(name), *OTHER]
    right = told(events_of("\n".join(lines).encode(), 1 << 20))
    assert len(right) == 1 and right[0][3]
    assert told(events_of("\n".join(lines[::-1]).encode(), step)) == right
    records = "\n".join(journald(line) for line in reversed(lines))
    assert told(events_of(records.encode(), step)) == right


def test_many_failures_among_a_million_lines() -> None:
    """Each is told once, however they lie to the pieces that are read at once."""
    lines: list[str] = []
    for name in LOGS[:3] * 10:
        lines += [*OTHER * 25 * (len(name) % 7), *trace(name)]
    right = told(events_of("\n".join(lines).encode(), 1 << 20))
    assert told(events_of("\n".join(reversed(lines)).encode(), 1 << 16)) == right


def test_loki_gives_the_newest_first_in_one_line() -> None:
    lines = [*OTHER, *trace("stale_dmesg.log")]
    values = [[str(1714723243000000000 + at), line] for at, line in enumerate(lines)]
    answer = {"data": {"result": [{"stream": {"host": "db7"}, "values": values[::-1]}]}}
    assert told(events_of(json.dumps(answer).encode(), 1 << 20)) == told(
        events_of("\n".join(lines).encode(), 1 << 20)
    )


def test_two_traces_in_the_right_order_stay() -> None:
    """The last frames of one stand before the head of the next, whose own are cut off."""
    first = trace("field/10-pagefault-leaflookup-16934.log")
    for second in (["Call Trace:"], ["Call Trace:", *OTHER[:4]], ["Call Trace:", " <TASK>", *first[-5:]]):
        lines = [*first[:-1], *second]
        assert told(events_of("\n".join(lines).encode(), 1 << 20)) == told(
            events_of("\n".join(first).encode(), 1 << 20)
        )


def test_one_frame_before_the_head_is_enough() -> None:
    """What is printed of a record over several lines leaves few of them before the first word of ZFS."""
    lines = trace("posted/17650-dbuf-evict-newest-first.log")[::-1]
    [event] = told(events_of("\n".join([*OTHER, *lines]).encode(), 1 << 20))
    pretty = json.dumps(
        [{"Message": line, "Id": 1, "Provider": "a"} for line in [*lines[::-1], *OTHER]], indent=4
    )
    assert event[3] and told(events_of(pretty.encode(), 1 << 20)) == [event]
