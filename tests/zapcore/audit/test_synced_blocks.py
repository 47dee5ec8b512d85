"""What a txg writes is what was there when it closed: faults that no answer can show are seen on disk."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.failure_under_fault import failure_under

IN_THREE_TXGS = """
zap z micro leaf_shift=9
cursor c z
next c
add z "a" int=8
txg
add z "b" int=8
txg
add z "c" int=8
finish
finish
finish
"""
DESTROYED_UNDER_A_CURSOR = """
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0
cursor c z
next c
txg
destroy z
finish
finish
"""
CHANGED_AFTER_A_SYNC = """
zap z micro leaf_shift=9
add z "a" int=8
sync
add z "b" int=8
sync
"""

FAULTS = {
    "a third txg changes what the second one is to write": (
        IN_THREE_TXGS,
        Edit(
            "dmu.dbuf:Dbuf.fix_old_data",
            "        self.dirty[0].data = self.buf.copy()\n",
            "        if len(self.dirty) < 2:\n            self.dirty[0].data = self.buf.copy()\n",
        ),
    ),
    "freeing a block clears what an older txg is to write": (
        DESTROYED_UNDER_A_CURSOR,
        Edit("dmu.dbuf:Dbuf.freed", "        self.fix_old_data()\n", "        pass\n"),
    ),
    "a block is written once and never again": (
        CHANGED_AFTER_A_SYNC,
        Edit("dmu.dbuf:Dbuf.sync", "stable[self.blkid] = data", "stable.setdefault(self.blkid, data)"),
    ),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(text: str, fault: Edit) -> None:
    failure = failure_under(fault, text)
    assert failure.signature.place == "zap:on-disk"


def test_object_freed_in_the_txg_that_follows_is_still_written() -> None:
    """The older txg does not know of the free: what it writes is judged until the free has synced."""
    text = """
zap z micro leaf_shift=9
add z "a" int=8
txg
destroy z
txg
finish
finish
create z
sync
"""
    assert run(parse(text), ModelTarget("2.3")).fine
