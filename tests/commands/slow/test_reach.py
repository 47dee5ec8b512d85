"""Hundreds of files whose project ids crowd a ZAP of usage: what takes `reach` the longest."""

from __future__ import annotations

import pytest

from tests.commands.test_reach import is_reached_by_project_ids


@pytest.mark.parametrize(
    ("finding", "ops", "outcome"),
    [("usage-crowded-ids", 230, "limit"), ("usage-trunc-next-table", 511, "invariant zap:free-mark")],
)
def test_project_ids_are_computed_without_the_salt(finding: str, ops: int, outcome: str) -> None:
    is_reached_by_project_ids(finding, "2.4", ["usage-frees-blocks"], ops, outcome)
