"""Protects what the auditor knows of a micro ZAP: kept from op to op by the slots that have changed, it is
what a look at every slot would say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zapcore import layout as L
from zapcore.audit.micro_slots import Place, Slots

NAMES = st.sampled_from((b"", b"a", b"b", b"c", b"n" * (L.MICRO_NAME_LEN - 1)))
HEADER = L.ZBT_MICRO.to_bytes(8, "little").ljust(L.SLOT_SIZE, b"\0")
WRITES = st.lists(st.tuples(st.integers(0, 200), NAMES, st.integers(0, 2), st.integers(0, 2)), max_size=6)


def with_entry(block: bytes, slot: int, name: bytes, cd: int, value: int) -> bytes:
    """The block with something else in a slot; nothing where there is no name."""
    at = L.slot_offset(slot)
    if not name:
        return block[:at] + bytes(L.SLOT_SIZE) + block[at + L.SLOT_SIZE :]
    entry = value.to_bytes(8, "little") + cd.to_bytes(4, "little") + bytes(2) + name
    return block[:at] + entry.ljust(L.SLOT_SIZE, b"\0") + block[at + L.SLOT_SIZE :]


@given(steps=st.lists(st.tuples(st.sampled_from((512, 4096, 8192, 16384)), WRITES), min_size=1, max_size=8))
def test_looks_that_follow_each_other_know_what_a_first_look_sees(
    steps: list[tuple[int, list[tuple[int, bytes, int, int]]]],
) -> None:
    kept, block = Slots(lower_case=True), HEADER
    for size, writes in steps:
        block = block[:size].ljust(size, b"\0")
        for slot, name, cd, value in writes:
            block = with_entry(block, slot % (L.slots_of(size)), name, cd, value)
        before = dict(kept.places)
        wrong, fresh = kept.look(block), Slots(lower_case=True)
        found = fresh.look(block)
        assert (wrong and wrong.invariant) == (found and found.invariant)
        if wrong is not None:
            assert wrong.invariant in ("entries", "differentiator")
            return
        assert kept.places == fresh.places
        assert kept.come.keys() | kept.gone.keys() >= {
            name for name in before.keys() | kept.places.keys() if before.get(name) != kept.places.get(name)
        }
        assert before.items() >= kept.gone.items()


@pytest.mark.parametrize("slot", [0, 63, 64, 2046])
def test_one_slot_among_two_thousand_is_noticed(slot: int) -> None:
    slots, block = Slots(lower_case=True), HEADER.ljust(1 << 17, b"\0")
    assert slots.look(block) is None
    slots.look(with_entry(block, slot, b"name", 0, 7))
    assert slots.come == {b"name": Place(slot, 0, (7).to_bytes(8, "little"), slots.places[b"name"].hash)}
    slots.look(block)
    assert (list(slots.gone), slots.places) == ([b"name"], {})


def test_what_the_bytes_of_a_slot_show_is_seen() -> None:
    block = with_entry(HEADER.ljust(512, b"\0"), 2, b"a", 0, 7)
    for wrong, invariant in (
        (with_entry(block, 4, b"n" * L.MICRO_NAME_LEN, 0, 7), "name"),
        (with_entry(block, 4, b"a", 0, 7), "entries"),
        (block[:-1] + b"x", "unused"),
        (b"x" + block[1:], "header"),
    ):
        slots = Slots(lower_case=True)
        assert slots.look(block) is None
        violation = slots.look(wrong)
        assert violation is not None
        assert violation.invariant == invariant
