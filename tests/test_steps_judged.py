"""Protects what an auditor says of one op's work: faults after which every byte still makes sense."""

from __future__ import annotations

import pytest

from fuzz.edits import Edit
from tests.seeded import failure_under

ZAP = "zap z fat key=u64 prehashed leaf_shift=9\n"
DEEP = ZAP + "".join(f"add z {key:#x} len=180\n" for key in (0, *(1 << 63 - bit for bit in range(7))))
"""Each splits the leaf of 0x0, the sixth makes the table leave the header, the last begins a table of four
blocks."""
FAULTS = {
    "a table does not grow ahead of a leaf": (
        "zap:grown",
        DEEP,
        Edit("zap.fat:_put_leaf_maybe_grow", "h[L.H_NFREE] < L.LOW_WATER", "h[L.H_NFREE] < 0"),
    ),
    "a table grows before a leaf asks for it": (
        "zap:grown",
        ZAP + "add z 0x0\nadd z 0x1\n",
        Edit("zap.fat:_put_leaf_maybe_grow", "== shift and", "<= shift and"),
    ),
    "a table that grows waits for a leaf to ask again": (
        "zap:grown",
        DEEP + "update z 0x8000000000000000 len=170\n",
        Edit("zap.fat:_put_leaf_maybe_grow", "if not full and not q[L.Q_TBL_NEXTBLK]:", "if not full:"),
    ),
    "a differentiator is free, but not the lowest": (
        "zap:lowest",
        ZAP + "add z 0x0\nadd z 0x1\n",
        Edit("zap.leaf:_unused_cd", "while cd in used:", "cd += 2 * len(used)\n    while cd in used:"),
    ),
}


@pytest.mark.parametrize(("place", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(place: str, text: str, fault: Edit) -> None:
    failure = failure_under(fault, text)
    assert (failure.signature.kind, failure.signature.place) == ("invariant", place)
