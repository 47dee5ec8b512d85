"""An installed zapfuzz finds the libraries that were fetched, and its own code in their processes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fuzz.targets.libzpool.locate import NoLibrary, find_library, python_for
from tests.support.make_pool_image import DAMAGED
from tests.support.missing import missing
from tests.support.paths import ROOT
from tests.support.wheel import Installed


def library(release: str) -> Path:
    """The library of a release."""
    try:
        return find_library(release)
    except NoLibrary as reason:
        missing(reason)


@pytest.mark.parametrize("release", ["2.1.11", "2.3", "2.4"])
def test_programs_run_on_every_library(installed: Installed, release: str) -> None:
    """2.4.4's has a loader of its own, which starts Python."""
    library(release)
    done = installed.run("run", "stale-user-data-txg", "--target", "both", "--release", release)
    assert (done.returncode, done.stdout) == (0, b"fine: 7 ops\n"), done.stderr


def test_force_compiles_into_the_cache(installed: Installed) -> None:
    library("2.3")
    done = installed.run("force", "zap-shrink-stale-shift", "--repeat", "1")
    assert done.returncode == 1, done.stderr
    assert b"1 of 1: " in done.stdout


def test_a_pool_is_read(installed: Installed, tmp_path: Path) -> None:
    where, image = library("2.3"), tmp_path / "tank.img"
    environment = os.environ | {"LD_LIBRARY_PATH": str(where.parent), "PYTHONPATH": str(ROOT)}
    command = [*python_for(where), "-m", "tests.support.make_pool_image", str(where), str(image)]
    subprocess.run(command, check=True, env=environment, timeout=60, capture_output=True)
    words = ("--pool", str(image), "--dataset", "tank/ds", "--object", str(DAMAGED))
    done = installed.run("check", *words, "--libzpool", str(where))
    assert done.returncode == 1, done.stderr
    assert b"block 1: lh_freelist: " in done.stdout


def test_what_is_not_there_is_fetched_by_the_command_that_is_named(
    installed: Installed, tmp_path: Path
) -> None:
    environment = installed.environment() | {"ZAPFUZZ_CACHE": "", "XDG_CACHE_HOME": str(tmp_path)}
    command = [str(installed.venv / "bin" / "zapfuzz"), "run", "stale-user-data-txg", "--target", "libzpool"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=installed.empty, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"zapfuzz: libzpool 2.3.2 is not in {tmp_path}/zapfuzz/libzpool: "
        "run `zapfuzz fetch`, or give --libzpool PATH\n"
    )
