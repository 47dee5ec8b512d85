"""Protects that every log says the same in every wrapping: `test_wrappings` takes some of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence.triage.test_wrappings import LOGS, check_wrapped
from tests.evidence.triage.wrappings import WRAPPINGS


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_log_in_every_wrapping(path: Path) -> None:
    """All that differ are told at once."""
    wrong = []
    for name in WRAPPINGS:
        try:
            check_wrapped(path, name)
        except AssertionError:
            wrong.append(name)
    assert wrong == []
