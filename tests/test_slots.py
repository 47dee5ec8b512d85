"""Protects what the auditor knows of a micro ZAP: kept from op to op by the slots that have changed, it is
what a look at every slot would say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zapcore.slots import Place, Slots
from zapcore.zap import micro

NAMES = st.sampled_from((b"", b"a", b"b", b"c", b"n" * (micro.NAME_LEN - 1)))
WRITES = st.lists(st.tuples(st.integers(0, 200), NAMES, st.integers(0, 2), st.integers(0, 2)), max_size=6)


def with_entry(block: bytes, slot: int, name: bytes, cd: int, value: int) -> bytes:
    """The block with something else in a slot."""
    at = micro.slot_offset(slot)
    entry = value.to_bytes(8, "little") + cd.to_bytes(4, "little") + bytes(2) + name
    return block[:at] + entry.ljust(micro.SLOT, b"\0") + block[at + micro.SLOT :]


@given(steps=st.lists(st.tuples(st.sampled_from((512, 4096, 8192, 16384)), WRITES), min_size=1, max_size=8))
def test_looks_that_follow_each_other_know_what_a_first_look_sees(
    steps: list[tuple[int, list[tuple[int, bytes, int, int]]]],
) -> None:
    kept, block = Slots(), b""
    for size, writes in steps:
        block = block[:size].ljust(size, b"\0")
        for slot, name, cd, value in writes:
            block = with_entry(block, slot % (size // micro.SLOT - 1), name, cd, value)
        before = dict(kept.places)
        twice, fresh = kept.look(block), Slots()
        assert (twice is None) == (fresh.look(block) is None)
        if twice is not None:
            return
        assert kept.places == fresh.places
        assert kept.come.keys() | kept.gone.keys() >= {
            name for name in before.keys() | kept.places.keys() if before.get(name) != kept.places.get(name)
        }
        assert before.items() >= kept.gone.items()


@pytest.mark.parametrize("slot", [0, 63, 64, 2046])
def test_one_slot_among_two_thousand_is_noticed(slot: int) -> None:
    slots, block = Slots(), bytes(1 << 17)
    slots.look(block)
    slots.look(with_entry(block, slot, b"name", 1, 7))
    assert slots.come == {b"name": Place(slot, 1, (7).to_bytes(8, "little"))}
    slots.look(block)
    assert (list(slots.gone), slots.places) == ([b"name"], {})
