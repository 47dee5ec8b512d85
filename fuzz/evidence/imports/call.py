"""A call of a trace, however it was printed."""

from __future__ import annotations

from typing import NamedTuple


class Call(NamedTuple):
    """A call that ended. `result` is None where none is shown; `path` is what `strace -y` says the descriptor
    that it returned is of; `error` an errno's name where it failed."""

    pid: bytes
    name: bytes
    arguments: list[bytes]
    result: int | None
    path: bytes
    error: str


class Begun(NamedTuple):
    """A call that another process's line interrupts: it has not ended yet."""

    pid: bytes
    name: bytes
    text: bytes


class Ended(NamedTuple):
    """A process that is no more."""

    pid: bytes
