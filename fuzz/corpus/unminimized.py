"""Failures as they were found, each in a file of its own, before anything else is done with them."""

from __future__ import annotations

import dataclasses
from hashlib import sha256
from pathlib import Path

from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.language.syntax import save

UNMINIMIZED, NOT_AGAIN = "unminimized", "not-again"
"""What the names of such files begin with: of a failure that is to be cut down, and of one that did not come
again when its program was run again."""


def keep_whole(program: Program, folder: Path, what: str, said: str = "") -> Path:
    """Write a program as it was found; `said` becomes its first line, as a comment. The same program has the
    same file. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = name_in(folder, program, what)
    said = "".join(letter if letter.isprintable() else "?" for letter in said).strip()
    notes = ((0, said), *program.notes) if said else program.notes
    save(path, dataclasses.replace(program, notes=notes))
    return path


def name_in(folder: Path, program: Program, what: str) -> Path:
    """The file of a program in a folder."""
    digest = sha256(format_program(dataclasses.replace(program, notes=())).encode()).hexdigest()[:12]
    return folder / f"{what}-{digest}.zap"


def waiting(folder: Path) -> list[Path]:
    """The programs of a folder that earlier runs found and that are to be cut down yet."""
    return sorted(folder.glob(f"{UNMINIMIZED}-*.zap")) if folder.is_dir() else []
