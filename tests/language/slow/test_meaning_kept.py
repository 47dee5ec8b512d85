"""What the ordinary tests leave out of the work that must stay the same."""

from __future__ import annotations

import pytest

from tests.language.test_meaning_kept import EXPECTED, PARTS, SLOW_PARTS, digest


@pytest.mark.parametrize("part", SLOW_PARTS)
def test_the_same_inputs_give_the_same(part: str) -> None:
    assert digest(PARTS[part]()) == EXPECTED["parts"][part]
