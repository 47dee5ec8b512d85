"""Protects what a soak draws: ZAPs that threads can work on. What fails or crashes before the threads begin
has ended by then."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.language.program import changes_in_sync, has_tree
from fuzz.threads.real.soak import KINDS, Kind


@pytest.mark.parametrize("kind", list(dict.fromkeys(KINDS)))
def test_threads_can_work_on_every_kind_of_zap(kind: Kind) -> None:
    """No directory leads to another (what its callers lock then is not known), and no ZAP changes in sync."""
    for number in range(400):
        program = kind(Random(number))
        assert not has_tree(program) and not changes_in_sync(program), program
