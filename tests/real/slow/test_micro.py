"""A micro ZAP of more than 128 KiB on the releases that `make test` leaves out."""

from __future__ import annotations

import pytest

from tests.real.test_micro import RELEASES, Make, grow_beyond_128_kib


@pytest.mark.parametrize("release", [release for release in RELEASES if release != "2.4"])
def test_more_than_128_kib(libzpool: Make, release: str) -> None:
    grow_beyond_128_kib(libzpool, release)
