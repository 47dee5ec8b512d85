"""What zap_get_stats() counts is what is there."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.failure_under_fault import failure_under

SPLIT = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=80
add z 0x1000000000 len=80
stats z
add z 0x8000000000000000 len=100
stats z
"""
SEVERAL_TABLE_BLOCKS = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x8000000000000000 len=148
add z 0x0 len=148
add z 0x0100000000000000 len=148
add z 0x0080000000000000 len=148
stats z
"""

FAULTS = {
    "only the first entry of a chain": Edit(
        "zap.stats:_leaf_stats", "            chunks[_bin(1 +", "            chunks[0 if length else _bin(1 +"
    ),
    "the number of leaves for that of blocks": Edit(
        "zap.stats:_fat_stats", "        q[L.Q_FREEBLK],\n", "        q[L.Q_NUM_LEAFS],\n"
    ),
    "the shift for the table's length": Edit(
        "zap.stats:_fat_stats", "        1 << q[L.Q_TBL_SHIFT],\n", "        q[L.Q_TBL_SHIFT],\n"
    ),
    "a leaf once for each pointer": Edit("zap.stats:_table_stats", "        last = block\n", ""),
    "a leaf that has entries": Edit(
        "zap.stats:_leaf_stats",
        "    entries[_bin(h[L.H_NENTRIES] // 5)] += 1\n",
        "    entries[_bin(h[L.H_NENTRIES] // 5)] += h[L.H_NENTRIES] < 2\n",
    ),
    "as many pointers as a deep leaf has": Edit(
        "zap.stats:_leaf_stats", "- h[L.H_PREFIX_LEN]", "+ h[L.H_PREFIX_LEN]"
    ),
    "a chain without its first entry": Edit(
        "zap.stats:_leaf_stats", "buckets[_bin(length)] += 1", "buckets[_bin(max(length - 1, 0))] += 1"
    ),
    "only buckets in use": Edit(
        "zap.stats:_leaf_stats", "buckets[_bin(length)] += 1", "buckets[_bin(length)] += length > 0"
    ),
    "entries one by one": Edit("zap.stats:_leaf_stats", "h[L.H_NENTRIES] // 5", "h[L.H_NENTRIES]"),
    "free bytes for those that are full": Edit(
        "zap.stats:_leaf_stats",
        "geo.size - h[L.H_NFREE] * (L.ARRAY_BYTES + 1)",
        "h[L.H_NFREE] * (L.ARRAY_BYTES + 1)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(fault: Edit) -> None:
    failure = failure_under(fault, SPLIT)
    assert (failure.signature.kind, failure.signature.place) == ("oracle", "zap:stats")


def test_leaf_in_two_blocks_of_the_table_counts_twice() -> None:
    """As OpenZFS has it: no fault of the model, and none of the judge."""
    seen: list[object] = []
    program = parse(SEVERAL_TABLE_BLOCKS)
    outcome = run(program, ModelTarget("2.3"), trace=lambda index, op, result: seen.append(result.value))
    assert outcome.fine
    numbers = seen[-1]
    assert isinstance(numbers, tuple)
    assert sum(numbers[13:23]) > numbers[10]
