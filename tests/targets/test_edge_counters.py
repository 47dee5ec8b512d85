"""Protects the memory in which edges are counted: who lets go of it leaves no descriptor behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fuzz.targets.libzpool.watched.counters import Counters


def test_the_descriptor_is_closed_with_what_has_it() -> None:
    counters = Counters(Path("libzpool.so"))
    descriptor = counters.file
    os.fstat(descriptor)
    del counters
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
