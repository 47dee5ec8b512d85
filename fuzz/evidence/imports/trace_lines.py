"""Lines of strace (Linux) as calls: process, name, arguments, result; those of truss are in `truss_lines`."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from fuzz.evidence.imports.c_number import c_number
from fuzz.evidence.imports.call import Begun, Call, Ended
from fuzz.evidence.imports.raw_flags import named
from fuzz.evidence.imports.truss_lines import ended_in_truss, truss_call

_LINE = re.compile(
    rb"\s*(?:\[pid +(\d+)(?:<[^>]*>)?\] *|(\d+)(?:<[^>]*>)? +(?=\S)|(\d+)(?: \d+)?: +)?"
    rb"(?:(?:\(?\+? *\d+\.\d+\)?|\d\d:\d\d:\d\d(?:\.\d+)?) +)*"
    rb"(?:\[ *[0-9a-f?]+\] +)*"
    rb"(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)",
    re.S,
)
_UNFINISHED = re.compile(rb" ?<unfinished \.\.\.>\s*$")
_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|(?<=[0-9D])<[^>]*>|[({\[]|[)}\]]|,', re.S)
_RESULT = re.compile(rb"\s*(?:= (-?\d+|0x[0-9a-f]+|\?)(?:<([^>]*)>)?(?: (E[A-Z0-9]+))?)")
_ENDED = re.compile(
    rb"\s*(?:\[pid +(\d+)(?:<[^>]*>)?\] *|(\d+)(?:<[^>]*>)? +)?[\d:. ]*\+\+\+ (?:exited|killed)"
)
_NO_RESULT = re.compile(rb"\w\(.*\)(?:\s*=)?\s*$", re.S)
_REST = re.compile(rb"\s*(?:= |ERR#)?-?\d+(?: \(0x| E[A-Z]|\s*$| ')|\s*= -?\d")
_BARE_REST = re.compile(rb"[^\"]*\)\s+= (?:-?\d|\?)")
"""The end of a call of the line before: with -z strace keeps what it prints, and says nothing of resuming."""
FORKS = (b"clone", b"clone3", b"fork", b"vfork", b"rfork", b"pdfork")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.S)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


class LineReader:
    """Reads lines one by one; a call that was interrupted is put together again, and one that a mail program
    wrapped before its result. `truss` says that the log has lines of that."""

    def __init__(self) -> None:
        self.begun: dict[bytes, Begun] = {}
        self.truss = False
        self.wrapped = b""
        self.last: Begun | None = None

    def read(self, line: bytes) -> Call | Begun | Ended | None:
        """What a line says; None for no call."""
        last, self.last = self.last, None
        if self.wrapped and _REST.match(line):
            line = self.wrapped + b" " + line.lstrip()
        self.wrapped = line.rstrip() if _NO_RESULT.search(line) else b""
        call = truss_call(line)
        if call is not None:
            self.truss = True
            return call
        ended = _ENDED.match(line) or ended_in_truss(line)
        if ended is not None:
            return Ended(ended[1] or ended[2] or b"")
        match = _LINE.match(line)
        if match is None and last is not None and _BARE_REST.match(line):
            match = _LINE.match(b"%s <... %s resumed>%s" % (last.pid, last.name, line))
        if match is None:
            return None
        pid = match[1] or match[2] or match[3] or b""
        name, text = match[4] or match[5], match[6]
        if match[4]:
            before = self.begun.pop(pid, Begun(pid, name, b""))
            name, text = before.name, before.text + text.removeprefix(b" ")
        if _UNFINISHED.search(text):
            self.begun[pid] = self.last = Begun(pid, name, _UNFINISHED.sub(b"", text))
            return self.last
        arguments, end = split(text)
        arguments = named(name, arguments)
        found = _RESULT.match(text, end) if end else None
        if found is None:
            return None
        result = None if found[1] == b"?" else c_number(found[1])
        return Call(pid, name, arguments, result, found[2] or b"", (found[3] or b"").decode())


def forks_of(lines: Iterable[bytes]) -> Mapping[bytes, deque[tuple[bytes, bytes]]]:
    """For each child in a log its parents, one after the other, each with the flags of the fork. A child may
    be heard of before that returns, and truss and `strace -z` say nothing of it until then."""
    found: defaultdict[bytes, deque[tuple[bytes, bytes]]] = defaultdict(deque)
    reader = LineReader()
    for line in lines:
        if b"fork" not in line and b"clone" not in line:
            continue
        call = reader.read(line)
        if isinstance(call, Call) and call.name in FORKS and call.result is not None and call.result > 0:
            found[b"%d" % call.result].append((call.pid, b" ".join(call.arguments)))
    return found


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
    """A string's bytes, which end at a NUL, and whether it was cut; None for what is no string."""
    if not argument.startswith(b'"'):
        return None
    cut = argument.endswith(b"...")
    return unescaped(argument.removesuffix(b"...")[1:-1]).partition(b"\0")[0], cut


def unescaped(text: bytes) -> bytes:
    """A string's bytes as they were."""

    def one(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2]:
            return bytes([int(match[2], 8) & 255])
        return _PLAIN.get(match[3], match[3])

    return _ESCAPE.sub(one, text)
