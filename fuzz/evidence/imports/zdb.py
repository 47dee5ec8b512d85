"""Programs from the names that `zdb -dddd POOL/NAME OBJECT` lists (dump_zpldir and dump_zap in zdb.c).

Each object of the text becomes a ZAP, with the salt and the block size that zdb says of it, so that names lie
in the leaves where they lay. In which order they were made zdb does not know: entries of a directory are made
in the order of their objects' numbers, others as they are listed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fuzz.evidence.imports.c_number import c_number
from fuzz.evidence.imports.dataset import PLAIN, Properties
from fuzz.language.program import DEFAULT_SALT, MAX_NAME, MAX_VALUE, U64, Op, Program, Zap
from fuzz.language.syntax import SyntaxProblem
from fuzz.language.validate import MAX_OPS, MAX_ZAPS

MAX_TEXT = 1 << 28
"""Bytes."""

TYPES = {
    b"not specified": 0,
    b"FIFO": 1,
    b"Character Device": 2,
    b"Directory": 4,
    b"Block Device": 6,
    b"Regular File": 8,
    b"Symbolic Link": 10,
    b"Socket": 12,
    b"Door": 13,
    b"Event Port": 14,
}
"""What zdb calls the types in the top four bits of a directory's entry; `N (invalid)` for others."""

_OBJECT = re.compile(
    rb"\s*(\d{1,19})\s+\d+\s+[\d.]+[KMG]?\s+(\d{1,9}(?:\.\d{1,9})?)([KMG]?)\s+[\d.]+[KMG]?\s.*%?\s{2,}(\S.*?)\s*$"
)
_HEAD = re.compile(rb"\s*Object\s+lvl\s+iblk\s+dblk")
_STATS = re.compile(rb"\s*(?:Fat ZAP stats:|microzap: (?P<bytes>\d+) bytes, (?P<small>\d{1,19}) entries)")
_FIELD = re.compile(rb"\s*(ZAP entries|zap_salt): (0x[0-9a-f]+|\d+)\s*$")
_TYPED = re.compile(rb"(.*) = (\d{1,20}) \(type: (\d{1,9} \(invalid\)|[A-Za-z ]+)\)\s*$", re.S)
_NUMBERS = re.compile(rb"(.+) = (-?\d{1,20}(?: -?\d{1,20})* ?)$", re.S)
_UNITS = {b"": 1, b"K": 1 << 10, b"M": 1 << 20, b"G": 1 << 30}


class _Listed(NamedTuple):
    """One entry: its integers are `numbers`, of `size` bytes; `typed` where zdb knew it for a directory's."""

    name: bytes
    numbers: tuple[int, ...]
    typed: bool
    size: int = 8


class _Object:
    """What the text says of one object."""

    def __init__(self, number: int, block: int, directory: bool) -> None:
        self.number = number
        self.block = block
        self.directory = directory
        self.salt = 0
        self.counted: int | None = None
        self.entries: list[_Listed] = []


def zdb_program(path: str | os.PathLike[str], *, properties: Properties = PLAIN) -> Program:
    """The program of a text: every entry of every object that it lists. Raises SyntaxProblem."""
    source = os.fspath(path)
    try:
        size = Path(path).stat().st_size
        if size > MAX_TEXT:
            raise SyntaxProblem(source, 0, 0, f"at most {MAX_TEXT} bytes", str(size))
        text = Path(path).read_bytes().replace(b"\0", b"")  # which no name has, and zdb does not print
    except OSError as error:
        raise SyntaxProblem(source, 0, 0, "a file that can be read", error.strerror or str(error)) from None
    objects = [each for each in _Reader().objects(text) if each.entries]
    if not objects:
        raise SyntaxProblem(source, 0, 0, "names as `zdb -dddd POOL/NAME OBJECT` lists them", "none")
    if len(objects) > MAX_ZAPS:
        raise SyntaxProblem(source, 0, 0, f"at most {MAX_ZAPS} objects with names", str(len(objects)))
    if (count := sum(len(each.entries) for each in objects)) > MAX_OPS:
        raise SyntaxProblem(source, 0, 0, f"at most {MAX_OPS} names", str(count))
    zaps: list[Zap] = []
    ops: list[Op] = []
    notes: list[tuple[int, str]] = []
    for index, each in enumerate(objects):
        name = f"d{index}"
        zaps.append(
            Zap(
                name,
                fat=False,
                leaf_shift=_shift(each.block),
                norm=properties.norm,
                salt=each.salt or DEFAULT_SALT,
                dataset=properties.dataset,
            )
        )
        notes += [(len(objects) + len(ops), text) for text in _remarks(name, each)]
        ops += _ops(name, each)
    return Program(tuple(zaps), tuple(ops), notes=tuple(notes))


def _remarks(name: str, each: _Object) -> Iterator[str]:
    yield f"{name} is object {each.number}: {len(each.entries)} names"
    if each.counted is not None and each.counted != len(each.entries):
        yield (
            f"zdb counts {each.counted} entries and lists {len(each.entries)}: the text was cut, or a cursor "
            "does not come to the others"
        )
    if not each.salt:
        yield "zdb says no salt of a micro ZAP: the hashes are others than they were"


def _ops(zap: str, each: _Object) -> Iterator[Op]:
    """An op for each name; of one that is listed twice the second is an update."""
    entries = each.entries
    if all(entry.typed for entry in entries):
        entries = sorted(entries, key=lambda entry: entry.numbers[0] & ((1 << 48) - 1))
    seen: set[bytes] = set()
    for name, numbers, typed, size in entries:
        kind = numbers[0] >> 60 if numbers else 0
        if typed and kind in (4, 8) and name not in seen and numbers[0] & ((1 << 60) - 1) < 1 << 48:
            yield Op("mkdir" if kind == 4 else "touch", zap, name, fill=numbers[0] & ((1 << 48) - 1))
        else:
            verb = "update" if name in seen else "add"
            length = min(len(numbers), MAX_VALUE // size)
            yield Op(verb, zap, name, size, length, numbers[0] if numbers else 0)
        seen.add(name)


def _shift(block: int) -> int:
    """The leaf shift of a fat ZAP's block size; the default for a micro ZAP's."""
    return block.bit_length() - 1 if block in [1 << shift for shift in range(9, 18)] else 14


class _Reader:
    """Goes through the text: an object's line, the numbers of its ZAP, a blank line, its names."""

    def __init__(self) -> None:
        self.current = _Object(0, 0, True)
        self.headed = False
        self.names = False
        self.pending = b""

    def objects(self, text: bytes) -> Iterator[_Object]:
        """What the text says of each object."""
        for line in text.splitlines(keepends=True):
            bare = line.rstrip(b"\r\n")
            if self.headed and (match := _OBJECT.match(bare)) is not None:
                yield self.current
                block = int(float(match[2]) * _UNITS[match[3]])
                self.current = _Object(int(match[1]), block, match[4].startswith(b"ZFS directory"))
                self.names, self.pending = False, b""
            self.headed = _HEAD.match(bare) is not None
            if not self.headed and not self.number(bare):
                self.name(line, bare)
        yield self.current

    def number(self, bare: bytes) -> bool:
        """Take what is no name: the numbers of the ZAP, and the blank line behind them."""
        if (stats := _STATS.match(bare)) is not None:
            self.names, self.pending = False, b""
            if stats["small"] is not None:
                self.current.counted, self.current.block = int(stats["small"]), 0
            return True
        if self.names:
            return False
        if (field := _FIELD.match(bare)) is not None:
            value = c_number(field[2])
            if field[1] == b"zap_salt":
                self.current.salt = value
            else:
                self.current.counted = value
            return True
        self.names = not bare.strip() and self.current.counted is not None
        return _TYPED.fullmatch(bare) is None

    def name(self, line: bytes, bare: bytes) -> None:
        """Take a line of the list; a name with a line end in it goes on in the next one."""
        if bare.startswith(b"\t\t") and _TYPED.fullmatch(bare) is not None:
            self.pending = b""
        if not self.pending and not bare.startswith((b"\t", b" ")):
            return
        whole = self.pending + (line if self.pending else line.lstrip(b" \t"))
        entry = _entry(whole.rstrip(b"\r\n"), self.current.directory)
        if entry is not None:
            self.current.entries.append(entry)
        goes_on = entry is None and self.current.directory and len(whole) <= MAX_NAME
        self.pending = whole if goes_on else b""


def _entry(text: bytes, directory: bool) -> _Listed | None:
    match = _TYPED.fullmatch(text)
    if match is not None:
        kind = TYPES.get(match[3], -1)
        kind = int(match[3].split()[0]) & 15 if kind < 0 and match[3][:1].isdigit() else max(kind, 0)
        number = kind << 60 | (int(match[2]) & ((1 << 48) - 1))
        return _Listed(match[1], (number,), True) if 0 < len(match[1]) <= MAX_NAME else None
    if directory:
        return None
    match = _NUMBERS.fullmatch(text)
    if match is not None and len(match[1]) <= MAX_NAME:
        return _Listed(match[1], tuple(int(word) & U64 for word in match[2].split()), False)
    name, equals, value = text.partition(b" = ")
    if not equals or not 0 < len(name) <= MAX_NAME:
        return None
    return _Listed(name, tuple(value + b"\0")[: 1 << 13], False, 1)
