"""Where a command puts a program that it made."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import save


def program_to(out: Path | None, program: Program) -> None:
    """Write a program to a file, or print it. Raises OSError."""
    if out is None:
        click.echo(format_program(program), nl=False)
    else:
        save(out, program)
