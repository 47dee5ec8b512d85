"""Which cases of a test `make test` runs, and which are left to the slow tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import pytest

Case = TypeVar("Case")


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """A search at random takes `count` programs: `few` in `make test`, `many` in a slow test of that name."""
    return pytest.mark.parametrize("count", [few, pytest.param(many, marks=pytest.mark.slow)])


def only_now(
    name: str, now: Collection[Case], cases: Iterable[Case], ids: Callable[[Case], str] = str
) -> pytest.MarkDecorator:
    """The cases of one argument: those in `now` are run by `make test`, the others are slow tests."""
    return pytest.mark.parametrize(
        name,
        [pytest.param(each, id=ids(each), marks=() if each in now else pytest.mark.slow) for each in cases],
    )
