"""The command line, as tests call it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from fuzz.commands.cli import main

ZAPFUZZ = [sys.executable, "-c", "from fuzz.commands.cli import main; main()"]
"""Begins a command in a process of its own; a subcommand and its arguments follow."""


def zapfuzz(*arguments: str) -> tuple[int, str]:
    """Run a command in this process; its status and all that it printed."""
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def fuzz(folder: Path, *arguments: str) -> tuple[int, str]:
    """Fuzz with seed 1 from a folder, in a process of its own; its status and all that it printed."""
    done = subprocess.run(
        [*ZAPFUZZ, "fuzz", "--seed", "1", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        cwd=folder,
    )
    return done.returncode, done.stdout
