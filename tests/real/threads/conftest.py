"""A fixture of what forces threads on the real library."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.packages.compile_once import NoCompiler
from fuzz.threads.real.held_target import HeldTarget
from tests.support.missing import missing

Make = Callable[..., HeldTarget]


@pytest.fixture
def held(libzpool: Callable[..., LibzpoolTarget]) -> Iterator[Make]:
    """`held("2.3")` is the real library of a release with threads that can be held; as `libzpool`, it skips
    what this machine cannot have, but never in CI."""
    made: list[HeldTarget] = []

    def make(release: str, patience: float = 10.0) -> HeldTarget:
        library = libzpool(release).library
        try:
            target = HeldTarget(path=library, patience=patience)
        except NoCompiler as reason:
            missing(reason)
        made.append(target)
        return target

    yield make
    for target in made:
        target.close()
