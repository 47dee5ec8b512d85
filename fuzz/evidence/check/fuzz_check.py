"""Raw blocks from Atheris into `check` and `--salvage`: no exception, no hang, no more memory than a bound.

    python -m fuzz.evidence.check.fuzz_check -max_total_time=600 -timeout=10 -rss_limit_mb=500 -max_len=65536

The first byte chooses whether the rest are an object's bytes as they are, or changes to a sound object:
triples of a 16-bit place and a byte, so that damage lies behind valid types and magics.
"""

from __future__ import annotations

import contextlib
import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["zapcore", "fuzz.evidence.check"]):
    from fuzz.evidence.check.files import Blocks, size_of_blocks
    from fuzz.evidence.check.format_report import as_json, as_text
    from fuzz.evidence.check.hex_dump import BadDump, zdb_dump
    from fuzz.evidence.check.not_a_zap import looks_like
    from fuzz.evidence.check.salvaged import as_json as salvage_json
    from fuzz.evidence.check.salvaged import as_lines
    from zapcore.byteorder import swap_leaf, swap_micro, swap_words
    from zapcore.verify.block_kind import kind_of
    from zapcore.verify.leaf import is_leaf
    from zapcore.verify.object import check_object
    from zapcore.verify.salvage import salvage

from fuzz.evidence.check.shapes import SHAPES, sound_object

SEEDS = [b"".join(sound_object(Random(number), 9, SHAPES[number % 4])[1]) for number in range(16)]


def swapped(data: bytes) -> bytes:
    """An object of 512-byte blocks as a big-endian machine would have written it."""
    if kind_of(data[:512], 2) == "micro":
        return swap_micro(data)
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    return b"".join(swap_leaf(block) if is_leaf(block) else swap_words(block) for block in blocks)


SEEDS += [swapped(seed) for seed in SEEDS]


def one(data: bytes) -> None:
    """Check one object, and print the report."""
    if not data:
        return
    if data[0] & 0x80:
        whole = bytearray(data[1:])
    else:
        whole = bytearray(SEEDS[data[0] % len(SEEDS)])
        for at in range(1, len(data) - 2, 3):
            whole[int.from_bytes(data[at : at + 2], "little") % len(whole)] = data[at + 2]
    if not whole:
        return
    raw = bytes(whole)
    blocks = Blocks(raw, size_of_blocks(raw))
    report = check_object(blocks)
    for _ in as_text(report, "fuzzed"):
        pass
    as_json(report, "fuzzed")
    got = salvage(blocks)
    for _ in as_lines(got, "fuzzed"):
        pass
    salvage_json(got, "fuzzed")
    assert "\n" not in looks_like(raw, len(raw))
    with contextlib.suppress(BadDump):
        zdb_dump(raw)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
