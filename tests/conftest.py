"""What all tests share: which folder means which marker, that Hypothesis repeats the same examples every time
and knows no deadline, that nothing is written to the folders of whoever runs them, and that commands do not
say how far they are where a test does not ask."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

import pytest
from hypothesis import settings

from fuzz.commands.shared.progress import QUIET
from fuzz.targets.model import world as model_world
from tests.support.paths import ROOT

os.environ.setdefault("ZAPFUZZ_CACHE", str(ROOT / ".cache"))
os.environ["ZAPFUZZ_HOME"] = tempfile.mkdtemp(prefix="zapfuzz-home-")
atexit.register(shutil.rmtree, os.environ["ZAPFUZZ_HOME"], ignore_errors=True)

if sys.gettrace() is not None:
    # what measures coverage makes ops many times slower
    model_world.PATIENCE *= 40
    model_world.LONG_PATIENCE *= 40

os.environ[QUIET] = "1"  # a busy machine takes longer than two seconds for what has exact output

settings.register_profile("zapfuzz", derandomize=True, deadline=None)
settings.load_profile("zapfuzz")

MARKED_FOLDERS = ("real", "slow", "kernel")
"""A test below a folder of this name, at any depth, has the marker of this name (see pyproject.toml)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the folders that it lies in."""
    for item in items:
        for folder in MARKED_FOLDERS:
            if folder in item.path.relative_to(ROOT).parent.parts:
                item.add_marker(folder)
