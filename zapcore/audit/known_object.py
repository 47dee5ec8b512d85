"""What an auditor knows of one object since it last looked."""

from __future__ import annotations

from collections.abc import Iterable

from zapcore.audit.micro_slots import Slots
from zapcore.verify.leaf import LeafEntry, LeafReport


class Known:
    """What an auditor knows of one object since it last looked: `header` and, of each leaf, `raw` are the
    bytes then, `q` the header as words, `total` the entries in all leaves, `by_name` each of them by its
    name as stored, `slots` those of a micro ZAP; `gone` are the differentiators of entries that are no longer
    where they were then, by name; `destroyed` is how many locks had been destroyed."""

    __slots__ = (
        *("by_name", "destroyed", "gone", "header", "leaves", "q", "raw", "slots", "table", "table_bytes"),
        "total",
    )

    def __init__(self, lower_case: bool) -> None:
        self.header: bytes = b""
        self.q = memoryview(b"")
        self.table_bytes: list[bytes] = []
        self.table: list[int] = []
        self.raw: dict[int, bytes] = {}
        self.leaves: dict[int, LeafReport] = {}
        self.by_name: dict[bytes, LeafEntry] = {}
        self.gone: dict[bytes, int] = {}
        self.total = 0
        self.slots = Slots(lower_case)
        self.destroyed = 0

    def block_of(self, entry: LeafEntry) -> int:
        """The leaf that has an entry."""
        return next(
            blkid for blkid, leaf in self.leaves.items() if any(each is entry for each in leaf.entries)
        )

    def news(self, blkid: int) -> list[LeafEntry]:
        """The entries of a leaf that are not what they were."""
        there = self.by_name.get
        return [entry for entry in self.leaves[blkid].entries if there(entry.name) != entry]

    def drop(self, entries: Iterable[LeafEntry]) -> None:
        """These are no longer where they were; what is new is not noted yet."""
        for entry in entries:
            if self.by_name.get(entry.name) == entry:
                del self.by_name[entry.name]
                self.gone[entry.name] = entry.cd
