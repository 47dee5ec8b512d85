"""Fuzz targets as OSS-Fuzz calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fuzz.engines.ossfuzz.target import NOTHING_KNOWN
from tests.support.paths import ROOT

FOLDER = ROOT / "fuzz" / "engines" / "ossfuzz"
TARGETS = sorted(path.stem for path in FOLDER.glob("*_fuzzer.py"))


def python_target(name: str) -> list[str]:
    """The command that runs a target from its source."""
    return [sys.executable, "-m", f"fuzz.engines.ossfuzz.{name}"]


def libfuzzer(
    command: Sequence[str], artifacts: Path, *words: str, known: bool = True
) -> tuple[int, str, list[Path]]:
    """Run a target; its status, what it said, and the artifacts that it left."""
    artifacts.mkdir(exist_ok=True)
    environment = {**os.environ, **({} if known else {NOTHING_KNOWN: "1"})}
    done = subprocess.run(
        [*command, f"-artifact_prefix={artifacts}/", "-seed=1", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=300,
        cwd=ROOT,
        env=environment,
    )
    return done.returncode, done.stdout, sorted(artifacts.iterdir())
