"""What a test needs and this machine lacks: the test is skipped, but never in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: object) -> NoReturn:
    """Skip the test that runs; in CI fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(what))
    pytest.skip(str(what))
