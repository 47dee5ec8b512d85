"""The end of a pointer table within reach: a header that says how many bits hashes have, on both sides alike.

The real library is told by a zap_hashbits() that stands before its own (fuzz/targets/libzpool/hash_bits.c):
all that follows from its answer is OpenZFS's own code. Protects that model and library agree there on results
and on every byte.
"""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.whole_language import whole_language_program
from fuzz.judge.wrong_answers import WIDENED
from fuzz.language.syntax import load, parse
from fuzz.language.validate import HASH_BITS
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many
from tests.support.paths import CORPUS

Make = Callable[..., LibzpoolTarget]
RELEASES = ("2.1", "2.3", "2.4")


def both(libzpool: Make, release: str) -> BothTarget:
    return BothTarget(ModelTarget(release, block_limit=1 << 10), libzpool(release))


@pytest.mark.parametrize("release", RELEASES)
def test_add_is_refused_where_no_table_can_part_two_entries(libzpool: Make, release: str) -> None:
    """Also after the pool was exported and imported; and once the other entry is gone there is room."""
    target = both(libzpool, release)
    program = load(CORPUS / "seeds" / "table-end.zap")
    assert run(program, target).fine
    refused = [
        op.verb
        for op, (result, _) in zip(program.ops, target.steps, strict=True)
        if result.errno == errno.ENOSPC
    ]
    assert refused == ["add", "add", "touch"]


def test_an_update_at_the_end_of_the_table_puts_its_leaf_twice_in_2_1(libzpool: Make) -> None:
    """136c053211 repaired it; before, fzap_update() lets go of a leaf that zap_expand_leaf() has put
    already."""
    head = "zap z fat key=u64 prehashed leaf_shift=9 hash_bits=8\n"
    program = parse(f"{head}add z 0x0 len=148\nadd z 0x1\nupdate z 0x1 len=148\n")
    for release in RELEASES:
        outcome = run(program, both(libzpool, release))
        if release == "2.1":
            assert str(outcome) == "assertion dbuf.c:dbuf_verify_user holds >= db->db_dirtycnt"
        else:
            assert outcome.fine


@pytest.mark.parametrize("release", RELEASES)
@few_and_many(20, 100)
def test_random_programs_with_hashes_of_few_bits(libzpool: Make, release: str, count: int) -> None:
    """All kinds of ZAPs: colliding hashes, small tables, serialized cursors of other widths. A known wrong
    value is let pass; what both die of alike is no difference."""
    target, rng = both(libzpool, release), Random(f"few hash bits {release}")
    refused = 0
    for _ in range(count):
        program = whole_language_program(rng)
        few = tuple(zap._replace(hash_bits=rng.choice((0, *HASH_BITS[:5]))) for zap in program.zaps)
        program = dataclasses.replace(program, zaps=few)
        outcome = run(program, target, forgive=lambda failure: failure.signature.expression == WIDENED)
        kind = outcome.failure.signature.kind if outcome.failure is not None else ""
        assert kind not in ("difference", "oracle"), outcome.failure
        refused += sum(result.errno == errno.ENOSPC for result, _ in target.steps)
    assert refused, "the end of the table was not reached"


def test_programs_without_it_run_as_before_in_the_same_worker(libzpool: Make) -> None:
    """Once a worker has the other zap_hashbits(), it still asks the real one for all other ZAPs."""
    real = libzpool("2.3")
    plain = parse("zap z fat key=u64 prehashed\nadd z 0x1234567000000000\ncursor c z\nnext c\nserialize c\n")
    few = dataclasses.replace(plain, zaps=(plain.zaps[0]._replace(hash_bits=8),))
    places = [real.run_program(program)[-1].value for program in (plain, few, plain)]
    assert places == [0x1234567, 0x12, 0x1234567]
    many = [outcome for _, outcome in real.run_many([plain, few] * 3)]
    assert [isinstance(outcome, list) and outcome[-1].value for outcome in many] == places[:2] * 3
