"""Serialized cursors: the place that one names is its own, and one that starts there begins there."""

from __future__ import annotations

import pytest

from fuzz.edits import Edit
from tests.seeded import failure_under

ONE_HASH = """
zap z fat key=u64 words=2 prehashed hash64
add z 0x1230000000000000:0x1
add z 0x1230000000000000:0x2
cursor c z
next c
serialize c
next c
serialize c
"""
FROM_THE_SECOND_HALF = """
zap z fat key=u64 prehashed hash64
add z 0x1000000000000000
add z 0xf000000000000000
cursor c z from=0x800000000000
next c
next c
"""

RESUMED = """
zap z fat key=u64 prehashed hash64
add z 0x1000000000000000
cursor c z
next c
serialize c
cursor d z from=0x100000000000
next d
"""

FAULTS = {
    "a cursor begins behind its place": (
        RESUMED,
        Edit("zap.cursor:Cursor._start", "(self.cd + (self.serialized", "(self.cd + 1 + (self.serialized"),
        "zap:next",
    ),
    "places of two entries of one hash are the same": (
        ONE_HASH,
        Edit("zap.cursor:Cursor.serialize", " | (self.cd << zap.hash_bits) & U64", ""),
        "zap:serialize",
    ),
    "a place names another hash": (
        ONE_HASH,
        Edit("zap.cursor:Cursor.serialize", "self.hash >> (64 - zap.hash_bits)", "self.hash >> 36"),
        "zap:serialize",
    ),
    "a place of 48 bits is taken for one of 28: too early": (
        FROM_THE_SECOND_HALF,
        Edit("zap.cursor:Cursor._start", "self.serialized << (64 - zap.hash_bits)", "self.serialized << 36"),
        "zap:next",
    ),
    "a place is taken for a later one": (
        FROM_THE_SECOND_HALF,
        Edit(
            "zap.cursor:Cursor._start", "<< (64 - zap.hash_bits)) & U64", "<< (64 - zap.hash_bits)) * 2 - 1"
        ),
        "zap:next",
    ),
}


@pytest.mark.parametrize(("text", "fault", "place"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(text: str, fault: Edit, place: str) -> None:
    failure = failure_under(fault, text)
    assert (failure.signature.kind, failure.signature.place) == ("oracle", place)
