"""An op that does nothing and says that it did is seen at once, though no block has changed."""

from __future__ import annotations

import pytest

from fuzz.faults.edits import Edit
from tests.support.failure_under_fault import failure_under

REMOVED = 'add z "a" int=8\nremove z "a"\n'
ADDED = 'add z "a" int=8\nadd z "b" int=8\n'

LOST_REMOVE = Edit(
    "zap:remove_norm",
    "    try:\n        code",
    "    if match == 0:\n        unlock(zap, FTAG)\n        return\n    try:\n        code",
)
LOST_ADD = Edit(
    "zap:_add_impl",
    "    _write(",
    "    if key == b'b':\n        return\n    _write(",
)


@pytest.mark.parametrize("header", ["zap z micro\n", "zap z fat hash64\n"])
@pytest.mark.parametrize(("ops", "fault"), [(REMOVED, LOST_REMOVE), (ADDED, LOST_ADD)], ids=["remove", "add"])
def test_is_seen_at_once(header: str, ops: str, fault: Edit) -> None:
    failure = failure_under(fault, header + ops)
    assert failure.signature.place == "zap:entries"
    assert failure.op == ops.count("\n") - 1


@pytest.mark.parametrize("op", ["update z 0x1 fill=0x2", "increment z 0x1"])
def test_a_value_that_stays_is_seen_at_once(op: str) -> None:
    """The entry of the key that an op names is looked at, even where no block has changed."""
    fault = Edit("zap.fat:_write", "leaves.entry_update(leaf, entry, size, length, value)", "True")
    failure = failure_under(fault, f"zap z fat key=u64 prehashed\nadd z 0x1 int=8 fill=0x1\n{op}\n")
    assert failure.signature.place == "zap:entries"


@pytest.mark.parametrize(
    "more", ["", "add z 0x2\n", "lookup z 0x2\n"], ids=["at the end", "an op later", "looking"]
)
def test_a_refused_op_that_changes_something_is_seen(more: str) -> None:
    """Ops that are refused are not audited at once: what they did is there for the next audit."""
    refused = "                code = errno.EEXIST\n"
    wrong = "                leaves.entry_update(leaf, entry, size, length, value)\n"
    fault = Edit("zap.fat:_write", refused, wrong + refused)
    twice = "add z 0x1 int=8 fill=0x1\nadd z 0x1 int=8 fill=0x2\n"
    failure = failure_under(fault, f"zap z fat key=u64 prehashed\n{twice}{more}")
    assert failure.signature.place == "zap:entries"
