"""Protects how tunables are found in a library: those that it does not export, in its own table."""

from __future__ import annotations

import os
import subprocess

import pytest

from fuzz.targets.libzpool.locate import python_for
from tests.support.exported_forms import library

LOOK = """
import ctypes, pathlib, sys
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.libzpool.tunables import Tunables
library = Library(pathlib.Path(sys.argv[1]))
table = Tunables(library.handle).table
exported = ctypes.addressof(ctypes.c_int.in_dll(library.handle, "zap_shrink_enabled"))
print(table.get(b"zap_shrink_enabled") == exported, library.tune("brt_zap_default_bs", 12, ctypes.c_int))
"""


@pytest.mark.parametrize(("release", "told"), [("2.3", "False False\n"), ("2.4", "True True\n")])
def test_a_table_that_a_library_has_leads_to_its_variables(release: str, told: str) -> None:
    """One that is exported, too, and one that is not. Libraries have the table since 2.4; zap_micro_max_size
    is in master's."""
    where = library(release)
    environment = os.environ | {"LD_LIBRARY_PATH": str(where.parent)}
    command = [*python_for(where), "-c", LOOK, str(where)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == told
