"""The concurrent mutants that take the fuzzer the longest."""

from __future__ import annotations

import pytest

from fuzz.faults.seeded import CONCURRENT
from tests.threads.test_thread_fuzzer import SLOW_TO_FIND, is_found


@pytest.mark.parametrize("name", SLOW_TO_FIND)
def test_mutant_is_found(name: str) -> None:
    is_found(CONCURRENT[name])
