"""A ZAP's blocks taken apart for a picture: the pointer table, leaves with their chunks and chains, slots.

A part is a key and a plain value. What a step leaves as it was has the same key and value as before, so that
a record of a thousand steps holds only what changed. No bytes make this raise: damage is drawn, too.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fuzz.language.printing import format_key
from fuzz.targets.model.state_as_text import HEADER_SHOWN
from zapcore import layout as L
from zapcore.verify.leaf import check_leaf
from zapcore.zap.name import key_of

Parts = dict[str, Any]

MOST_SHOWN = 96
"""Characters of a key, and digits of a value, that a picture has."""
MOST_RUNS = 60
"""Runs of a free list or of an array's chunks; the rest is counted."""
EXACT = 1 << 53
"""Larger numbers than a script counts exactly are told as text."""
_LETTERS = {L.CHUNK_ENTRY: "e", L.CHUNK_ARRAY: "a", L.CHUNK_FREE: "f"}


def header_parts(raw: bytes) -> Parts:
    """The fields of a fat ZAP's header."""
    fields = {field.name: L.HEADER.read(raw, field.name) for field in HEADER_SHOWN}
    return {"header": {name: value if value < EXACT else f"{value:#x}" for name, value in fields.items()}}


def table_parts(entries: Sequence[int], name: str) -> Parts:
    """A pointer table: for each block, which hashes lead there, as prefixes of bits. A table that is doubled
    has the same ones. `name` says which table."""
    bits = max(len(entries).bit_length() - 1, 0)
    led: dict[int, list[str]] = {}
    at = 0
    for block, group in itertools.groupby(entries):
        end = at + sum(1 for _ in group)
        led.setdefault(block, []).extend(_prefixes(at, end, bits))
        at = end
    return {f"{name}/{block}": " ".join(prefixes) for block, prefixes in led.items()}


def _prefixes(first: int, end: int, bits: int) -> Iterator[str]:
    """The fewest prefixes that cover a range of a table of 2^bits entries; `*` for all of it."""
    while first < end:
        low = (first & -first).bit_length() - 1 if first else bits
        low = min(low, (end - first).bit_length() - 1)
        yield format(first >> low, f"0{bits - low}b") if bits > low else "*"
        first += 1 << low


def leaf_parts(raw: bytes, blkid: int, words: bool) -> Parts:
    """A leaf: its header, the use of each chunk, the free list in its order, entries and what is wrong."""
    shift = len(raw).bit_length() - 1
    geometry = L.geometry(shift)
    report = check_leaf(raw, shift, blkid, words)
    h = memoryview(raw).cast("H")
    types = raw[geometry.first_chunk : geometry.chunks_end : L.CHUNK_SIZE]
    links = array("H", raw)[geometry.h_chunk + L.H_CHUNK_NEXT : geometry.chunks_end // 2 : L.H_PER_CHUNK]
    uses = [_LETTERS.get(kind, "?") for kind in types]
    buckets = _buckets(raw, geometry)
    parts: Parts = {}
    for entry in report.entries:
        at = geometry.first_chunk + entry.chunk * L.CHUNK_SIZE
        fields = L.ENTRY_CHUNK.packing.unpack_from(raw, at)
        names = _chain(fields[3], links, types, L.array_chunks(len(entry.name)))
        values = _chain(fields[5], links, types, L.array_chunks(len(entry.value)))
        for chunk in names:
            uses[chunk] = "n"
        for chunk in values:
            uses[chunk] = "v"
        parts[f"entry/{blkid}/{entry.chunk}"] = [
            shown_key(key_of(entry.name, words)),
            f"{entry.hash:#018x}",
            *(entry.cd, entry.size, entry.length, shown_value(entry.value)),
            *(buckets.get(entry.chunk, -1), fields[2] if fields[2] != L.CHAIN_END else -1),
            *(runs_as_text(names), runs_as_text(values)),
        ]
    parts[f"leaf/{blkid}"] = {
        "prefix": format(report.prefix, f"0{report.prefix_len}b") if 0 < report.prefix_len <= 64 else "*",
        "entries": h[L.H_NENTRIES],
        "free": h[L.H_NFREE],
        "first free": h[L.H_FREELIST] if h[L.H_FREELIST] != L.CHAIN_END else -1,
        "chunks": geometry.chunks,
        "buckets": geometry.hash_entries,
    }
    parts[f"uses/{blkid}"] = "".join(
        f"{use}{sum(1 for _ in group)}" for use, group in itertools.groupby(uses)
    )
    parts[f"freelist/{blkid}"] = runs_as_text(
        _chain(h[L.H_FREELIST], links, types, geometry.chunks, L.CHUNK_FREE)
    )
    if report.violations:
        parts[f"wrong/{blkid}"] = [str(violation) for violation in report.violations[:8]]
    return parts


def _chain(first: int, links: Sequence[int], types: bytes, most: int, kind: int = L.CHUNK_ARRAY) -> list[int]:
    """The chunks that follow each other from one on, until the end or what is no such chunk."""
    chain: list[int] = []
    while first < len(types) and types[first] == kind and len(chain) < most:
        chain.append(first)
        first = links[first]
    return chain


def _buckets(raw: bytes, geometry: L.Geometry) -> dict[int, int]:
    """The bucket of the hash table that leads to each entry's chunk."""
    found: dict[int, int] = {}
    chunk_of = array("H", raw[L.LEAF_HEADER_SIZE : geometry.first_chunk])
    following = array("H", raw)[geometry.h_chunk + L.H_ENTRY_NEXT : geometry.chunks_end // 2 : L.H_PER_CHUNK]
    for bucket, chunk in enumerate(chunk_of):
        while chunk < geometry.chunks and chunk not in found:
            found[chunk] = bucket
            chunk = following[chunk]
    return found


def micro_parts(raw: bytes) -> Parts:
    """A micro ZAP: its slots that are used."""
    slots = L.slots_of(len(raw))
    parts: Parts = {"micro": {"slots": slots, "bytes": len(raw)}}
    for slot in range(slots):
        value, cd, _, room = L.MICRO_SLOT.packing.unpack_from(raw, L.slot_offset(slot))
        if name := room.split(b"\0", 1)[0]:
            parts[f"slot/{slot}"] = [shown_key(name), f"{value:#x}", cd]
    return parts


def shown_key(key: bytes | tuple[int, ...]) -> str:
    """A key as programs write it, in printable ASCII whatever bytes it has; a long one is cut."""
    text = format_key(key)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}... ({len(text)} characters)"


def shown_value(value: bytes) -> str:
    """A value as stored, in hexadecimal."""
    text = value.hex()
    return text if len(text) <= MOST_SHOWN // 2 else f"{text[: MOST_SHOWN // 2]}... ({len(value)} bytes)"


def runs_as_text(chunks: Iterable[int]) -> str:
    """Numbers in their order, runs up or down as `3-9` or `9-3`; of many runs the first ones."""
    runs: list[list[int]] = []
    for chunk in chunks:
        first, end = runs[-1] if runs else (chunk, chunk + 2)
        if abs(chunk - end) == 1 and (first == end or (chunk > end) == (end > first)):
            runs[-1][1] = chunk
        else:
            runs.append([chunk, chunk])
    shown = [f"{first}" if first == end else f"{first}-{end}" for first, end in runs[:MOST_RUNS]]
    return " ".join(shown) + (f" and {len(runs) - MOST_RUNS} more runs" if len(runs) > MOST_RUNS else "")
