"""The real library, for tests of this folder only: what needs it lies here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fuzz.targets.libzpool import LibzpoolTarget, NoLibrary
from tests.support.missing import missing


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
