"""A C file of ours, compiled on this machine when it is first needed, and kept in the cache by its hash."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from fuzz.targets.base import NoTarget
from fuzz.targets.packages.cache_folder import cache_folder

FLAGS = ("-O2", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
COMPILERS = ("cc", "gcc", "clang")


class NoCompiler(NoTarget):
    """A C file cannot be compiled here; the text says in one line what is missing."""


def _compiler(what_for: str) -> str:
    chosen = os.environ.get("CC")
    for name in (chosen,) if chosen else COMPILERS:
        if name and (found := shutil.which(name)):
            return found
    what = f"CC={chosen}" if chosen else ", ".join(COMPILERS)
    raise NoCompiler(
        f"{what_for} needs a C compiler, and there is none here ({what}): "
        "install one (gcc and libc6-dev on Debian), or run the program on the model"
    )


@functools.cache
def compiled(package: str, name: str, what_for: str, others: tuple[str, ...] = ()) -> Path:
    """The library made of a package's file NAME.c and of other files, C and headers, beside it; it appears
    whole or not at all. Raises NoCompiler, OSError."""
    names = (f"{name}.c", *others)
    sources = [resources.files(package).joinpath(each).read_bytes() for each in names]
    digest = hashlib.sha256(b"\0".join((*sources, platform.machine().encode(), *map(str.encode, FLAGS))))
    folder = cache_folder().parent / name
    built = folder / f"{name}-{digest.hexdigest()[:16]}.so"
    if built.is_file():
        return built
    compiler = _compiler(what_for)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder) as scratch:
        fresh = Path(scratch, f"{name}.so")
        for each, source in zip(names, sources, strict=True):
            Path(scratch, each).write_bytes(source)
        done = subprocess.run(
            [compiler, *FLAGS, "-o", str(fresh), *(each for each in names if each.endswith(".c"))],
            capture_output=True,
            text=True,
            check=False,
            cwd=scratch,
        )
        if done.returncode:
            said = (done.stderr.strip() or f"status {done.returncode}").splitlines()
            raise NoCompiler(f"{compiler} cannot compile {name}.c: {said[0]}")
        fresh.replace(built)
    return built
