"""Protects that reports in the form in which people post them are read: every system, with what each prints
around a failure, and what looks like one and is none. The forms are those of public issues, the contents are
ours."""

from __future__ import annotations

import json

import pytest

from fuzz.evidence.triage.stream import Scanner
from tests.support.paths import DATA

PEOPLE = DATA / "triage" / "people"
EXPECTED: dict[str, list[list[str]]] = json.loads((PEOPLE / "expected.json").read_text())


def test_every_report_has_an_expectation() -> None:
    assert {path.stem for path in PEOPLE.glob("*.log")} == set(EXPECTED) and len(EXPECTED) >= 50


@pytest.mark.parametrize("name", EXPECTED)
def test_kind_place_expression_and_stack(name: str) -> None:
    """Each failure once; none of a trace that tells of no failure."""
    scanner = Scanner()
    events = [*scanner.feed((PEOPLE / f"{name}.log").read_bytes()), *scanner.close()]
    assert [[event.kind, event.place, event.expression, *event.stack[:6]] for event in events] == EXPECTED[
        name
    ]
