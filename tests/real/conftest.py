"""The real library, for tests of this folder only: what needs it lies here.

A worker takes 0.15 s to start, longer than most tests run, so tests share one for each release. That programs
do not influence each other is itself tested (test_libzpool), and what hangs, dies or is changed on purpose
has a worker of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuzz.targets.libzpool import LibzpoolTarget, NoLibrary
from tests.support.missing import missing

Make = Callable[..., LibzpoolTarget]


def _target(release: str, deadline: float = 20.0) -> LibzpoolTarget:
    """A target on the real library of a release. Without the library the test is skipped, in CI it fails:
    there, nothing may be left out unseen."""
    try:
        return LibzpoolTarget(release, deadline=deadline)
    except NoLibrary as reason:
        missing(reason)


@pytest.fixture(scope="session")
def shared_targets() -> Iterator[dict[str, LibzpoolTarget]]:
    """The targets of this process by release; their workers end with the session."""
    targets: dict[str, LibzpoolTarget] = {}
    yield targets
    for target in targets.values():
        target.close()


@pytest.fixture
def libzpool(shared_targets: dict[str, LibzpoolTarget]) -> Callable[[str], LibzpoolTarget]:
    """`libzpool("2.3")` is a target on the real library of a release, the same for all tests."""

    def shared(release: str) -> LibzpoolTarget:
        if release not in shared_targets:
            shared_targets[release] = _target(release)
        return shared_targets[release]

    return shared


@pytest.fixture
def own_libzpool() -> Iterator[Make]:
    """`own_libzpool("2.3", deadline=1.5)` is a target of this test alone; its worker ends with the test."""
    made: list[LibzpoolTarget] = []

    def make(release: str, deadline: float = 20.0) -> LibzpoolTarget:
        made.append(_target(release, deadline))
        return made[-1]

    yield make
    for target in made:
        target.close()


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one and the one for temporary files: whatever is left is in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path
