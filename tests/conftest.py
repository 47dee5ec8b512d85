"""What all tests share: Hypothesis repeats the same examples every time, and knows no deadline; and the real
library, where there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from fuzz.targets import model
from fuzz.targets.libzpool import LibzpoolTarget, NoLibrary
from tests.support.missing import missing

if sys.gettrace() is not None:
    # what measures coverage makes ops many times slower
    model.PATIENCE *= 40
    model.LONG_PATIENCE *= 40

settings.register_profile("zapfuzz", derandomize=True, deadline=None)
settings.load_profile("zapfuzz")


@pytest.fixture
def libzpool() -> Iterator[Callable[..., LibzpoolTarget]]:
    """`libzpool("2.3")` is a target on the real library of a release; its worker ends with the test.

    Without the library the test is skipped, in CI it fails: there, nothing may be left out unseen.
    """
    made: list[LibzpoolTarget] = []

    def make(release: str, deadline: float = 20.0) -> LibzpoolTarget:
        try:
            target = LibzpoolTarget(release, deadline=deadline)
        except NoLibrary as reason:
            missing(reason)
        made.append(target)
        return target

    yield make
    for target in made:
        target.close()
