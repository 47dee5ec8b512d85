"""The wheel, installed once for each process that runs tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.wheel import STRANGERS, Installed


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel in an environment of its own. Whatever was done with it, the package is as it was, and the
    folder that commands were started from is empty but for what lay there."""
    made = Installed(tmp_path_factory.mktemp("installed"))
    before = files(made.site)
    yield made
    assert files(made.site) == before
    assert {str(path.relative_to(made.empty)) for path in files(made.empty)} == set(STRANGERS)


def files(folder: Path) -> set[Path]:
    """All files below a folder, without what Python compiles."""
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
