"""The truth: the model and the real library do the same, op by op and byte by byte.

Random programs of every shape run on both; after every op the errno, the value and every block of every ZAP
must be equal. Seconds in `make test`, half a minute in the slow tests; ZAPFUZZ_DIFF_SECONDS says otherwise.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.faults.seeded import MUTANTS, Mutant
from fuzz.generate.leaf_programs import Parameters, random_program
from fuzz.language.syntax import format_program, parse
from fuzz.targets.both import BothTarget
from fuzz.targets.first_difference import first_difference
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.programs.structure_changing_programs import biased_program

Make = Callable[..., LibzpoolTarget]

SECONDS = float(os.environ.get("ZAPFUZZ_DIFF_SECONDS", "4"))
"""For each release."""

SHAPES = (Parameters(), Parameters(min_ops=1, max_ops=500, max_keys=40, max_shift=14))


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize("seconds", [SECONDS, pytest.param(30, marks=pytest.mark.slow)])
def test_model_and_library_do_not_differ(libzpool: Make, release: str, seconds: float) -> None:
    """As many programs as the time allows, the same for the same seed."""
    target = BothTarget(ModelTarget(release, block_limit=1 << 10), libzpool(release))
    rng = random.Random(f"{release} {seconds}")
    end = time.monotonic() + seconds
    compared = 0
    while time.monotonic() < end:
        program = random_program(rng, rng.choice(SHAPES))
        outcome = run(program, target, judge=False)
        compared += outcome.ops
        failure = outcome.failure
        assert failure is None or failure.signature.kind != "difference", (
            f"{failure.text}\n{format_program(program)}"
        )
    print(f"{release}: {compared} ops compared, none differs")
    assert compared > 50 * seconds


SPLIT = """zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x8000000000000000 len=148
"""


def test_a_difference_is_told_in_the_words_of_the_format() -> None:
    target = ModelTarget("2.3")
    program = parse(SPLIT)
    run(program, target, judge=False)
    blocks = target.blocks(program.zaps[0].name)
    assert blocks is not None
    assert first_difference(blocks, blocks) is None
    for offset, said in ((56, "zap_freeblk"), (64, "zap_num_leafs")):
        changed = bytearray(blocks[0])
        changed[offset] ^= 1
        found = first_difference(blocks, [bytes(changed), *blocks[1:]])
        assert found is not None and found.startswith("block 0: header, ") and said in found
    leaf = bytearray(blocks[1])
    leaf[80 + 24 * 7 + 22] ^= 2
    found = first_difference(blocks, [blocks[0], bytes(leaf), *blocks[2:]])
    assert found is not None and "chunk 7" in found and "model" in found and "real" in found


LEAKS = ("leaf-block-not-freed", "old-table-not-freed", "freed-buffer-not-cleared")
COMPARED = [mutant for mutant in MUTANTS.values() if mutant.differential or mutant.name in LEAKS]


@pytest.mark.parametrize("mutant", COMPARED, ids=[mutant.name for mutant in COMPARED])
def test_the_comparison_catches_a_wrong_line(libzpool: Make, mutant: Mutant) -> None:
    """Faults that no answer shows, and most no invariant: each within a minute, by the bytes alone."""
    release = mutant.release if mutant.release in ("2.1", "2.3", "2.4") else "2.3"
    target = BothTarget(ModelTarget(release, block_limit=1 << 10), libzpool(release))
    rng = random.Random(mutant.name)
    end = time.monotonic() + 60
    with mutant.applied():
        while time.monotonic() < end:
            outcome = run(biased_program(rng), target, judge=False)
            if outcome.failure is not None and outcome.failure.signature.kind == "difference":
                assert "model" in outcome.failure.text and "real" in outcome.failure.text
                return
    pytest.fail(f"{mutant.wrong}: no difference within a minute")
