"""One browser for all tests of the folder. It ends with them: Playwright has a loop of asyncio of its own,
and where one runs nobody else can run another (Dask is reached by one)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as found:
        yield found
