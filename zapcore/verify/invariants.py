"""The names and meanings of all that must hold of a ZAP, and what says that one of them does not.

This is the one list of invariants. Which file checks which of them: `audit/` those of `LIVE`, `verify/` all
others. `verify/leaf.py` names the rules that stand behind the invariants of a leaf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Violation(NamedTuple):
    """That an invariant does not hold: which one, in which block, which field, and what was found there.

    `chunk` is the chunk of a leaf or the slot of a micro ZAP in which the field is, or -1 if it is in none.
    `elements` says which elements are meant if the field is an array.
    """

    invariant: str
    block: int
    field: str
    found: str
    chunk: int = -1
    elements: range | None = None

    @property
    def place(self) -> str:
        """The field, with its elements in brackets behind it if it is an array."""
        return self.field if self.elements is None else f"{self.field}[{shown_range(self.elements)}]"

    def __str__(self) -> str:
        where = f"chunk {self.chunk} " if self.chunk >= 0 else ""
        return f"{self.invariant}: block {self.block}: {where}{self.place}: {self.found}"


def shown_range(numbers: range) -> str:
    """A range as text: its only number, or the first and the last one."""
    return f"{numbers.start}" if len(numbers) == 1 else f"{numbers.start}-{numbers.stop - 1}"


LIVE: Mapping[str, str] = {
    "locks-at-rest": "no lock is held when no operation runs",
    "holds-at-rest": "no dbuf is held at rest but by cursors and dirty records",
    "dirty-holds": "every dirty record holds its dbuf",
    "indirect-holds": "an indirect block's dbuf is held by those below it and by its dirty records",
    "last-hold": "a dbuf that is freed or evicted goes with its last hold",
    "free-ranges": "no txg frees a block that it writes",
    "user-data": "user data points back at its dbuf, which is cached, and is not freed",
    "number": "an object's number is free once nobody holds a dbuf of it",
    "number-again": "an object's number is free only when a txg after that of its free has synced",
    "entries": "the entries are those that were put there",
    "failed-op": "an op whose read fails has changed no entry",
    "moved": "an entry keeps its differentiator while it is there",
    "lowest": "a new entry has the lowest differentiator that is free",
    "grown": "a table grows when a leaf as deep as it is nearly full, a micro block when it is full",
    "shrunk": "two sibling leaves are never both empty",
    "kind": "a micro ZAP becomes fat when it must, and not before",
    "index": "a micro ZAP's index has the entries of its slots",
    "destroyed": "what is held of a destroyed object is zero",
    "on-disk": "a txg writes what was there when it closed",
    "left-undone": "a txg that has synced has nothing left to do",
    "levels": "each block on disk is found through the levels above it",
    "released": "the data of a dbuf whose block is a hole is its own alone",
    "read-back": "a block is read as what it was last",
    "seek": "a block with data is not taken for a hole",
}
"""What only a live world can show: holds, locks, txgs, and what an operation has changed."""

STORED: Mapping[str, str] = {
    "header": "the header is one of a ZAP",
    "table-size": "the table has 2^zt_shift entries",
    "table-entry": "every entry leads to the leaf whose prefix covers it",
    "table-growth": "the table being built says what the old one says",
    "block-once": "every block is used once",
    "free-mark": "every block lies below the free mark",
    "leaf-count": "the header counts the leaves",
    "entry-total": "the header counts the entries",
    "leaf-header": "a leaf's header is one",
    "leaf-prefix": "a leaf's prefix covers its entries",
    "bucket": "an entry is in its hash's bucket",
    "differentiator": "differentiators are unique and in order",
    "chunk-link": "every link leads to a chunk that nothing else uses",
    "chunk-type": "every chunk has the type of its use",
    "chunk-lost": "every chunk is reached",
    "free-count": "the leaf counts its free chunks",
    "entry-count": "the leaf counts its entries",
    "array-length": "an array has the chunks that its length needs",
    "entry": "an entry's fields make sense",
    "hash": "an entry's hash is that of its name",
    "hole": "a block that nothing uses is a hole",
}
"""What the bytes of an object show, at rest and between two operations of a live world."""

AT_REST: Mapping[str, str] = {
    "object": "the object has whole blocks of one size",
    "name": "a name ends with its only NUL",
    "one-name": "no name is there twice",
    "unused": "bytes that nothing uses are zero",
    "slot": "a micro ZAP's slot makes sense",
}
"""What the bytes of an object show, too. The check of an object at rest looks at all of it. An auditor does
so after every operation in a micro ZAP; in a fat one it would take too much time."""

IN_A_POOL: Mapping[str, str] = {"entry-object": "a directory's entry leads to an object that is there"}
"""What only the dataset around an object can show."""

INVARIANTS: Mapping[str, str] = {**LIVE, **STORED, **AT_REST, **IN_A_POOL}
"""Every invariant by name."""
