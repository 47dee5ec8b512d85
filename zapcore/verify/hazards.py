"""What the kernel's operations do on a damaged object: release builds, where an ASSERT is nothing.

Two sources. `WHAT_FOLLOWS` is a table: for a field that is wrong, what each operation makes of it; it was
read from module/zfs/zap.c, zap_leaf.c and zap_micro.c. `walk_leaf` takes the very steps that zap_leaf.c takes
on one leaf's chains, without its assertions, and says which of them never end or leave the block. A build
with assertions stops with a panic at the first of them instead.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from zapcore import layout as L

OPERATIONS = ("lookup", "add", "remove", "cursor", "split")
"""`cursor` is what readdir does; `split` what an add does to a full leaf; `add` is update too."""


class Effect(enum.StrEnum):
    """What becomes of an operation, the worst first."""

    HANG = "never ends"
    OUTSIDE = "reads or writes outside of the block"
    PANIC = "panics in every build"
    WRONG = "goes wrong"


class Hazard(NamedTuple):
    """What one operation does because of damage in one block."""

    block: int
    operation: str
    effect: Effect
    why: str


Row = tuple[tuple[str, Effect, str], ...]
_HANG, _OUT, _PANIC, _WRONG = Effect.HANG, Effect.OUTSIDE, Effect.PANIC, Effect.WRONG


def _every(effect: Effect, why: str) -> Row:
    return tuple((operation, effect, why) for operation in OPERATIONS)


_NOT_FOUND = "names that are there are not found (ENOENT)"
_TWICE = "a name that is there is added a second time"
_HEADER = _every(_WRONG, "the object is not recognized as a ZAP: EIO")
_HASHES = (
    ("lookup", _WRONG, _NOT_FOUND),
    ("add", _WRONG, _TWICE),
    ("remove", _WRONG, _NOT_FOUND),
)
_TABLE = (
    ("lookup", _WRONG, "hashes lead to the wrong leaf or to none: " + _NOT_FOUND),
    ("add", _WRONG, "entries are put into the wrong leaf"),
    ("remove", _WRONG, _NOT_FOUND),
    ("cursor", _WRONG, "entries are left out"),
    ("split", _WRONG, "the wrong range of the table is changed"),
)
_NEXT_TABLE = (
    ("add", _WRONG, "the table goes on growing from wrong copies, into blocks that may be in use"),
    ("split", _WRONG, "pointers are stored into blocks that may be in use"),
)
_ARRAY_LENGTH = (
    ("lookup", _OUT, "the array is read past its last chunk, or not to its end"),
    ("cursor", _OUT, "the array is read past its last chunk, or not to its end"),
)
_LINK_OF_ARRAY = (
    ("lookup", _WRONG, "a name does not match, or a value is another's"),
    ("remove", _WRONG, "chunks are freed that are not the entry's own: the free list gets a cycle"),
    ("cursor", _WRONG, "a name or a value is another's"),
    ("split", _WRONG, "chunks are moved and freed that are not the entry's own"),
)
_LINK_OF_CHAIN = (
    ("lookup", _WRONG, "entries that the bucket's chain leaves out are not found (ENOENT)"),
    ("add", _WRONG, "an entry that the chain leaves out is added a second time"),
    ("remove", _WRONG, "entries that the chain leaves out cannot be removed"),
    ("cursor", _WRONG, "entries that the chain leaves out do not appear"),
)

WHAT_FOLLOWS: Mapping[str, Row] = {
    "zap_block_type": _HEADER,
    "zap_magic": _HEADER,
    "mz_block_type": _HEADER,
    "zt_blk": _TABLE,
    "zt_numblks": _TABLE,
    "zt_shift": _TABLE,
    "table": _TABLE,
    "zt_nextblk": _NEXT_TABLE,
    "zt_blks_copied": _NEXT_TABLE,
    "entry": _NEXT_TABLE,
    "zap_freeblk": (
        ("split", _WRONG, "too low: a new leaf is written over a block in use; too high: space is lost"),
    ),
    "zap_num_leafs": (),
    "zap_num_entries": (
        ("remove", _WRONG, "zap_count is wrong: a directory is not empty for rmdir, or too soon"),
    ),
    "zap_salt": _HASHES,
    "zap_flags": _HASHES,
    "zap_normflags": _HASHES,
    "mz_normflags": _HASHES,
    "lh_block_type": (("cursor", _WRONG, "if 0, the leaf counts as shrunk away"),),
    "lh_magic": (),
    "block": _every(_HANG, "in a zeroed leaf each bucket leads to chunk 0, whose le_next is chunk 0"),
    "lh_prefix": (
        ("lookup", _WRONG, "the table and the leaf disagree: " + _NOT_FOUND),
        ("remove", _WRONG, "an empty leaf is joined with one that is not its sibling"),
        ("split", _WRONG, "the wrong range of the table is pointed at the new leaf"),
    ),
    "lh_prefix_len": (
        ("lookup", _WRONG, "names are looked for in the wrong bucket (ENOENT)"),
        ("add", _WRONG, _TWICE),
        ("remove", _WRONG, _NOT_FOUND),
        ("cursor", _WRONG, "too small: the next leaves are left out; over 64: where it goes on is undefined"),
        ("split", _WRONG, "the wrong range of the table is pointed at the new leaf"),
    ),
    "lh_nfree": (("add", _WRONG, "too low: the leaf is split too soon"),),
    "lh_nentries": (("remove", _WRONG, "too low: a leaf with entries is freed as if empty"),),
    "lh_freelist": (),
    "lf_next": (),
    "lh_flags": (("lookup", _WRONG, "of normalized names that collide, the wrong one may be found"),),
    "l_hash": _LINK_OF_CHAIN,
    "le_next": _LINK_OF_CHAIN,
    "le_name_chunk": _LINK_OF_ARRAY,
    "le_value_chunk": _LINK_OF_ARRAY,
    "la_next": _LINK_OF_ARRAY,
    "type": (("split", _WRONG, "an entry whose chunk has another type stays behind, in no chain"),),
    "le_hash": (*_HASHES, ("cursor", _WRONG, "it goes on from the wrong hash and leaves entries out")),
    "le_cd": (("cursor", _WRONG, "of two entries with one hash and differentiator, one is left out"),),
    "le_value_intlen": (("lookup", _WRONG, "EINVAL or another value"), *_ARRAY_LENGTH[1:]),
    "le_value_numints": _ARRAY_LENGTH,
    "le_name_numints": (*_HASHES, _ARRAY_LENGTH[1]),
    "la_array": (),
    "name": _HASHES,
    "mze_name": (("lookup", _WRONG, "the name is not found, or found with bytes that are not its own"),),
    "mze_cd": _every(_PANIC, "if two of a hash are equal: VERIFY of zfs_btree_add (avl_add) on opening"),
}
"""By field: operation, effect, why. A field that is not here, or an
operation that is not in its row, does no harm by itself: chains are judged by `walk_leaf`."""


def static_hazards(block: int, field: str) -> Iterator[Hazard]:
    """What the table says of one wrong field."""
    for operation, effect, why in WHAT_FOLLOWS.get(field, ()):
        yield Hazard(block, operation, effect, why)


class _Walk(NamedTuple):
    """Where a chain leads: chunks in order, and how it ends (None: at CHAIN_END)."""

    chunks: list[int]
    trouble: tuple[Effect, str] | None


class _Walker:
    """The steps of zap_leaf.c on one leaf block. A sound leaf takes one step a chunk; of one whose chains
    are all long and crossed, only so many steps are looked at."""

    def __init__(self, raw: bytes, block: int) -> None:
        self.geo = L.geometry(len(raw).bit_length() - 1)
        self.block = block
        self.h = memoryview(raw).cast("H")
        self.types = raw[self.geo.first_chunk : self.geo.chunks_end : L.CHUNK_SIZE]
        self.steps = 8 * self.geo.chunks
        self.done: set[int] = set()

    def hazard(self, operation: str, effect: Effect, why: str) -> Hazard:
        return Hazard(self.block, operation, effect, why)

    def follow(self, chunk: int, field: int) -> _Walk:
        """Follow a chain by 16-bit word `field` of each chunk, whatever the chunks' types are."""
        seen: dict[int, None] = {}
        while chunk != L.CHAIN_END:
            if chunk in seen:
                return _Walk(list(seen), (Effect.HANG, f"comes back to chunk {chunk}"))
            if chunk >= self.geo.chunks:
                return _Walk(list(seen), (Effect.OUTSIDE, f"leads to chunk {chunk} of {self.geo.chunks}"))
            seen[chunk] = None
            self.steps -= 1
            chunk = self.h[self.geo.h_chunk + L.H_PER_CHUNK * chunk + field]
        return _Walk(list(seen), None)

    def buckets(self) -> Iterator[Hazard]:
        """zap_leaf_lookup and zap_leaf_lookup_closest."""
        geo = self.geo
        for bucket in range(geo.hash_entries):
            head = self.h[geo.h_hash + bucket]
            if head == L.CHAIN_END:
                continue
            if self.steps < 0:
                return
            walk = self.follow(head, L.H_ENTRY_NEXT)
            if walk.trouble is not None:
                effect, how = walk.trouble
                for operation in ("lookup", "add", "remove"):
                    why = f"a name of bucket {bucket} that does not come before: its chain {how}"
                    yield self.hazard(operation, effect, why)
                yield self.hazard("cursor", effect, f"once it is at bucket {bucket}: its chain {how}")
            for chunk in walk.chunks:
                if chunk in self.done:
                    continue
                self.done.add(chunk)
                if self.types[chunk] != L.CHUNK_ENTRY:
                    why = f"chunk {chunk} in bucket {bucket} is taken for an entry"
                    yield self.hazard("cursor", Effect.WRONG, why)
                else:
                    yield from self.arrays(chunk)

    def arrays(self, entry: int) -> Iterator[Hazard]:
        """zap_leaf_array_read, zap_leaf_array_free and zap_leaf_transfer_array on an entry's arrays."""
        if self.steps < 0:
            return
        at = self.geo.h_chunk + L.H_PER_CHUNK * entry
        for what, field in (("name", L.H_NAME_CHUNK), ("value", L.H_VALUE_CHUNK)):
            walk = self.follow(self.h[at + field], L.H_CHUNK_NEXT)
            if walk.trouble is None:
                continue
            effect, how = walk.trouble
            where = f"the {what} of chunk {entry} {how}"
            if effect is Effect.HANG:
                yield self.hazard("remove", Effect.WRONG, f"{where}: freed twice, a cycle in the free list")
                yield self.hazard("split", Effect.OUTSIDE, f"{where}: moved until the new leaf is full")
                if what == "name":
                    yield self.hazard("cursor", Effect.OUTSIDE, f"{where}: copied past the caller's buffer")
            else:
                for operation in ("lookup", "remove", "cursor", "split"):
                    yield self.hazard(operation, effect, where)

    def free_list(self) -> Iterator[Hazard]:
        """zap_leaf_chunk_alloc, as long as lh_nfree promises a chunk."""
        geo = self.geo
        chunk = self.h[L.H_FREELIST]
        taken: dict[int, None] = {}
        for _ in range(self.h[L.H_NFREE]):
            where = f"of {self.h[L.H_NFREE]} chunks promised, number {len(taken) + 1} is chunk {chunk}"
            if chunk >= geo.chunks:
                for operation in ("add", "split"):
                    yield self.hazard(operation, Effect.OUTSIDE, f"{where}, the leaf has {geo.chunks}")
                return
            if chunk in taken:
                why = f"{where}, handed out a second time: chains that cross, then lookups that never end"
                yield self.hazard("add", Effect.WRONG, why)
                return
            if self.types[chunk] != L.CHUNK_FREE:
                yield self.hazard("add", Effect.WRONG, f"{where}, which is in use: it is written over")
                return
            taken[chunk] = None
            chunk = self.h[geo.h_chunk + L.H_PER_CHUNK * chunk + L.H_CHUNK_NEXT]


def walk_leaf(raw: bytes, block: int) -> Iterator[Hazard]:
    """What operations would do on this leaf (2^9 bytes or more), whatever its bytes are. Always ends."""
    walker = _Walker(raw, block)
    yield from walker.buckets()
    yield from walker.free_list()
