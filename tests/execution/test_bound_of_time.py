"""A bound of time holds, whatever runs when it is over."""

from __future__ import annotations

import time

import pytest

from fuzz.execution.bound_of_time import AGAIN_SECONDS, TimeUp, bounded


class Finalized:
    """What takes a while to go."""

    def __del__(self) -> None:
        time.sleep(0.3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_raised_while_an_object_goes_is_raised_again() -> None:
    """Python drops what a finalizer raises: the bound was gone with it."""
    begun = time.monotonic()
    with pytest.raises(TimeUp), bounded(0.1):
        Finalized()
        while time.monotonic() < begun + 4 * AGAIN_SECONDS:
            time.sleep(0.01)
    assert time.monotonic() - begun >= AGAIN_SECONDS
