"""What an auditor remembers of a micro ZAP, and what one op on it may have changed.

A block may have two thousand slots, and an op writes one of them. So only the slots whose bytes have changed
since the last look are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from zapcore import layout as L
from zapcore.audit.expected_entries import Value, wrong_total
from zapcore.verify.changed_pieces import changed_pieces
from zapcore.verify.invariants import Violation
from zapcore.verify.micro import header_violations, slot_violations
from zapcore.verify.name_hash import hash_of_key
from zapcore.zap import micro
from zapcore.zap.name import Key
from zapcore.zap.norm import forms_of

_VALUE = L.MICRO_SLOT.span("mze_value", "mze_value")


class Place(NamedTuple):
    """Where an entry is: its slot, its differentiator and its value as stored, and the hash of its name (None
    if the name has no normal form)."""

    slot: int
    cd: int
    value: bytes
    hash: int | None


class Slots:
    """The entries of a micro ZAP, as its block had them at the last look.

    `places` has all of them by name. `gone` has those that the last look did not find as they had been, as
    they had been; `come` has those that it found new or changed.
    """

    __slots__ = ("_hash_bits", "_lower_case", "_taken", "block", "come", "gone", "places")

    def __init__(self, lower_case: bool, hash_bits: int = 0) -> None:
        """`lower_case` is the release's, `hash_bits` the object's (0: as a micro ZAP has them)."""
        self._hash_bits = hash_bits
        self._lower_case = lower_case
        self._taken: dict[tuple[int | None, int], bytes] = {}
        self.block = b""
        self.places: dict[bytes, Place] = {}
        self.gone: dict[bytes, Place] = {}
        self.come: dict[bytes, Place] = {}

    def look(self, block: bytes) -> Violation | None:
        """Look at the block, which has changed. Returns the first violation that the changed bytes show."""
        before, self.block = self.block, block
        places, taken = self.places, self._taken
        changed = _changed(before, block)
        self.gone = {
            name: places.pop(name) for slot in changed if (name := micro.slot_name(before, slot)) in places
        }
        for place in self.gone.values():
            taken.pop((place.hash, place.cd), None)
        self.come = {}
        if before[: L.MICRO_HEADER_SIZE] != block[: L.MICRO_HEADER_SIZE]:
            for violation in header_violations(block):
                return violation
        q = memoryview(block).cast("Q")
        salt, norm = q[L.Q_MZ_SALT], forms_of(q[L.Q_MZ_NORMFLAGS], self._lower_case)
        for slot in changed:
            entry = block[L.slot_offset(slot) : L.slot_offset(slot + 1)]
            if not entry:
                continue  # the block was larger at the last look, and has this slot no longer
            for violation in slot_violations(entry, slot):
                return violation
            name = micro.slot_name(block, slot)
            if not name:
                continue
            if name in places:
                return Violation("entries", 0, f"slot {slot}", f"{name!r} twice")
            hashed = hash_of_key(name, salt, 0, norm, self._hash_bits)
            cd = L.MICRO_SLOT.read(entry, "mze_cd")
            places[name] = self.come[name] = Place(slot, cd, entry[_VALUE], hashed)
            if hashed is not None and taken.setdefault((hashed, cd), name) != name:
                found = f"{cd}, as {taken[hashed, cd]!r} of the same hash"
                return Violation("differentiator", 0, "mze_cd", found, slot)
        return None

    def wrong_entry(self, entries: Mapping[Key, Value], keys: Iterable[Key] | None) -> Violation | None:
        """The violation if the entries are not those that the oracle says. Looked at are the entries that the
        last look found new or changed, those of `keys` (of all keys if it is None), and how many there
        are."""
        places = self.places
        for key in (*self.come, *(entries if keys is None else keys)):
            there = places.get(key) if isinstance(key, bytes) else None
            wanted = entries.get(key)
            stored = None if there is None else there.value
            if stored != (None if wanted is None else wanted.data):
                return Violation("entries", 0, "slots", f"{key!r} is not what was put there")
        return wrong_total(len(places), entries)

    def wrong_step(self, size: int, key: Key) -> Violation | None:
        """The violation if one op on `key` has done what no op may do. The block had `size` bytes before it.

        The block may grow only if every slot is taken and an entry may come (zap_micro.c, zap_lockdir_impl).
        Other names stay in their slots and keep their differentiators. A new entry gets the lowest
        differentiator that is free for its hash (mze_find_unused_cd).
        """
        gone, come = self.gone, self.come
        taken, slots = len(self.places) + len(gone) - len(come), L.slots_of(size)
        if len(self.block) > size and (taken < slots or key in gone.keys() - come.keys()):
            found = f"{len(self.block)} bytes, with {taken} of {slots} slots taken"
            return Violation("grown", 0, "block", found)
        for name in come:
            if name != key and name in gone and gone[name][:2] != come[name][:2]:
                found = f"{come[name].cd} in slot {come[name].slot}, was {gone[name].cd}"
                return Violation("moved", 0, "mze_cd", found, gone[name].slot)
        if key in come and key not in gone:
            slot, cd, _, hashed = come[key]
            if hashed is not None and any((hashed, lower) not in self._taken for lower in range(cd)):
                return Violation("lowest", 0, "mze_cd", f"{cd}, and a lower one is free", slot)
        return None


def _changed(before: bytes, after: bytes) -> list[int]:
    """The slots whose bytes are not the same in both blocks, including slots that only one of the blocks
    has."""
    first, size = L.MICRO_HEADER_SIZE, L.SLOT_SIZE
    shorter, longer = sorted((max(len(before), first), max(len(after), first)))
    changed = [*changed_pieces(before, after, first, shorter, size), *range(shorter, longer, size)]
    return [(at - first) // size for at in changed]
