"""Protects the reading of logs in the forms of public reports, for which the right answer was written down
before any of them was read: per failure its kind, function, expression, and how its stack begins. The numbers
in their names are those of the issues after which they are made; hosts, people and addresses are invented."""

from __future__ import annotations

import json

import pytest

from fuzz.evidence.triage.events import Event
from fuzz.evidence.triage.known import Judge
from fuzz.evidence.triage.report import TextReport
from fuzz.evidence.triage.stream import Scanner
from fuzz.evidence.triage.which_object import which_object
from tests.support.paths import DATA

POSTED = DATA / "triage" / "posted"
EXPECTED: dict[str, list[tuple[str, str, str, list[str]]]] = json.loads(
    (POSTED / "expected.json").read_text()
)


def read(name: str) -> list[Event]:
    scanner = Scanner()
    return [*scanner.feed((POSTED / f"{name}.log").read_bytes()), *scanner.close()]


def test_every_log_has_an_expectation() -> None:
    assert {path.stem for path in POSTED.glob("*.log")} == set(EXPECTED) and len(EXPECTED) >= 148


@pytest.mark.parametrize("name", EXPECTED)
def test_what_failed_where(name: str) -> None:
    events, expected = read(name), EXPECTED[name]
    told = [[event.kind, event.place.rpartition(":")[2], event.expression] for event in events]
    assert told == [list(each[:3]) for each in expected]
    for event, (*_, stack) in zip(events, expected, strict=True):
        assert list(event.stack[: len(stack)]) == stack


def test_a_trace_tells_which_object_it_was() -> None:
    """Who called the ZAP decides, not what the ZAP called."""
    [event] = read("13687-leaf-lookup-ddt")
    assert "--dataset MOS --all" in TextReport().render(event, Judge([])(event))
    for stack, which in (
        (("zap_leaf_lookup", "fzap_lookup", "zap_lookup_norm", "zfs_dirlook", "spa_x"), "--object NUMBER"),
        (
            ("zap_leaf_lookup", "zap_increment_int", "do_userquota_cacheflush", "spa_sync"),
            "POOL/DATASET --all",
        ),
        (("zap_add", "dsl_dir_create_sync", "spa_sync"), "MOS --all"),
        (("zap_leaf_lookup",), "--object NUMBER"),
    ):
        assert which_object(stack)[1].endswith(which)


def test_a_stack_that_kgdb_and_kdb_print_is_told_once() -> None:
    [event] = read("12200-kgdb-core-txt")
    assert len(event.stack) == len(set(event.stack))
