"""Lines of strace (Linux) and truss (FreeBSD) as calls: process, name, arguments, result."""

from __future__ import annotations

import re
from typing import NamedTuple

from fuzz.evidence.imports.raw_flags import named

_LINE = re.compile(
    rb"\s*(?:\[pid +(\d+)(?:<[^>]*>)?\] *|(\d+)(?:<[^>]*>)? +(?=\S)|(\d+)(?: \d+)?: +)?"
    rb"(?:(?:\(?\+? *\d+\.\d+\)?|\d\d:\d\d:\d\d(?:\.\d+)?) +)*"
    rb"(?:\[ *[0-9a-f?]+\] +)*"
    rb"(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)",
    re.S,
)
_UNFINISHED = re.compile(rb" ?<unfinished \.\.\.>\s*$")
_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|(?<=[0-9D])<[^>]*>|[({\[]|[)}\]]|,', re.S)
_RESULT = re.compile(rb"\s*(?:= (-?\d+|0x[0-9a-f]+|\?)(?:<([^>]*)>)?(?: (E[A-Z0-9]+))?| *ERR#(\d+))")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.S)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_FREEBSD = {1: "EPERM", 2: "ENOENT", 5: "EIO", 17: "EEXIST", 20: "ENOTDIR", 21: "EISDIR", 22: "EINVAL"}
_FREEBSD |= {28: "ENOSPC", 63: "ENAMETOOLONG", 66: "ENOTEMPTY"}
"""Error numbers of FreeBSD that say something of a directory."""


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


class LineReader:
    """Reads lines one by one; a call that was interrupted is put together again."""

    def __init__(self) -> None:
        self.begun: dict[bytes, Begun] = {}

    def read(self, line: bytes) -> Call | Begun | None:
        """What a line says; None for no call."""
        match = _LINE.match(line)
        if match is None:
            return None
        pid = match[1] or match[2] or match[3] or b""
        name, text = match[4] or match[5], match[6]
        if match[4]:
            before = self.begun.pop(pid, Begun(pid, name, b""))
            name, text = before.name, before.text + text.removeprefix(b" ")
        if _UNFINISHED.search(text):
            self.begun[pid] = Begun(pid, name, _UNFINISHED.sub(b"", text))
            return self.begun[pid]
        arguments, end = split(text)
        arguments = named(name, arguments)
        found = _RESULT.match(text, end) if end else None
        if found is None:
            return None
        if found[4]:
            number = int(found[4])
            return Call(pid, name, arguments, -1, b"", _FREEBSD.get(number, f"E{number}"))
        result = None if found[1] == b"?" else int(found[1], 0)
        return Call(pid, name, arguments, result, found[2] or b"", (found[3] or b"").decode())


def split(text: bytes) -> tuple[list[bytes], int]:
    """A call's arguments, split at the commas that are in no string, path or bracket, and where the bracket
    behind them ends (0 if it does not)."""
    arguments = []
    depth = start = 0
    for piece in _PIECE.finditer(text):
        sign = piece[0]
        if sign in (b"(", b"{", b"["):
            depth += 1
        elif sign in (b")", b"}", b"]"):
            if not depth:
                arguments.append(text[start : piece.start()].strip())
                return [each for each in arguments if each], piece.end()
            depth -= 1
        elif sign == b"," and not depth:
            arguments.append(text[start : piece.start()].strip())
            start = piece.end()
    return arguments, 0


def string_of(argument: bytes) -> tuple[bytes, bool] | None:
    """A string's bytes and whether it was cut; None for what is no string."""
    if not argument.startswith(b'"'):
        return None
    cut = argument.endswith(b"...")
    return unescaped(argument.removesuffix(b"...")[1:-1]), cut


def unescaped(text: bytes) -> bytes:
    """A string's bytes as they were."""

    def one(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2]:
            return bytes([int(match[2], 8) & 255])
        return _PLAIN.get(match[3], match[3])

    return _ESCAPE.sub(one, text)
