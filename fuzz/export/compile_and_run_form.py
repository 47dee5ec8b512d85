"""An exported form of a reproducer, written, compiled where it is C, and run on a real library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from fuzz.corpus.reproducer import Reproducer
from fuzz.export.forms import FORMS
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.packages.fetch_headers import compile_command, headers_of

LIBRARY_FORMS = ("python", "c")
"""The forms that run on a library."""


class NoHeaders(Exception):
    """The C form cannot be compiled: libzpool's headers are not there."""


class Ran(NamedTuple):
    """Exit status (minus the signal's number) and all that was printed."""

    status: int
    printed: str


def command_of(
    form: str, reproducer: Reproducer, library: Path, folder: Path, release: str = ""
) -> list[str]:
    """Write a form's file, compile it if it is C, and give the command that runs it. Raises NoHeaders, and
    CalledProcessError with what the compiler says; a warning is an error."""
    text = FORMS[form](reproducer, release)
    if form == "python":
        script = folder / "reproducer.py"
        script.write_text(text)
        # -I: it must need nothing of this project
        return [sys.executable, "-I", str(script), str(library)]
    source = folder / "reproducer.c"
    source.write_text(text)
    return compiled(source, library, folder / "reproducer")


def compiled(source: Path, library: Path, program: Path) -> list[str]:
    """Compile a C form; the command that runs it."""
    headers = headers_of(library)
    if headers is None:
        raise NoHeaders("libzpool's headers are not there: run `zapfuzz fetch`")
    done = subprocess.run(compile_command(source, library, headers, program), capture_output=True, text=True)
    if done.returncode or done.stderr:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return [str(program)]


def ran(command: list[str], library: Path, seconds: float = 90) -> Ran:
    """Run a form. Raises TimeoutExpired."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(library.parent)}
    loader = python_for(library)[:-1]
    done = subprocess.run(
        [*loader, *command], capture_output=True, timeout=seconds, env=environment, check=False
    )
    return Ran(done.returncode, f"\n{(done.stdout + done.stderr).decode('utf-8', 'replace')}")
