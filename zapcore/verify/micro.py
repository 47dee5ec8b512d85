"""What must hold of a micro ZAP's block, whatever its bytes are (mzap_phys_t, mzap_ent_phys_t in
include/sys/zap_impl.h): no bytes make this raise or loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zapcore import layout as L
from zapcore.verify.invariants import Violation
from zapcore.verify.name_hash import hash_of_key
from zapcore.zap.norm import forms_of

MAX_CD = 0xFFFF
"""The largest differentiator of a micro ZAP: mze_insert() asserts that none is larger."""


class MicroEntry(NamedTuple):
    """An entry of a micro ZAP, in a slot. `hash` is None if its name has no normal form."""

    slot: int
    name: bytes
    hash: int | None
    cd: int
    value: int


class MicroReport(NamedTuple):
    """What a micro ZAP holds, and what is wrong with it."""

    entries: list[MicroEntry]
    violations: list[Violation]


def check_micro(raw: bytes, lower_case: bool, hash_bits: int = 0) -> MicroReport:
    """Check a micro ZAP's block, its size a multiple of 64 bytes. Never raises."""
    entries: list[MicroEntry] = []
    violations = list(header_violations(raw))
    _, salt, normflags, _ = L.MICRO_HEADER.packing.unpack_from(raw)
    norm = forms_of(normflags, lower_case)
    for slot in range(L.slots_of(len(raw))):
        content = raw[L.slot_offset(slot) : L.slot_offset(slot + 1)]
        violations += slot_violations(content, slot)
        value, cd, _, name = L.MICRO_SLOT.packing.unpack(content)
        name = name.split(b"\0", 1)[0]
        if name:
            hashed = hash_of_key(name, salt, 0, norm, hash_bits)
            entries.append(MicroEntry(slot, name, hashed, cd, value))
    violations += _uniqueness(entries)
    return MicroReport(entries, violations)


def header_violations(raw: bytes) -> Iterator[Violation]:
    """The violations in the first 64 bytes of a block, the header."""
    kind, _, norm, padding = L.MICRO_HEADER.packing.unpack_from(raw)
    if kind != L.ZBT_MICRO:
        yield Violation("header", 0, "mz_block_type", f"{kind:#x}, not {L.ZBT_MICRO:#x}")
    if norm & ~L.KNOWN_NORMFLAGS:
        yield Violation("header", 0, "mz_normflags", f"{norm:#x}")
    if any(padding):
        yield Violation("unused", 0, "mz_pad", "not zero")


def slot_violations(raw: bytes, slot: int) -> Iterator[Violation]:
    """The violations in the 64 bytes of a slot."""
    _, cd, padding, room = L.MICRO_SLOT.packing.unpack(raw)
    name, end, rest = room.partition(b"\0")
    if not name:
        if any(raw):
            yield Violation("unused", 0, "mze_*", "a slot without name is not zero", slot)
        return
    if not end:
        yield Violation("name", 0, "mze_name", f"no NUL in {L.MICRO_NAME_LEN} bytes", slot)
    if any(rest):
        yield Violation("unused", 0, "mze_name", "not zero behind the name's NUL", slot)
    if padding:
        yield Violation("unused", 0, "mze_pad", "not zero", slot)
    if cd > MAX_CD:
        yield Violation("differentiator", 0, "mze_cd", f"{cd:#x}, larger than {MAX_CD:#x}", slot)


def _uniqueness(entries: list[MicroEntry]) -> Iterator[Violation]:
    """The violations where a name is there twice, or where two names of the same hash have the same
    differentiator."""
    names: dict[bytes, int] = {}
    places: dict[tuple[int, int], int] = {}
    for entry in entries:
        first = names.setdefault(entry.name, entry.slot)
        if first != entry.slot:
            yield Violation("slot", 0, "mze_name", f"{entry.name!r} is in slot {first} too", entry.slot)
        if entry.hash is None:
            continue
        first = places.setdefault((entry.hash, entry.cd), entry.slot)
        if first != entry.slot:
            found = f"{entry.cd}, as slot {first} of the same hash {entry.hash:#x}"
            yield Violation("differentiator", 0, "mze_cd", found, entry.slot)
