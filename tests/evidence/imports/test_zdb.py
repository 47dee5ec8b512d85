"""Protects programs made of what zdb lists: names, object numbers and types as they stand there, with the
salt and the block size of the text."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.imports.zdb import import_zdb
from fuzz.evidence.imports.dataset import properties_of
from fuzz.evidence.imports.zdb import zdb_program
from fuzz.execution.execute import run
from fuzz.language.printing import format_op
from fuzz.language.program import Op, Zap
from fuzz.language.syntax import SyntaxProblem, parse
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import DATA

LISTED = DATA / "check" / "zdb_object.txt"

TWO = LISTED.with_name("zdb_two_objects.txt")


def test_the_names_of_a_text() -> None:
    program = zdb_program(LISTED)
    assert program.zaps == (Zap("d0", fat=False, salt=0x1C3A4D7),)
    assert [format_op(op) for op in program.ops] == [
        'touch d0 "a.log" inode=0x4d2',
        'touch d0 "b.log" inode=0x4d3',
    ]
    assert any("zdb counts 496 entries and lists 2" in text for _, text in program.notes)


def test_several_objects_and_names_of_every_kind() -> None:
    """Names with line ends and equals signs; types that no file has; a name that is listed twice."""
    program = zdb_program(TWO)
    assert [(zap.leaf_shift, zap.salt != 0x1C3A4D7) for zap in program.zaps] == [(14, True), (14, False)]
    assert program.ops == (
        Op("add", "d0", b"ROOT", 8, 1, 34),
        Op("add", "d0", b"normalization", 8, 1, 0),
        Op("add", "d0", b"comment", 1, 17, ord("s")),
        Op("add", "d1", b"odd", 8, 1, 5 << 60 | 7),
        Op("mkdir", "d1", b"with a\nline end", fill=9),
        Op("touch", "d1", b"a", fill=129),
        Op("touch", "d1", b"b", fill=130),
        Op("add", "d1", b"a = b", 8, 1, 10 << 60 | 131),
        Op("update", "d1", b"a", 8, 1, 8 << 60 | 140),
    )
    assert run(program, ModelTarget("2.3")).fine
    printed = CliRunner().invoke(import_zdb, [str(TWO), "--dataset", "normalization=formD"])
    assert {zap.norm for zap in parse(printed.output).zaps} == {16}


@pytest.mark.parametrize(
    ("words", "norm"),
    [
        ("", 0),
        ("normalization=formD,casesensitivity=insensitive", 0x12),
        ("normalization=formKC utf8only=on", 0x60),
        ("casesensitivity=mixed", 2),
        ("normalization=none,casesensitivity=sensitive,compression=lz4", 0),
        ("normalization=formC", 0x50),
        ("normalization=formKD", 0x20),
    ],
)
def test_properties_of_a_dataset(words: str, norm: int) -> None:
    assert properties_of(words).norm == norm


@pytest.mark.parametrize("words", ["formD", "normalization=nfd", "casesensitivity=on"])
def test_properties_that_there_are_not(words: str) -> None:
    with pytest.raises(SyntaxProblem, match="--dataset: expected"):
        properties_of(words)


@pytest.mark.parametrize("text", ["", "nothing here\n", "\t\tno number = (type: Regular File)\n"])
def test_text_without_names(text: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(text)
    with pytest.raises(SyntaxProblem, match="expected names as `zdb -dddd POOL/NAME OBJECT` lists them"):
        zdb_program(tmp_path / "text")
    with pytest.raises(SyntaxProblem, match="expected a file that can be read"):
        zdb_program(tmp_path / "gone")


def test_a_damaged_text(tmp_path: Path) -> None:
    """NUL bytes are of the file, not of a name."""
    (tmp_path / "text").write_bytes(b"\t\t\0a\0b = 4 (type: Directory)\n")
    assert [op.key for op in zdb_program(tmp_path / "text").ops] == [b"ab"]


OBJECT = "    Object  lvl   iblk   dblk  dsize  dnsize  lsize   %full  type\n"
COLUMNS = "   {}    1   128K    {}      0     512    512  100.00  zap\n\tmicrozap: 512 bytes, 2 entries\n\n"


@pytest.mark.parametrize(
    ("number", "size", "value"),
    [("9" * 5000, "512", "1"), ("7", "1.2.3", "1"), ("7", "512", "9" * 5000), ("7", "512", "1" * 40 + "x")],
)
def test_numbers_that_are_none(number: str, size: str, value: str, tmp_path: Path) -> None:
    """A damaged text ends in no traceback, and in no search that doubles with each digit."""
    text = tmp_path / "zdb.txt"
    text.write_text(OBJECT + COLUMNS.format(number, size) + f"\t\tname = {value}\n")
    with contextlib.suppress(SyntaxProblem):
        zdb_program(text)
