"""Arguments that `strace -X raw` prints as numbers, and `-X verbose` with names in comments, as names; and
those that truss prints so."""

from __future__ import annotations

import re

from fuzz.evidence.imports.c_number import c_number

_VERBOSE = re.compile(rb"-?(?:0x[0-9a-f]+|\d+) /\* ([^*]*) \*/")
_NUMBER = re.compile(rb"(?:(?:flags|\{flags)=)?(0x[0-9a-f]+|\d+)")
_CURRENT = re.compile(rb"-100(?=$|<)")
"""AT_FDCWD."""

_OPEN = (
    (0x1, b"O_WRONLY"),
    (0x2, b"O_RDWR"),
    (0x40, b"O_CREAT"),
    (0x80, b"O_EXCL"),
    (0x10000, b"O_DIRECTORY"),
    (0x400000, b"O_TMPFILE"),
)
_CLONE = ((0x200, b"CLONE_FS"), (0x400, b"CLONE_FILES"))
_RENAME = ((0x1, b"RENAME_NOREPLACE"), (0x2, b"RENAME_EXCHANGE"), (0x4, b"RENAME_WHITEOUT"))
_UNLINK = ((0x200, b"AT_REMOVEDIR"),)
_FLAGS: dict[bytes, tuple[int, tuple[tuple[int, bytes], ...]]] = {
    b"open": (1, _OPEN),
    b"openat": (2, _OPEN),
    b"openat2": (2, _OPEN),
    b"renameat2": (4, _RENAME),
    b"unlinkat": (2, _UNLINK),
    b"unshare": (0, _CLONE),
    b"clone": (1, _CLONE),
    b"clone3": (0, _CLONE),
}
"""Where each call's flags are, and those that matter, of Linux on most machines."""
_DUPLICATES = {0: b"F_DUPFD", 1030: b"F_DUPFD_CLOEXEC"}


_OPEN_OF_FREEBSD = (
    *((0x1, b"O_WRONLY"), (0x2, b"O_RDWR"), (0x100, b"O_NOFOLLOW"), (0x200, b"O_CREAT")),
    *((0x800, b"O_EXCL"), (0x20000, b"O_DIRECTORY")),
)
_FLAGS_OF_FREEBSD: dict[bytes, tuple[int, tuple[tuple[int, bytes], ...]]] = {
    b"open": (1, _OPEN_OF_FREEBSD),
    b"openat": (2, _OPEN_OF_FREEBSD),
    b"unlinkat": (2, ((0x800, b"AT_REMOVEDIR"),)),
    b"funlinkat": (3, ((0x800, b"AT_REMOVEDIR"),)),
}


def named_on_freebsd(call: bytes, arguments: list[bytes]) -> list[bytes]:
    """The arguments of a call of FreeBSD, with names for flags that truss prints as a number."""
    index, names = _FLAGS_OF_FREEBSD.get(call, (len(arguments), ()))
    if index < len(arguments) and (found := _NUMBER.fullmatch(arguments[index])):
        value = c_number(found[1])
        flags = b"|".join(name for bit, name in names if value & bit)
        return [*arguments[:index], flags or b"0", *arguments[index + 1 :]]
    return arguments


def named(call: bytes, arguments: list[bytes]) -> list[bytes]:
    """The arguments with names for what is shown as a number."""
    if any(b"/*" in argument for argument in arguments):
        arguments = [_VERBOSE.sub(rb"\1", argument) for argument in arguments]
    arguments = [_CURRENT.sub(b"AT_FDCWD", argument) for argument in arguments]
    if call == b"fcntl" and len(arguments) > 1 and (found := _NUMBER.fullmatch(arguments[1])):
        return [arguments[0], _DUPLICATES.get(c_number(found[1]), b""), *arguments[2:]]
    index, names = _FLAGS.get(call, (len(arguments), ()))
    if index < len(arguments) and (found := _NUMBER.match(arguments[index])):
        value = c_number(found[1] if found[1].startswith(b"0x") else b"0" + found[1])
        flags = b"|".join(name for bit, name in names if value & bit)
        arguments = [*arguments[:index], flags or b"0", *arguments[index + 1 :]]
    return arguments
