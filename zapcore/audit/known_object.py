"""What an auditor remembers of one object from its last look at it."""

from __future__ import annotations

from collections.abc import Iterable

from zapcore.audit.micro_slots import Slots
from zapcore.verify.changed_leaf import WalkedLeaf
from zapcore.verify.leaf_report import LeafEntry, LeafReport


class Known:
    """What an auditor remembers of one object from its last look at it.

    `header` has the bytes of the header block, `q` the same as 64-bit words; `table` has the entries of the
    pointer table, `table_bytes` its blocks. `raw` has each leaf's bytes, `leaves` what they hold, both by
    block number, and `walked` the large ones of them as they are read after small changes. `total` is the
    number of entries in all leaves, and `by_name` has each of these entries by its name as stored. `slots`
    has the entries of a micro ZAP.

    `gone` has the differentiators of entries that were found to be no longer where they had been, by name.
    `destroyed` is how many locks of the world had been destroyed by then. `hash_bits` is how many bits the
    object's hashes have, 0 for as many as its flags say.
    """

    __slots__ = (
        *("by_name", "destroyed", "gone", "hash_bits", "header", "leaves", "q", "raw", "slots", "table"),
        *("table_bytes", "total", "walked"),
    )

    def __init__(self, lower_case: bool, hash_bits: int = 0) -> None:
        self.hash_bits = hash_bits
        self.header: bytes = b""
        self.q = memoryview(b"")
        self.table_bytes: list[bytes] = []
        self.table: list[int] = []
        self.raw: dict[int, bytes] = {}
        self.leaves: dict[int, LeafReport] = {}
        self.by_name: dict[bytes, LeafEntry] = {}
        self.gone: dict[bytes, int] = {}
        self.total = 0
        self.walked: dict[int, WalkedLeaf] = {}
        self.slots = Slots(lower_case, hash_bits)
        self.destroyed = 0

    def block_of(self, entry: LeafEntry) -> int:
        """The block number of the leaf that has an entry."""
        return next(
            blkid for blkid, leaf in self.leaves.items() if any(each is entry for each in leaf.entries)
        )

    def not_noted(self, entries: Iterable[LeafEntry]) -> list[LeafEntry]:
        """Those of these entries that are new or changed since they were noted in `by_name`."""
        there = self.by_name.get
        return [entry for entry in entries if there(entry.name) != entry]

    def drop(self, entries: Iterable[LeafEntry]) -> None:
        """Note that these entries are no longer where they were. Called before new and changed entries are
        noted."""
        for entry in entries:
            if self.by_name.get(entry.name) == entry:
                del self.by_name[entry.name]
                self.gone[entry.name] = entry.cd
