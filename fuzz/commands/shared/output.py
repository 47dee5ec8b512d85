"""Where a command puts a program that it made."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fuzz.commands.shared.progress import say
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import save


def program_to(out: Path | None, program: Program) -> None:
    """Write a program to a file, or print it. Raises OSError."""
    if out is None:
        say(format_program(program), nl=False)
    else:
        save(out, program)


def try_to_write(folder: Path) -> None:
    """Find out at a command's start whether a folder can be written to, or made. Raises OSError."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as problem:
        raise OSError(problem.errno, f"cannot be written: {problem.strerror}", str(folder)) from None
