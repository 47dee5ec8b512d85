"""Protects what the project says of pools that a machine of the other byte order has written: the DMU turns a
block when it reads it, and what is in memory and what is written from then on is as always.

So all that can differ is whether zap_byteswap() turns each block into the one that was there. It does, but
for one kind: a block of the pointer table whose first entry leads to block 128 is taken for a leaf."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from random import Random

import pytest

from fuzz.language.program import Op, Program, Zap
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.libzpool.locate import python_for
from fuzz.targets.model.target import ModelTarget
from zapcore.layout import HEADER

Make = Callable[..., LibzpoolTarget]

REAL = """
import ctypes, sys
from collections import Counter
from pathlib import Path
from random import Random
from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import random_program
from fuzz.generate.whole_language import whole_language_program
from fuzz.targets.libzpool.abi import Library
from fuzz.targets.model.target import ModelTarget
from zapcore.byteorder import swap_leaf, swap_micro, swap_words
from zapcore.layout import HEADER, ZBT_HEADER, ZBT_LEAF, ZBT_MICRO
library = Library(Path(sys.argv[1]))
swap = library.handle.zap_byteswap
swap.argtypes, swap.restype = [ctypes.c_void_p, ctypes.c_size_t], None
def read_again(foreign):
    block = ctypes.create_string_buffer(foreign, len(foreign))
    swap(ctypes.addressof(block), len(foreign))
    return block.raw
if len(sys.argv) > 2:
    table = b"".join(each.to_bytes(8, "big") for each in (int(sys.argv[2]), *range(2, 65)))
    print(read_again(table) == swap_words(table))
    sys.exit()
WRITERS = {ZBT_HEADER: swap_words, ZBT_LEAF: swap_leaf, ZBT_MICRO: swap_micro}
NAMES = {ZBT_HEADER: "header", ZBT_LEAF: "leaf", ZBT_MICRO: "micro"}
met, model = Counter(), ModelTarget(block_limit=1 << 10)
for number in range(60):
    rng = Random(number)
    program = (random_program if number % 2 else whole_language_program)(rng)
    run(program, model)
    for zap in program.zaps:
        for block in model.blocks(zap.name) or ():
            kind = HEADER.read(block, "zap_block_type")
            if any(block) and kind != 128:
                assert read_again(WRITERS.get(kind, swap_words)(block)) == block, (number, kind)
                met[NAMES.get(kind, "table")] += 1
print(*sorted(met))
"""
"""What the real zap_byteswap() makes of blocks that a big-endian machine would have written, in a process of
its own: two libraries do not go into one, and one of them dies."""


def real(target: LibzpoolTarget, *arguments: str) -> subprocess.CompletedProcess[str]:
    library = target.library
    command = [*python_for(library), "-c", REAL, str(library), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_every_block_is_read_as_it_was_written(libzpool: Make, release: str) -> None:
    done = real(libzpool(release))
    assert done.stdout == "header leaf micro table\n", done.stderr


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_table_that_begins_with_block_128_is_taken_for_a_leaf(libzpool: Make, release: str) -> None:
    """Read on a machine of the other byte order, or received there, it ends the kernel."""
    for other in ("127", "129"):
        assert real(libzpool(release), other).stdout == "True\n"
    died = real(libzpool(release), "128")
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
