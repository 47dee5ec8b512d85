"""Where a command puts what it made: a file or standard output, tried when it begins; and where that fails in
the end, somewhere else, which is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import click

from fuzz.commands.shared.ending import Bad
from fuzz.commands.shared.progress import say
from fuzz.corpus.elsewhere import keep_instead, try_file, try_folder
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.write_whole_file import write_whole

F = TypeVar("F", bound=Callable[..., Any])


def _tried(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None:
        try_file(path)
    return path


def out_option(help_: str, *names: str) -> Callable[[F], F]:
    """The option for the file of what a command makes, `--out` or `-o` if it has no other name. Raises
    OSError at the command's start if it could not be written."""
    return click.option(
        *(names or ("--out", "-o", "out")), type=click.Path(path_type=Path), callback=_tried, help=help_
    )


def program_to(out: Path | None, program: Program) -> None:
    """Write a program to a file, or print it. Raises Bad."""
    text_to(out, format_program(program), "program.zap")


def text_to(out: Path | None, text: str, name: str) -> None:
    """Write a text to a file, or print it. Where that cannot be done, it is printed if it can be, and kept
    in a file somewhere else, called somewhat like `name`. Raises Bad then, which says where."""
    data = text.encode("utf-8")
    if out is None:
        try:
            say(text, nl=False)
            return
        except BrokenPipeError:
            raise
        except OSError as problem:
            wanted = OSError(problem.errno, problem.strerror, "standard output")
    else:
        try:
            write_whole(out, data)
            return
        except OSError as problem:
            wanted = problem
            say(text, nl=False)
    stem, suffix = os.path.splitext(name)
    name = f"{stem}-{sha256(data).hexdigest()[:12]}{suffix}"

    def write(folder: Path) -> Path:
        write_whole(folder / name, data)
        return folder / name

    raise Bad(str(keep_instead(wanted, write)))


__all__ = ["out_option", "program_to", "text_to", "try_file", "try_folder"]
