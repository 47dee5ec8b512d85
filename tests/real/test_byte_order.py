"""Protects what the project says of pools that a machine of the other byte order has written: the DMU turns a
block when it reads it, and what is in memory and what is written from then on is as always.

So all that can differ is whether zap_byteswap() turns each block into the one that was there. It does, but
for one kind: a block of the pointer table whose first entry leads to block 128 is taken for a leaf."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from fuzz.commands.trial import byte_order_stage
from fuzz.commands.trial.byte_order_stage import turned_blocks
from fuzz.commands.trial.stage import Stage
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.model.target import ModelTarget
from tests.support.wrong_libraries.one_fault import wrong_library
from zapcore.layout import HEADER

Make = Callable[..., LibzpoolTarget]

TABLE = """
import sys
from pathlib import Path
from fuzz.targets.libzpool.byte_order import turner
from zapcore.byteorder import swap_words
table = b"".join(each.to_bytes(8, "big") for each in (int(sys.argv[2]), *range(2, 65)))
print(turner(Path(sys.argv[1]))(table) == swap_words(table))
"""
"""A block of the table in a process of its own: one of them ends it."""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_every_block_is_read_as_it_was_written(libzpool: Make, release: str) -> None:
    stage = Stage("byte order")
    list(turned_blocks(libzpool(release).library, frozenset(), stage))
    assert not stage.differences
    (line,) = stage.lines
    assert all(kind in line for kind in ("header", "leaf", "micro", "table")), line


def test_a_library_that_turns_a_field_wrong_is_told(tmp_path: Path) -> None:
    """With the block and the field; and what is different on purpose is none."""
    library, stage = wrong_library(tmp_path, "-DWRONG_BYTE_ORDER"), Stage("byte order")
    list(turned_blocks(library, frozenset(), stage))
    (found,) = stage.differences
    assert str(found.failure.signature) == "difference byte-order:compare leaf"
    assert "le_cd" in found.failure.text
    expected = Stage("byte order")
    list(turned_blocks(library, frozenset([str(found.failure.signature)]), expected))
    assert not expected.differences and expected.expected


@pytest.mark.parametrize(("flag", "end"), [("DIES", "status -6"), ("HANGS", "no end within 5 s")])
def test_a_library_that_does_not_come_back_is_told(
    flag: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_order_stage, "DEADLINE", 5.0)
    library, stage = wrong_library(tmp_path, "-DWRONG_BYTE_ORDER", f"-D{flag}"), Stage("byte order")
    list(turned_blocks(library, frozenset(), stage))
    (found,) = stage.differences
    assert str(found.failure.signature) == "difference byte-order:compare the end"
    assert found.failure.text.startswith(end)
    assert stage.lines == ["blocks of the other byte order: it did not end"]


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_table_that_begins_with_block_128_is_taken_for_a_leaf(libzpool: Make, release: str) -> None:
    """Read on a machine of the other byte order, or received there, it ends the kernel."""
    library = libzpool(release).library

    def turned(first: str) -> subprocess.CompletedProcess[str]:
        command = [*python_for(library), "-c", TABLE, str(library), first]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    for other in ("127", "129"):
        assert turned(other).stdout == "True\n"
    died = turned("128")
    assert died.returncode < 0 and "bad leaf type" in died.stderr


def test_an_ordinary_zap_has_such_a_table() -> None:
    """112 entries of 180 bytes: most lie in one half of a small table; block 128 then splits the other half,
    where a block of the table ends."""
    tops = list(range(128, 256))
    Random(0).shuffle(tops)
    keys = [0, *tops[:110], 0x40]
    zap = Zap("z", words=1, prehashed=True, leaf_shift=9)
    program = Program((zap,), tuple(Op("add", "z", (key << 56,), 1, 180) for key in keys))
    model = ModelTarget()
    model.begin(program)
    for op in program.ops:
        assert model.apply(op).errno == 0
    blocks = model.blocks("z") or []
    assert [blkid for blkid, block in enumerate(blocks) if HEADER.read(block, "zap_block_type") == 128]
