"""Files written whole, and standard input that may be closed. Knows no program."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it there, so that it is the new one or as it was.

    What is there and is no regular file, such as /dev/stdout or a pipe, is written to as it is. Raises
    OSError, which names `path`.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        path = Path(os.path.realpath(path))
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.write_bytes(data)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, os.fspath(path)) from None


def standard_input() -> int:
    """The descriptor of standard input. Raises OSError where the process was started without one."""
    try:
        if sys.stdin is None:
            raise OSError
        return sys.stdin.fileno()
    except (OSError, ValueError):
        raise OSError(errno.EBADF, "closed; expected something to read", "standard input") from None
