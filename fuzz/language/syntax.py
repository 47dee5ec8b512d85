r"""The text form of programs: reading, printing, files. Nothing in it is ever evaluated.

    # a comment
    zap z fat key=u64 prehashed leaf_shift=9
    zap d fat hash64 salt=0x3
    add z 0x8000000000000000 len=180
    add d "a name\n" int=8 fill=0x22
    t1: cursor c z
    txg

Header lines come first: `zap NAME fat|micro` with `key=name|u64`, `words=N`, `shorter`, `prehashed`,
`hash64`, `leaf_shift=N`, `norm=N`, `salt=N`, `hash_bits=N`, `indirect_shift=N`,
`micro_max_size=N`, `inode=N`, `by_dnode`; a micro ZAP can be declared as the directory of a file system,
in the words of `zfs create`:
`casesensitivity=sensitive|insensitive|mixed`,
`normalization=none|formC|formD|formKC|formKD`, `utf8only=on|off`, `longname=on|off`, `compression=` and
`encryption=`, each with the default that it has there. `usage=user|group|project` is the ZAP in which syncing
context keeps what each of these has, `mos` a ZAP of the meta object set. Then, where there are threads, comes
one `schedule STEP:THREAD ...`.
Ops follow, one a line: thread (none for 0), verb, target, second ZAP, key, second key, numbers; which of them
stands in `fuzz.language.verbs`.
A key is words joined by colons, or a name in double quotes with the escapes \" \\ \n \t \xNN. Numbers are
decimal or 0x hex; what is left out has its default, and defaults are not printed. Comments and blank lines
become notes; a comment behind a statement becomes one before it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fuzz.language.printing import format_key, format_op, format_program, format_zap
from fuzz.language.problem import Problem
from fuzz.language.program import DEFAULT_SALT, TO_UPPER, USAGES, Dataset, Key, Op, Program, Switch, Zap
from fuzz.language.validate import (
    CASES,
    COMPRESSIONS,
    CONTROL,
    ENCRYPTIONS,
    FORMS,
    MAX_CURSORS,
    MAX_NOTES,
    MAX_OPS,
    Fault,
    beside_fault,
    op_fault,
    problems,
    show,
    switch_fault,
    zap_fault,
)
from fuzz.language.verb_row import Subject, Verb
from fuzz.language.verbs import VERBS
from fuzz.language.write_whole_file import write_whole

MAX_FILE = 1 << 24
"""Bytes of a program file; a larger one is refused before it is read whole."""
MAX_LINE = 1 << 14
"""Characters of a line that is not a schedule. The longest op has half of that: a rename of two names of
MAX_NAME bytes, each byte of them escaped."""

__all__ = [
    "MAX_FILE",
    "MAX_LINE",
    "SyntaxProblem",
    "format_key",
    "format_op",
    "format_program",
    "format_zap",
    "load",
    "parse",
    "save",
]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOKEN = re.compile(rf"[ \t]*({_STRING.pattern}(?![^ \t])|#.*|[^ \t]+)")
_THREAD = re.compile(r"t([0-9]{1,9}):")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_SCHEDULE = re.compile(r"[ \t]*schedule(?![^ \t])")
_SWITCH = re.compile(r"([0-9]{1,18}):([0-9]{1,9})")
_ESCAPE = re.compile(r'\\(?:(["\\nt])|x([0-9a-fA-F]{2})|)')
_PLAIN = {'"': b'"', "\\": b"\\", "n": b"\n", "t": b"\t"}
_KNOWN_LINES = 4096

_Token = tuple[str, int]


class SyntaxProblem(Problem, ValueError):
    """Text that is no program: where, what was expected, what was found.

    `line` and `column` count from 1 and are 0 where the file as a whole is at fault.
    """

    def __init__(self, source: str, line: int, column: int, expected: str, found: str) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.expected = expected
        self.found = found
        place = f"{_one_line(source)}:{line}:{column}" if line else _one_line(source)
        super().__init__(f"{place}: expected {expected}, found {found}")


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def parse(text: str | bytes, source: str = "<program>") -> Program:
    """Read a program from its text. Raises SyntaxProblem; `source` is what it calls the text."""
    if len(text) > MAX_FILE:
        raise SyntaxProblem(source, 0, 0, f"at most {MAX_FILE} bytes", "more")
    if isinstance(text, bytes):
        text = _decode(text, source)
    return _Parser(source).program(text.removeprefix("\ufeff"))


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        begin = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[begin : error.start].decode("utf-8")) + 1
        found = f"byte {data[error.start]:#04x}"
        raise SyntaxProblem(source, line, column, "UTF-8 text", found) from None


def load(path: str | os.PathLike[str]) -> Program:
    """Read a program from a file. Raises SyntaxProblem, also where the file cannot be read."""
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = b"" if size > MAX_FILE else file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SyntaxProblem(source, 0, 0, "a file that can be read", _one_line(reason)) from None
    if max(size, len(data)) > MAX_FILE:
        raise SyntaxProblem(source, 0, 0, f"at most {MAX_FILE} bytes", str(size) if size else "more")
    return parse(data, source)


def save(path: str | os.PathLike[str], program: Program) -> None:
    """Write a program's text beside `path` and rename it there (`files.write_whole`).

    Raises OSError, and ValueError for a program that could not be read back.
    """
    if (problem := problems(program)) is not None:
        raise ValueError(problem)
    write_whole(Path(path), format_program(program).encode("utf-8"))


class _Parser:
    """One text's reading; the column of each field of the statement at hand is kept for errors."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.line = 0
        self.end = 1
        self.zaps: dict[str, Zap] = {}
        self.schedule: tuple[Switch, ...] = ()
        self.ops: list[Op] = []
        self.cursors: set[str] = set()
        self.notes: list[tuple[int, str]] = []
        self.columns: dict[str, int] = {}

    def program(self, text: str) -> Program:
        known: dict[str, Op] = {}
        for self.line, line in enumerate(_lines(text), 1):
            if (op := known.get(line)) is not None:
                self.ops.append(op)
            elif self.statement(line) and len(known) < _KNOWN_LINES:
                known[line] = self.ops[-1]
            if len(self.ops) > MAX_OPS:
                raise self.problem(1, f"at most {MAX_OPS} ops", "one more")
        if not self.zaps:
            raise self.problem(self.end, "a `zap` line", "the end" if text else "nothing: the text is empty")
        return Program(tuple(self.zaps.values()), tuple(self.ops), self.schedule, tuple(self.notes))

    def problem(self, column: int, expected: str, found: str) -> SyntaxProblem:
        return SyntaxProblem(self.source, max(self.line, 1), column, expected, found)

    def fault(self, fault: Fault | None) -> None:
        """Raise what validation found, at the column of the field at fault."""
        if fault is not None:
            column = self.columns.get(fault.field, self.columns.get("", 1))
            raise self.problem(column, fault.expected, fault.found)

    def statement(self, line: str) -> bool:
        """Read one line; true if it is an op and nothing else."""
        if (match := _SCHEDULE.match(line)) is not None:
            self.switches(line, match.end())
            return False
        if len(line) > MAX_LINE:
            raise self.problem(MAX_LINE + 1, f"a line of at most {MAX_LINE} characters", str(len(line)))
        if (bad := CONTROL.search(line)) is not None:
            raise self.problem(bad.start() + 1, "printable text", f"character {ord(bad[0]):#04x}")
        tokens = [(match[1], match.start(1) + 1) for match in _TOKEN.finditer(line)]
        self.end = len(line) + 1
        self.columns = {}
        noted = not tokens or tokens[-1][0].startswith("#")
        if noted:
            self.note(tokens.pop()[0] if tokens else "")
        if not tokens:
            return False
        if tokens[0][0] == "zap":
            self.zap(tokens)
            return False
        self.ops.append(self.op(tokens))
        return not noted

    def note(self, comment: str) -> None:
        place = len(self.zaps) + bool(self.schedule) + len(self.ops)
        self.notes.append((place, comment[1:].removeprefix(" ").rstrip(" \t")))
        if len(self.notes) > MAX_NOTES:
            raise self.problem(1, f"at most {MAX_NOTES} comments and blank lines", "one more")

    def zap(self, tokens: list[_Token]) -> None:
        if self.ops or self.schedule:
            raise self.problem(tokens[0][1], "an op (zap lines come first)", "zap")
        words = iter(tokens[1:])
        name, self.columns["name"] = self.next(words, "a ZAP's name")
        kind, self.columns["fat"] = self.next(words, "fat or micro")
        if kind not in ("fat", "micro"):
            raise self.problem(self.columns["fat"], "fat or micro", show(kind))
        self.columns[""] = self.end
        values: dict[str, int] = {}
        for text, column in words:
            word, equals, value = text.partition("=")
            reader = _OPTIONS.get(word + equals)
            if reader is None:
                raise self.problem(column, f"one of {', '.join(_OPTIONS)}", show(text))
            if word in values:
                raise self.problem(column, f"{word} only once", show(text))
            self.columns[word] = column + len(word + equals) if equals else column
            values[word] = reader(self, value, self.columns[word])
        u64 = values.pop("key", 0)
        if "words" in values and not (u64 and values["words"]):
            found = show(values["words"]) if u64 else "keys that are names"
            raise self.problem(self.columns["words"], "1 or more words, and key=u64", found)
        dataset, norm = self.dataset(values)
        zap = Zap(
            name,
            kind == "fat",
            values.get("words", u64),
            bool(values.get("prehashed")),
            bool(values.get("hash64")),
            values.get("leaf_shift", 14),
            norm,
            values.get("salt", DEFAULT_SALT),
            values.get("hash_bits", 0),
            dataset,
            values.get("usage", -1) + 1,
            bool(values.get("mos")),
            values.get("indirect_shift", 0),
            values.get("micro_max_size", 0),
            values.get("inode", 0),
            bool(values.get("shorter")),
            bool(values.get("by_dnode")),
        )
        self.fault(zap_fault(zap, self.zaps) or beside_fault(zap, self.zaps.values()))
        self.zaps[name] = zap

    def dataset(self, values: Mapping[str, int]) -> tuple[Dataset | None, int]:
        """The file system of a directory and the flags of its ZAP, or no file system, and flags alone."""
        if not values.keys() & _PROPERTIES.keys():
            return None, values.get("norm", 0)
        if "norm" in values:
            expected = "casesensitivity= and normalization=, or norm= alone"
            raise self.problem(self.columns["norm"], expected, "both")
        form, case = list(FORMS.values())[values.get("normalization", 0)], values.get("casesensitivity", 0)
        utf8only, longname = values.get("utf8only", int(form != 0)), values.get("longname", 0)
        stored = values.get("compression", 0), values.get("encryption", 0)
        dataset = Dataset(case, bool(utf8only), bool(longname), *stored)
        return dataset, form | TO_UPPER * bool(case)

    def switches(self, line: str, start: int) -> None:
        if self.ops or self.schedule or not self.zaps:
            expected = "one `schedule`, between the zap lines and the ops"
            raise self.problem(1, expected, "another" if self.schedule else "one here")
        switches: list[Switch] = []
        last = -1
        for match in _TOKEN.finditer(line, start):
            column = match.start(1) + 1
            numbers = _SWITCH.fullmatch(match[1])
            if numbers is None:
                raise self.problem(column, "STEP:THREAD", show(match[1]))
            switch = Switch(int(numbers[1]), int(numbers[2]))
            if (fault := switch_fault(switch, last)) is not None:
                raise self.problem(column, fault.expected, fault.found)
            if len(switches) == MAX_OPS:
                raise self.problem(column, f"at most {MAX_OPS} switches", "one more")
            switches.append(switch)
            last = switch.step
        if not switches:
            raise self.problem(len(line) + 1, "STEP:THREAD", "the end of the line")
        self.schedule = tuple(switches)

    def op(self, tokens: list[_Token]) -> Op:
        words = iter(tokens)
        name, column = next(words)
        thread = 0
        if (match := _THREAD.fullmatch(name)) is not None:
            thread, self.columns["thread"] = int(match[1]), column
            name, column = self.next(words, "an op")
        verb = VERBS.get(name)
        if verb is None:
            header = [] if self.ops else ["zap"]
            raise self.problem(column, f"one of {', '.join([*header, *VERBS])}", show(name))
        if not self.zaps:
            raise self.problem(column, "a `zap` line first", show(name))
        target = other = ""
        key: Key | None = None
        to: Key | None = None
        if verb.subject is not Subject.NONE:
            target, self.columns["subject"] = self.next(words, f"the name of a {verb.subject.name.lower()}")
        if verb.other:
            other, self.columns["other"] = self.next(words, "the name of a zap")
        if verb.key:
            text, self.columns["key"] = self.next(words, "a key")
            key = self.key(text, self.columns["key"])
        if verb.to:
            text, self.columns["to"] = self.next(words, "a second key")
            to = self.key(text, self.columns["to"])
        numbers = self.numbers(verb, name, words)
        op = Op(name, target, key, other=other, thread=thread, to=to, **numbers)
        self.fault(op_fault(op, self.zaps))
        if verb.subject is Subject.CURSOR:
            self.cursors.add(target)
            if len(self.cursors) > MAX_CURSORS:
                raise self.problem(self.columns["subject"], f"at most {MAX_CURSORS} cursors", "one more")
        return op

    def numbers(self, verb: Verb, name: str, words: Iterator[_Token]) -> dict[str, int]:
        values: dict[str, int] = {}
        for text, column in words:
            word, equals, value = text.partition("=")
            wanted = next((n for n in verb.numbers if n.word == word), None)
            if wanted is None or not equals:
                fields = ", ".join(f"{n.word}=" for n in verb.numbers)
                what = f"one of {fields}" if fields else f"nothing more after {name}"
                raise self.problem(column, what, show(text))
            if wanted.field in values:
                raise self.problem(column, f"{word}= only once", show(text))
            self.columns[wanted.field] = column + len(word) + 1
            values[wanted.field] = self.number(value, column + len(word) + 1)
        for number in verb.numbers:
            values.setdefault(number.field, number.default)
        return values

    def next(self, tokens: Iterator[_Token], expected: str) -> _Token:
        token = next(tokens, None)
        if token is None:
            raise self.problem(self.end, expected, "the end of the line")
        return token

    def number(self, text: str, column: int) -> int:
        if _NUMBER.fullmatch(text) is None:
            raise self.problem(column, "a number such as 12 or 0x1f", show(text) if text else "nothing")
        return int(text, 16 if text[1:2] in ("x", "X") else 10)

    def flag(self, text: str, column: int) -> int:
        return 1

    def key_kind(self, text: str, column: int) -> int:
        if text not in ("name", "u64"):
            raise self.problem(column, "name or u64", show(text))
        return int(text == "u64")

    def key(self, text: str, column: int) -> Key:
        if not text.startswith('"'):
            if _NUMBER.match(text) is None:
                raise self.problem(column, "a key: a name in double quotes, or 0x words", show(text))
            words = []
            for word in text.split(":"):
                words.append(self.number(word, column))
                column += len(word) + 1
            return tuple(words)
        if not _STRING.fullmatch(text):
            raise self.problem(column, "a name that ends with a double quote and a blank", show(text))
        pieces = []
        at = 1
        for match in _ESCAPE.finditer(text, 1, len(text) - 1):
            pieces.append(text[at : match.start()].encode("utf-8"))
            at = match.end()
            if match[1] is not None:
                pieces.append(_PLAIN[match[1]])
            elif match[2] is not None:
                pieces.append(bytes([int(match[2], 16)]))
            else:
                found = show(text[match.start() : match.start() + 2])
                raise self.problem(column + match.start(), 'one of \\" \\\\ \\n \\t \\xNN', found)
        pieces.append(text[at:-1].encode("utf-8"))
        return b"".join(pieces)


_Reader = Callable[[_Parser, str, int], int]


def _one_of(*words: str, said: str = "") -> _Reader:
    """What reads one of some words, as its place among them."""

    def read(parser: _Parser, text: str, column: int) -> int:
        if text not in words:
            raise parser.problem(column, said or f"one of {', '.join(words)}", show(text))
        return words.index(text)

    return read


_PROPERTIES: dict[str, _Reader] = {
    "casesensitivity": _one_of(*CASES),
    "normalization": _one_of(*FORMS),
    "utf8only": _one_of("off", "on", said="on or off"),
    "longname": _one_of("off", "on", said="on or off"),
    "compression": _one_of(*COMPRESSIONS),
    "encryption": _one_of(*ENCRYPTIONS),
}
_OPTIONS: dict[str, _Reader] = {
    "key=": _Parser.key_kind,
    "words=": _Parser.number,
    "shorter": _Parser.flag,
    "prehashed": _Parser.flag,
    "hash64": _Parser.flag,
    "leaf_shift=": _Parser.number,
    "norm=": _Parser.number,
    "salt=": _Parser.number,
    "hash_bits=": _Parser.number,
    "indirect_shift=": _Parser.number,
    "micro_max_size=": _Parser.number,
    "inode=": _Parser.number,
    "by_dnode": _Parser.flag,
    **{f"{word}=": reader for word, reader in _PROPERTIES.items()},
    "usage=": _one_of(*USAGES[1:]),
    "mos": _Parser.flag,
}
HEADER_WORDS = tuple(_OPTIONS)
"""What may stand behind the kind of a ZAP in its header line (`fuzz.language.reference` explains each)."""


def _lines(text: str) -> Iterator[str]:
    """The lines of a text one by one, so that a huge one is never split up front."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        if end < 0:
            end = len(text)
        yield text[at:end].removesuffix("\r")
        at = end + 1
