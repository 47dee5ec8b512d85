"""The form of every code point, and of more names than the ordinary tests have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.targets.libzpool import LibzpoolTarget
from tests.real.test_normalization import have_its_forms


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_forms_are_those_of_the_real_library(libzpool: Callable[..., LibzpoolTarget], release: str) -> None:
    have_its_forms(libzpool(release), release, 10_000, "all")
