"""Reading what sanitizers and memcheck print, into failures. Text only; needs neither.

A report's place is the innermost function of the library, its expression what was wrong with all numbers
left out, and its stack the library's functions. The same fault so has one signature, whatever was allocated
where."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fuzz.judge.signature import Failure, Signature
from fuzz.targets.libzpool.watched.watch import OP_MARK, UNDEFINED_MARK
from zapcore.zap import file_in_model

SANITIZER_KINDS = {"AddressSanitizer": "asan", "ThreadSanitizer": "tsan"}

FATAL_KINDS = ("asan",)
"""Reports after which the process has ended by itself."""

WATCHED_KINDS = (*SANITIZER_KINDS.values(), "ubsan", "memcheck")
"""The kinds of all that is reported."""

_BEGIN = re.compile(r"(?:==\d+==ERROR: |WARNING: |ERROR: )(AddressSanitizer|ThreadSanitizer): (?P<what>.*)$")
_UBSAN = re.compile(r"^(?P<file>\S+?):(?P<line>\d+)(?::\d+)?: runtime error: (?P<what>.*)$")
_FRAME = re.compile(r"^ +#\d+ +(?:0x[0-9a-f]+ +)?(?:in +)?(?P<name>[\w.]+)(?P<where>.*)$")
_VALGRIND = re.compile(r"^==\d+== ?(?P<rest>.*)$")
_VALGRIND_FRAME = re.compile(r"^ +(?:at|by) 0x[0-9A-F]+: (?P<name>\S+) \((?P<where>[^)]*)\)$")
_NUMBERS = re.compile(r"\b(?:0x[0-9a-fA-F]+|[0-9]+)\b")
_LIBRARY = re.compile(r"/(?:module|lib/lib\w+)/\S*\.[ch]:\d+|/lib(?:zpool|nvpair|uutil|zfs_core|spl)\.so")
_FILE = re.compile(r"(?P<file>[\w-]+\.[ch]):\d+")
_RUNTIME = re.compile(r"vg_replace|libsanitizer|sanitizer_common|compiler-rt")
"""What stands in place of functions of the C library while somebody watches."""
_PYTHON = re.compile(r"_?Py[A-Z_]|ffi_closure|cfunction_|object_vacall|_CallPythonObject")
"""Functions of Python: what is reported below them, in what the library has called back, is not the
library's."""
_THREAD = re.compile(r"Thread \d+.*:$")
_CALLER = "ffi_call"
"""Who calls the library; what is further out is Python."""
_UNDEFINED = re.compile(r"^(?P<what>answer|block) byte (?:\S+ of block .*|\d+)$")

_Frame = tuple[str, str]
"""A function of the library, and the file that it is in ("?" where nobody says)."""


def reports(text: str, verbs: list[str], ended: int | None = None) -> Iterator[Failure]:
    """What is reported in a text, in its order, each with the op during which it was. `verbs` are those of
    the ops that ran: a report outside of the library, in Python, is none. `ended` is the op at which the
    process ended, if it did."""
    op = -1
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(OP_MARK):
            op = int(line.removeprefix(OP_MARK))
        elif line.startswith(UNDEFINED_MARK):
            yield _undefined(line.removeprefix(UNDEFINED_MARK), verbs, op)
        elif begun := _BEGIN.search(line):
            end = _end_of_sanitizer(lines, at)
            yield from _sanitizer(
                begun[1], begun["what"], lines[at - 1 : end], op if ended is None else ended
            )
            at = end
        elif begun := _UBSAN.match(line):
            end = _end_of_stack(lines, at)
            yield from _undefined_behaviour(begun, lines[at - 1 : end], op)
            at = end
        elif (begun := _VALGRIND.match(line)) and begun["rest"].strip():
            end = at
            while end < len(lines) and (more := _VALGRIND.match(lines[end])) and more["rest"].strip():
                end += 1
            yield from _memcheck(lines[at - 1 : end], op)
            at = end


def _end_of_sanitizer(lines: list[str], at: int) -> int:
    """Behind the last line of a report: its summary, or the next bar."""
    for end in range(at, min(at + 400, len(lines))):
        if lines[end].startswith(("SUMMARY:", "==================")):
            return end + 1
    return len(lines)


def _end_of_stack(lines: list[str], at: int) -> int:
    while at < len(lines) and _FRAME.match(lines[at]):
        at += 1
    return at


def _frames(lines: list[str], form: re.Pattern[str] = _FRAME) -> list[_Frame]:
    """The library's functions of the first stack in some lines, innermost first."""
    found: list[_Frame] = []
    began = False
    for line in lines:
        frame = form.match(line)
        if frame is None:
            if began:
                break
            continue
        began = True
        if frame["name"] == _CALLER:
            break
        if not found and _PYTHON.match(frame["name"]):
            break
        if _is_of_library(frame["name"], frame["where"]):
            found.append((frame["name"], _file(frame["where"])))
    return found


def _is_of_library(name: str, where: str) -> bool:
    return name != "???" and bool(_LIBRARY.search(where)) and not _RUNTIME.search(where)


def _file(where: str) -> str:
    found = _FILE.search(where)
    return found["file"] if found else "?"


def _place(frame: _Frame) -> str:
    return f"{file_in_model(frame[1], frame[0])}:{frame[0]}"


def _failure(kind: str, what: str, frames: list[_Frame], lines: list[str], op: int) -> Iterator[Failure]:
    if frames:
        signature = Signature(
            kind, _place(frames[0]), _NUMBERS.sub("N", what).strip(), tuple(name for name, _ in frames)
        )
        yield Failure(signature, "\n".join(lines), op)


def _sanitizer(tool: str, what: str, lines: list[str], op: int) -> Iterator[Failure]:
    """ASan tells the kind of fault, and on the next line whether it was a read or a write; TSan has both
    accesses, in the order in which they came: of these the first that is the library's names the place."""
    kind = re.split(r" on | \(pid|: | \(/", what, maxsplit=1)[0].strip()
    access = next((word for line in lines[1:4] for word in ("READ", "WRITE") if line.startswith(word)), "")
    yield from _failure(
        SANITIZER_KINDS[tool], f"{kind} {access.lower()}".strip(), _frames(lines[1:]), lines, op
    )


def _undefined_behaviour(begun: re.Match[str], lines: list[str], op: int) -> Iterator[Failure]:
    frames = _frames(lines[1:])
    if not frames:  # without a stack the file is all there is
        file = begun["file"].rpartition("/")[2]
        signature = Signature("ubsan", f"{file}:?", _NUMBERS.sub("N", begun["what"]))
        yield Failure(signature, "\n".join(lines), op)
        return
    yield from _failure("ubsan", begun["what"], frames, lines, op)


def _memcheck(lines: list[str], op: int) -> Iterator[Failure]:
    """The first stack says what was done; those behind it where the memory came from."""
    plain = [match["rest"] for line in lines if (match := _VALGRIND.match(line))]
    if len(plain) > 1 and _THREAD.match(plain[0]):  # not the first one
        del plain[0]
    frames = _frames(plain[1:], _VALGRIND_FRAME)
    yield from _failure("memcheck", plain[0], frames, plain, op)


def _undefined(what: str, verbs: list[str], op: int) -> Failure:
    """Bytes that were never written: in an answer, or in a block."""
    told = _UNDEFINED.match(what)
    assert told is not None, what
    verb = verbs[op] if 0 <= op < len(verbs) else "begin"
    whose = "an answer" if told["what"] == "answer" else "a block"
    signature = Signature("memcheck", f"?:{verb}", f"bytes of {whose} were never written")
    return Failure(signature, f"{verb}: {what} was never written", op)


__all__ = ["FATAL_KINDS", "WATCHED_KINDS", "reports"]
