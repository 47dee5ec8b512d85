"""How programs end that meet what the findings of the corpus say: what a random program may end with, too."""

from __future__ import annotations

from functools import cache

from fuzz.corpus.reproducer import folders, read_reproducer
from fuzz.execution.result import Outcome
from tests.support.paths import CORPUS


@cache
def _known() -> frozenset[str]:
    findings = map(read_reproducer, folders([CORPUS / "findings"]))
    return frozenset(ending for finding in findings for ending in finding.expect.values())


def is_fine_or_known(outcome: Outcome) -> bool:
    """Whether nothing is wrong, or what is wrong is a finding; two sides that differ are none."""
    return outcome.failure is None or str(outcome) in _known()
