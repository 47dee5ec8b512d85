"""What a library makes of blocks that a machine of the other byte order has written: `python -m
fuzz.targets.libzpool.byte_order LIBRARY`.

The DMU turns a block around when it reads it (zap_byteswap), and what is in memory from then on is as
always. So no program has such blocks. Here the blocks of random programs on the model are turned by the
model's own tables, field by field, and the library must turn them back. It runs in a process of its own:
what it takes for a damaged block ends the process.

Prints a line of JSON for each kind of block that is not the same, the first of it, and one that counts what
was turned.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import random_program
from fuzz.generate.names_and_directories import names_program
from fuzz.generate.whole_language import whole_language_program
from fuzz.language.printing import format_program
from fuzz.language.program import Program
from fuzz.targets.first_difference import first_difference
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.model.target import ModelTarget
from zapcore.byteorder import swap_leaf, swap_micro, swap_words
from zapcore.layout import HEADER, ZBT_HEADER, ZBT_LEAF, ZBT_MICRO

PROGRAMS = 60
AS_A_LEAF = 128
"""The first entry of a block of the pointer table that, turned around, is the type of a leaf: fzap_byteswap()
takes that block for one, in every release."""
_KINDS = {ZBT_HEADER: "header", ZBT_LEAF: "leaf", ZBT_MICRO: "micro"}
_TABLE = "table"
_WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "header": swap_words,
    "leaf": swap_leaf,
    "micro": swap_micro,
    _TABLE: swap_words,
}
"""How the other machine writes a block that is so here."""


class Block(NamedTuple):
    """A block as it is in memory: of which program and ZAP, its number, and its kind in a word."""

    program: Program
    zap: str
    blkid: int
    kind: str
    raw: bytes


def blocks() -> Iterator[Block]:
    """The blocks that random programs leave, each object's as far as it goes."""
    model = ModelTarget(block_limit=1 << 10)
    for number in range(PROGRAMS):
        rng = Random(number)
        draw = (random_program, whole_language_program, lambda each: names_program(each, model))[number % 3]
        program = draw(rng)
        run(program, model)
        for zap in program.zaps:
            for blkid, raw in enumerate(model.blocks(zap.name) or ()):
                first = HEADER.read(raw, "zap_block_type")
                if any(raw) and first != AS_A_LEAF:
                    yield Block(program, zap.name, blkid, _KINDS.get(first, _TABLE), raw)


def turner(library: Path) -> Callable[[bytes], bytes]:
    """The library's zap_byteswap()."""
    swap = Library(library).handle.zap_byteswap
    swap.argtypes, swap.restype = [ctypes.c_void_p, ctypes.c_size_t], None

    def turned(block: bytes) -> bytes:
        copy = ctypes.create_string_buffer(block, len(block))
        swap(ctypes.addressof(copy), len(block))
        return copy.raw

    return turned


def main() -> None:
    """See above."""
    turned = turner(Path(sys.argv[1]))
    met: Counter[str] = Counter()
    wrong: set[str] = set()
    for block in blocks():
        met[block.kind] += 1
        back = turned(_WRITERS[block.kind](block.raw))
        if back == block.raw or block.kind in wrong:
            continue
        wrong.add(block.kind)
        before = [bytes(len(back))] * block.blkid  # where a block stands says what may be in it
        text = f"turned around, {block.zap}: {first_difference([*before, block.raw], [*before, back])}"
        told = {"kind": block.kind, "text": text, "program": format_program(block.program)}
        print(json.dumps(told), flush=True)  # the next block may be the last
    print(json.dumps({"met": met}))


if __name__ == "__main__":
    main()
