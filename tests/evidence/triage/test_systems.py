"""Protects that each kind of failure is read on each system; people and hosts are invented."""

from __future__ import annotations

import json

import pytest

from tests.evidence.triage.triage_logs import events_of
from tests.support.paths import DATA

SYSTEMS = DATA / "triage" / "systems"
EXPECTED: dict[str, tuple[str, list[str]]] = json.loads((SYSTEMS / "expected.json").read_text())


def test_every_log_has_an_expectation() -> None:
    assert {path.stem for path in SYSTEMS.glob("*.log")} == set(EXPECTED) and len(EXPECTED) >= 50


@pytest.mark.parametrize("name", EXPECTED)
def test_kind_and_stack(name: str) -> None:
    """One failure, of its kind, with ZFS's functions from the one that failed on."""
    [event] = events_of((SYSTEMS / f"{name}.log").read_bytes())
    kind, stack = EXPECTED[name]
    assert event.kind == kind
    assert list(event.stack[: len(stack)]) == stack
    assert event.place.rpartition(":")[2] == stack[0]
