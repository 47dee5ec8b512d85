"""Whether a leaf block that was sound is still sound after a few of its bytes have changed.

An op changes one entry of a leaf, or a few, of the hundreds that a leaf of 16 KiB has. A `WalkedLeaf`
remembers to which bucket each chunk belongs and the order of the free list. So only the chains are walked
again in which a byte has changed, and only the end of the free list at which chunks are taken and given back.
The rules are those of `sound_leaf.py`; a test holds both against each other.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from zapcore import layout as L
from zapcore.verify.changed_pieces import changed_pieces
from zapcore.verify.leaf_report import LeafEntry, LeafReport
from zapcore.verify.sound_leaf import entries_of_buckets, sound_header

_LINK = L.H_CHUNK_NEXT


class Change(NamedTuple):
    """What a leaf holds now, the entries that it has now and had not before, and the other way round."""

    report: LeafReport
    new: list[LeafEntry]
    gone: list[LeafEntry]


class WalkedLeaf:
    """A sound leaf block, its bytes and what they hold, ready for the next change.

    `owner` has for each chunk one more than its bucket, or 0 where it is free; `left` the type of each free
    chunk and 0 for the others; `free` the free list from its end to its head, `place` where in it each free
    chunk is.
    """

    __slots__ = ("following", "free", "geo", "left", "name_size", "owner", "place", "raw", "report", "shift")

    def __init__(self, raw: bytes, report: LeafReport, geo: L.Geometry, name_size: int) -> None:
        self.raw, self.report, self.geo, self.name_size = raw, report, geo, name_size
        self.shift = max(64 - report.prefix_len - geo.hash_shift, 0)
        self.owner = array("H", bytes(2 * geo.chunks))
        self.place = array("H", bytes(2 * geo.chunks))
        self.free = array("H")
        self.left = bytearray(raw[geo.first_chunk : geo.chunks_end : L.CHUNK_SIZE])
        self.following = following = _links(raw, geo)
        for entry in report.entries:
            self._claim(entry)
        chunk = L.LEAF_HEADER.packing.unpack_from(raw)[7]
        while chunk != L.CHAIN_END:
            self.free.append(chunk)
            chunk = following[chunk]
        self.free.reverse()
        for at, chunk in enumerate(self.free):
            self.place[chunk] = at

    def changed(self, raw: bytes) -> Change | None:
        """Take in the block's bytes of now. None if something is wrong with them, or if so much has changed
        that all of it must be looked at: this object is then of no more use."""
        geo, owner, left = self.geo, self.owner, self.left
        header = sound_header(raw)
        report = self.report
        if header is None or header[:2] != report[:2]:
            return None
        first, size, table = geo.first_chunk, L.CHUNK_SIZE, L.LEAF_HEADER_SIZE
        chunks = [(at - first) // size for at in changed_pieces(self.raw, raw, first, geo.chunks_end, size)]
        buckets = {(at - table) // 2 for at in changed_pieces(self.raw, raw, table, first, 2)}
        buckets.update(owner[chunk] - 1 for chunk in chunks if owner[chunk])
        in_order = sorted(buckets)
        entries = report.entries.copy()
        spans = []
        touched = chunks
        for bucket in in_order:
            low = bisect_left(entries, bucket, key=self._bucket)
            high = bisect_left(entries, bucket + 1, low, key=self._bucket)
            spans.append((low, high))
            for entry in entries[low:high]:
                for chunk in self._chunks_of(entry):
                    owner[chunk] = 0
                    touched.append(chunk)
        keep = len(self.free)
        for chunk in touched:
            kind = left[chunk] = raw[first + size * chunk]
            if not kind:
                return None
            if (at := self.place[chunk]) < keep and self.free[at] == chunk:
                keep = at
        self.raw = raw
        following = self.following = _links(raw, geo)
        new: list[LeafEntry] = []
        gone: list[LeafEntry] = []
        try:
            if not self._free_list(header.free_list, header.free, keep):
                return None
            for bucket, (low, high) in zip(reversed(in_order), reversed(spans), strict=True):
                at = table + 2 * bucket
                now = entries_of_buckets(raw, geo, at, at + 2, self.name_size, header, left, following)
                if now is None:
                    return None
                before = entries[low:high]
                entries[low:high] = now
                for entry in now:
                    self._claim(entry)
                new[:0] = [entry for entry in now if entry not in before]
                gone[:0] = [entry for entry in before if entry not in now]
        except IndexError:  # a link leads to a chunk that the leaf has not
            return None
        if len(entries) != header.counted or left.count(0) != geo.chunks - header.free:
            return None
        self.report = report = LeafReport(*header[:3], entries, (), report.unreached)
        return Change(report, new, gone)

    def _bucket(self, entry: LeafEntry) -> int:
        return (entry.hash >> self.shift) & (self.geo.hash_entries - 1)

    def _claim(self, entry: LeafEntry) -> None:
        mine = self._bucket(entry) + 1
        for chunk in self._chunks_of(entry):
            self.owner[chunk] = mine
            self.left[chunk] = 0

    def _chunks_of(self, entry: LeafEntry) -> Iterator[int]:
        """The chunks of a sound entry."""
        yield entry.chunk
        at = self.geo.first_chunk + L.CHUNK_SIZE * entry.chunk
        _, _, _, name, _, value, _, _, _ = L.ENTRY_CHUNK.packing.unpack_from(self.raw, at)
        following = self.following
        for chunk in (name, value):
            while chunk != L.CHAIN_END:
                yield chunk
                chunk = following[chunk]

    def _free_list(self, chunk: int, count: int, keep: int) -> bool:
        """Walk the free list from its head, which is `chunk`, to one of the `keep` chunks at its end that are
        as they were. Whether it has `count` chunks in all, and no other chunk is free. Raises IndexError if a
        link leads out of the leaf."""
        left, free, place, following = self.left, self.free, self.place, self.following
        if left.count(L.CHUNK_FREE) != count:
            return False
        walked = array("H")
        kept = 0
        while chunk != L.CHAIN_END:
            if left[chunk] != L.CHUNK_FREE or len(walked) > count:
                return False
            if (at := place[chunk]) < keep and free[at] == chunk:
                kept = at + 1
                break
            walked.append(chunk)
            chunk = following[chunk]
        if len(walked) + kept != count:
            return False
        walked.reverse()
        free[kept:] = walked
        for at, chunk in enumerate(walked, kept):
            place[chunk] = at
        return True


def _links(raw: bytes, geo: L.Geometry) -> array[int]:
    """The link of each chunk that is free or a part of an array."""
    return array("H", raw)[geo.h_chunk + _LINK : geo.chunks_end // 2 : L.H_PER_CHUNK]
