"""A real kernel module in a guest, where `make kernel` has made one: what it answers, and that nothing of it
outlives who started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.kernel.locate import NoKernel
from fuzz.targets.kernel.target import KernelTarget
from fuzz.targets.packages.cache import ROOT
from tests.support.missing import missing

DIRECTORIES = """
zap a micro
zap b micro
touch a "one"
touch a "one"
mkdir a "two"
unlink a "two"
rmdir a "one"
rename a b "one" "three"
contains a "one"
contains b "three"
rename a b "two" "three"
txg
readdir b
evict
rmdir a "two"
reopen
readdir a
"""


@pytest.fixture(scope="module")
def target() -> Iterator[KernelTarget]:
    """The module as Debian ships it."""
    try:
        made = KernelTarget("2.3", "shipped")
    except NoKernel as reason:
        missing(reason)
    yield made
    made.close()


def test_directory_program_is_as_the_oracle_says(target: KernelTarget) -> None:
    """Every errno and every name, and all names again after an export and an import."""
    outcome = run(parse(DIRECTORIES), target)
    assert outcome.fine, outcome.failure


def test_reset_forgets_the_program_before(target: KernelTarget) -> None:
    """The same program twice: the second one meets an empty directory."""
    for _ in range(2):
        assert run(parse('zap a micro\ntouch a "one"\nreaddir a\n'), target).fine


def test_words_are_no_file_names(target: KernelTarget) -> None:
    """What no user can type is told as such, not run."""
    outcome = run(parse('zap a micro\nadd a "one"\n'), target)
    assert outcome.limit is not None and "no file operation" in outcome.limit


def test_no_guest_outlives_a_killed_parent(target: KernelTarget) -> None:
    """QEMU ends with the process that started it, however that ends."""
    code = (
        "import os, signal; from fuzz.targets.kernel.guest import Guest;"
        "from fuzz.targets.kernel.locate import find_parts; g = Guest(find_parts('2.3', 'shipped'));"
        "g.fresh(); print(g.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    process = Path("/proc", done.stdout.strip())
    for _ in range(100):
        if not process.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"QEMU {process.name} is still there")
