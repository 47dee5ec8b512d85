"""A pointer table that grows to the limit must have had to: a growth without end is a failure, no limit."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.failure_under_fault import failure_under

HEADER = "zap z fat key=u64 prehashed leaf_shift=9\n"


@pytest.mark.parametrize(
    "ops",
    [
        "add z 0x0 len=336\n",
        "add z 0x0\nadd z 0x1 len=273\n",
        "add z 0x0\nupdate z 0x0 len=336\n",
    ],
)
def test_an_entry_that_fits_exactly_needs_no_growth(ops: str) -> None:
    """A leaf of 512 bytes has 18 chunks."""
    create = Edit("zap.leaf:entry_create", "if h[L.H_NFREE] < chunks:", "if h[L.H_NFREE] <= chunks:")
    update = Edit("zap.leaf:entry_update", "if h[L.H_NFREE] < delta:", "if h[L.H_NFREE] <= delta:")
    failure = failure_under(update if "update" in ops else create, HEADER + ops)
    assert (failure.signature.kind, failure.op) == ("oracle", ops.count("\n") - 1)
    assert failure.signature.expression == "a leaf has no room where it has"


@pytest.mark.parametrize("verb", ["add", "update"])
def test_a_table_must_not_grow_for_what_no_leaf_holds(verb: str) -> None:
    fault = Edit("zap.leaf:entry_create", "chunks > geo.chunks", "False")
    failure = failure_under(fault, f"{HEADER}{verb} z 0x0 len=400\n")
    assert failure.signature.expression == "expected E2BIG, got a table that grows"


@pytest.mark.parametrize(
    "ops",
    [
        "add z 0x0\nupdate z 0x0 len=400\n",
        "add z 0x0 len=148\nadd z 0x1 len=148\n",
        "add z 0x0 len=148\nadd z 0x1 len=1\nupdate z 0x1 len=148\n",
    ],
)
def test_growth_that_is_needed_is_a_limit(ops: str) -> None:
    outcome = run(parse(HEADER + ops), ModelTarget("2.3", block_limit=1 << 10))
    assert outcome.limit is not None


def test_entries_of_one_hash_need_it() -> None:
    ops = "".join(f"add z 0x0:0x{number} len=63\n" for number in range(4))
    program = parse("zap z fat key=u64 words=2 prehashed leaf_shift=9\n" + ops)
    assert run(program, ModelTarget("2.3", block_limit=1 << 10)).limit is not None
