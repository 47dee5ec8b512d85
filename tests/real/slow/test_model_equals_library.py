"""The truth, for longer: other programs than the short test has, and 30,000 ops over every verb."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.targets.libzpool import LibzpoolTarget
from tests.real import test_model_equals_library
from tests.real.verbs import test_verbs

Make = Callable[..., LibzpoolTarget]
RELEASES = pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])


@RELEASES
def test_random_programs(libzpool: Make, release: str) -> None:
    test_model_equals_library.do_not_differ(libzpool(release), release, f"{release} for longer", 60)


@RELEASES
def test_programs_over_everything(libzpool: Make, release: str) -> None:
    test_verbs.do_not_differ(libzpool(release), release, 30_000)
