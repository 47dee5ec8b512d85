"""Faults of the model that an adversary thought of and no judge saw at first; each is seen now."""

from __future__ import annotations

import pytest

from fuzz.edits import Edit
from tests.seeded import failure_under

FAT = "zap z fat key=u64 prehashed hash64 leaf_shift=9\n"
GROWN = FAT + "add z 0x0 len=180\nadd z 0x200000000000000 len=180\nadd z 0x8000000000000000\n"
FOUR = "".join(f"add z {key}000000000000000 len=180\n" for key in ("0x0", "0x8", "0xc", "0x4"))
PLACE = FAT + "add z 0x1000000000000000\ncursor c z\nnext c\nserialize c\ncursor d z from=0x100000000000\n"
FAULTS = {
    "of the old table only one block is freed": (
        "zap:hole",
        GROWN + "sync\n",
        Edit(
            "zap.ptrtbl:_table_grow",
            "zap.dnode.free_range(q[L.Q_TBL_BLK], blocks, tx)",
            "zap.dnode.free_range(q[L.Q_TBL_BLK], 1, tx)",
        ),
    ),
    "what an older txg has freed is read from disk": (
        "zap:hole",
        FAT + FOUR + "sync\nevict\nremove z 0xc000000000000000\nremove z 0x8000000000000000\ntxg\n"
        "remove z 0x4000000000000000\nremove z 0x0\n",
        Edit(
            "dmu.dnode:Dnode.block_freed",
            "any(blkid in freed for freed in self.free_ranges.values())",
            "blkid in self.free_ranges.get(max(self.free_ranges, default=0), ())",
        ),
    ),
    "a last block that comes again does not lengthen the object": (
        "zap:on-disk",
        FAT + "add z 0x0 len=180\nadd z 0x8000000000000000 len=180\nsync\nremove z 0x8000000000000000\n"
        "remove z 0x0\nsync\nadd z 0x0 len=180\nadd z 0x8000000000000000 len=180\nsync\n",
        Edit("dmu.dbuf:Dbuf.sync", "if self.blkid > dnode.stable_max_blkid:", "if False:"),
    ),
    "a cursor that has not begun forgets its place": (
        "zap:serialize",
        FAT + "add z 0x0\ncursor c z from=0x1234\nserialize c\n",
        Edit("zap.cursor:Cursor.serialize", "return self.serialized", "return 0"),
    ),
    "a cursor that is sent on from a place forgets that": (
        "zap:next",
        PLACE + "advance d\nnext d\n",
        Edit("zap.cursor:Cursor._start", "(self.cd + (self.serialized", "((self.serialized"),
    ),
    "a cursor begins behind its place": (
        "zap:next",
        PLACE + "next d\n",
        Edit("zap.cursor:Cursor._start", "(self.cd + (self.serialized", "(self.cd + 1 + (self.serialized"),
    ),
    "a socket is taken for a directory": (
        "zap:unlink",
        'zap d micro leaf_shift=9\nadd d "s" int=8 fill=0xc000000000000001\nunlink d "s"\n',
        Edit(
            "zpl:is_directory",
            "value >> KIND_SHIFT == KIND_DIRECTORY",
            "bool(value >> KIND_SHIFT & KIND_DIRECTORY)",
        ),
    ),
    "the longest name is too long": (
        "zap:add",
        f'zap d micro leaf_shift=14\nadd d "{"n" * 1023}"\n',
        Edit("zap.fat:_check_name", "(LONG_NAME if long", "(LONG_NAME - 1 if long"),
    ),
}


@pytest.mark.parametrize(("place", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(place: str, text: str, fault: Edit) -> None:
    assert failure_under(fault, text).signature.place == place
