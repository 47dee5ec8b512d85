"""Lines of truss (FreeBSD) as calls. Names stand in them as they are, with nothing escaped; what a release
does not know is printed as six registers; a line comes when its call returns."""

from __future__ import annotations

import re

from fuzz.evidence.imports.c_number import c_number
from fuzz.evidence.imports.call import Call
from fuzz.evidence.imports.raw_flags import named_on_freebsd

_WHO = rb"\s*(?:(?:(\d{1,5})(?: +\d{6,10})?|(?:\d{6,10})): +)?"
"""A process (-f), with its thread (-f -H), or the thread alone (-H): those are all of one process. Numbers of
threads begin behind those of processes."""
_LINE = re.compile(
    _WHO + rb"(?:\d+\.\d{9} +)*(\w+)\((.*)\)\s*"
    rb"(?:= (-?\d{1,20}) \(0x[0-9a-f]+\)|ERR#(\d{1,9}) '[^\n]*)\s*$",
    re.S,
)
_ENDED = re.compile(_WHO + rb"()(?:\d+\.\d{9} +)*process (?:exit, rval|killed, signal)")
_ARGUMENT = re.compile(rb'("(?:.*?)"(?:\.\.\.)?|\{.*?\}|\[.*?\]|[^,"{\[]*)(?:,|$)', re.S)
_HEXADECIMAL = re.compile(rb"0x[0-9a-f]{1,4}")
_SHARES = b"CLONE_FILES|CLONE_FS"
"""What the flags of rfork() mean, in Linux's words."""
_FREEBSD = {1: "EPERM", 2: "ENOENT", 5: "EIO", 17: "EEXIST", 20: "ENOTDIR", 21: "EISDIR", 22: "EINVAL"}
_FREEBSD |= {28: "ENOSPC", 63: "ENAMETOOLONG", 66: "ENOTEMPTY"}
"""Error numbers of FreeBSD that say something of a directory."""


def truss_call(line: bytes) -> Call | None:
    """The call that a line tells; None where it is none of truss."""
    match = _LINE.match(line)
    if match is None:
        return None
    name = match[2]
    arguments = named_on_freebsd(name, _arguments(match[3]))
    if name == b"rfork":
        arguments = [_of_rfork(match[3])]
    if match[5]:
        number = int(match[5])
        return Call(match[1] or b"", name, arguments, -1, b"", _FREEBSD.get(number, f"E{number}"))
    return Call(match[1] or b"", name, arguments, int(match[4]), b"", "")


def ended_in_truss(line: bytes) -> re.Match[bytes] | None:
    """A process that is no more; its number is the first group."""
    return _ENDED.match(line)


def _of_rfork(flags: bytes) -> bytes:
    """A table of descriptors that is neither copied nor made new is shared, with where the process is."""
    if flags.startswith(b"0x"):
        return b"" if c_number(flags) & 0x80001004 else _SHARES
    return b"" if any(word in flags for word in (b"RFFDG", b"RFCFDG", b"RFSPAWN")) else _SHARES


def _arguments(text: bytes) -> list[bytes]:
    """Split at commas that are in no name and no bracket; names are escaped as strace does it, and
    descriptors among registers are plain numbers."""
    found: list[bytes] = []
    at = 0
    while at < len(text) and (match := _ARGUMENT.match(text, at)):
        found.append(_escaped(match[1]))
        if match.end() == at:
            break
        at = match.end()
    for index, argument in enumerate(found):
        before_path = index + 1 < len(found) and found[index + 1].startswith(b'"')
        if (index == 0 or before_path) and _HEXADECIMAL.fullmatch(argument):
            found[index] = b"%d" % int(argument, 16)
        elif argument == b"0xffffff9c":
            found[index] = b"AT_FDCWD"
    return found


def _escaped(argument: bytes) -> bytes:
    if not argument.startswith(b'"'):
        return argument
    dots = b"..." if argument.endswith(b"...") else b""
    name = argument.removesuffix(dots)[1:-1]
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"' + dots
