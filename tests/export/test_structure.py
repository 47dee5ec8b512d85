"""Protects what the exported forms see of a ZAP's blocks: each kind of damage is told, and of a healthy
object none."""

from __future__ import annotations

import struct

import pytest

from fuzz.export.structure import wrong_structure
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L

GROWN = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=180
add z 0x100000000000000 len=180
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
"""
"""The pointer table has blocks of its own, and the next one is being filled."""


def blocks_of(text: str) -> list[bytes]:
    """The blocks of a program's first ZAP, on the model."""
    target, program = ModelTarget("2.3"), parse(text)
    target.begin(program)
    for op in program.ops:
        target.apply(op)
    blocks = target.blocks("z")
    assert blocks is not None
    return blocks


def header(blocks: list[bytes], word: int, value: int) -> None:
    """Change a word of block 0."""
    damaged = bytearray(blocks[0])
    struct.pack_into("<Q", damaged, 8 * word, value)
    blocks[0] = bytes(damaged)


@pytest.mark.parametrize(
    "text", [GROWN, GROWN[:90], 'zap z micro\nadd z "a"\n'], ids=["grown", "small", "micro"]
)
def test_a_healthy_object_is_called_so(text: str) -> None:
    assert wrong_structure(blocks_of(text)) == []


def table_of(blocks: list[bytes]) -> tuple[int, list[int]]:
    """The block where the pointer table begins, and its entries."""
    q = memoryview(blocks[0]).cast("Q")
    first = q[L.Q_TBL_BLK]
    raw = b"".join(blocks[first : first + q[L.Q_TBL_NUMBLKS]])
    return first, list(memoryview(raw).cast("Q"))


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        (L.Q_MAGIC, 1, "block 0 is no ZAP's header"),
        (L.Q_TBL_SHIFT, 5, "zt_shift says 32"),
        (L.Q_FREEBLK, 18, "not below zap_freeblk (18)"),
        (L.Q_NUM_LEAFS, 77, "zap_num_leafs is 77"),
        (L.Q_NUM_ENTRIES, 3, "zap_num_entries is 3, leaves have 4"),
    ],
)
def test_damage_of_the_header_is_told(word: int, value: int, said: str) -> None:
    blocks = blocks_of(GROWN)
    header(blocks, word, value)
    assert any(said in text for text in wrong_structure(blocks))


def test_damage_of_the_table_and_of_leaves_is_told() -> None:
    """An entry that leads beyond the object, to a block that is no leaf, and to a leaf of another prefix."""
    for entry, said in (
        (9999, "leads to block 9999: zap_freeblk is"),
        (0, "which is no leaf"),
        (-1, "a leaf of"),
    ):
        blocks = blocks_of(GROWN)
        first, table = table_of(blocks)
        table[0] = table[-1] if entry < 0 else entry
        size = len(blocks[0])
        blocks[first] = struct.pack(f"<{size // 8}Q", *table[: size // 8])
        assert any(said in text for text in wrong_structure(blocks)), said
