"""Protects what an auditor says of dbufs: faults that change no byte until a block is given out again."""

from __future__ import annotations

import pytest

from fuzz.faults.edits import Edit
from tests.support.failure_under_fault import failure_under

TWO = "zap z fat key=u64 prehashed leaf_shift=9\nadd z 0x0 len=180\nadd z 0x8000000000000000 len=180\n"
LAST = "if buf is None or buf.anonymous or self.pending_evict:"
FAULTS = {
    "a freed dbuf stays when its last hold goes": (
        "zap:last-hold",
        TWO + "cursor c z\nnext c\nnext c\nremove z 0x0\nremove z 0x8000000000000000\nclose c\n",
        Edit("dmu.dbuf:Dbuf.rele", LAST, "if buf is None or self.pending_evict:"),
    ),
    "an evicted dbuf stays when its last hold goes": (
        "zap:last-hold",
        TWO + "sync\ncursor c z\nnext c\nevict\nclose c\n",
        Edit("dmu.dbuf:Dbuf.rele", LAST, "if buf is None or buf.anonymous:"),
    ),
    "a block that is given out again is still to be freed": (
        "zap:free-ranges",
        TWO
        + "remove z 0x0\nremove z 0x8000000000000000\nadd z 0x0 len=180\nadd z 0x8000000000000000 len=180\n",
        Edit("dmu.dnode:Dnode.unfree", "freed.discard(blkid)", "pass"),
    ),
}


@pytest.mark.parametrize(("place", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(place: str, text: str, fault: Edit) -> None:
    failure = failure_under(fault, text)
    assert (failure.signature.kind, failure.signature.place) == ("invariant", place)
