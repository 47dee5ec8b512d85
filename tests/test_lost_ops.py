"""An op that does nothing and says that it did is seen at once, though no block has changed."""

from __future__ import annotations

import pytest

from fuzz.edits import Edit
from tests.seeded import failure_under

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
