"""Sound objects of every shape, made by the model, and where each of their fields lies."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from fuzz.generate.keys_for_hash import key_for
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.verify.leaf import check_leaf

SHAPES = ("micro", "embedded", "external", "growing")
"""A micro ZAP; a fat one with its table in the header, with one of its own, with a larger one under way."""

LEAF_SHIFTS = range(9, 15)

GROUPS = {
    "link": ("lh_freelist", "l_hash", "lf_next", "le_next", "le_name_chunk", "le_value_chunk", "la_next"),
    "counter": ("lh_nfree", "lh_nentries", "zap_freeblk", "zap_num_leafs", "zap_num_entries", "zt_numblks"),
    "type": ("zap_block_type", "zap_magic", "mz_block_type", "lh_block_type", "lh_magic", "type"),
    "prefix": ("lh_prefix", "lh_prefix_len"),
    "table": ("zt_blk", "zt_shift", "zt_nextblk", "table entry", "copied entry"),
}
"""Fields of which every flipped bit must be found."""

HARMLESS = {
    "value": "nothing is stored that a value could be held against",
    "mze_value": "nothing is stored that a value could be held against",
    "mz_salt": "a micro ZAP stores no hashes",
    "mze_name": "a micro ZAP stores no hashes; found only if NULs or another name come of it",
    "mze_cd": "any differentiator will do that no other name of the hash has",
    "le_cd": "any differentiator will do that no other key of the hash has",
    "le_value_intlen": "1, 2, 4 and 8 are all sizes; found if the array's length shows it",
    "le_value_numints": "found if the array then has another number of chunks, or bytes behind its end",
    "empty slot": "a bit of its name makes an entry of it",
    "name": "of a pre-hashed key, the 28 or 48 bits of its hash are held against it",
    "unhashed word": "a pre-hashed key's hash is its first word",
    "uncopied entry": "what of the next table has not been copied yet is written anew",
    "stale entry": "the table in the header is left as it is once there is one outside",
    "zt_blks_copied": "lower than it is, what was copied is copied again; higher is always found",
    "zap_normflags": "flags that an empty leaf cannot show",
    "zap_flags": "flags that an empty object cannot show",
    "zap_salt": "an object without names, or with keys that are their own hash, does not use it",
    "mz_normflags": "a micro ZAP stores no hashes",
}
"""Fields of which not every flipped bit can be found, and why."""


class Place(NamedTuple):
    """Where a field lies: block, offset and bytes."""

    block: int
    at: int
    size: int


def sound_object(rng: Random, shift: int, shape: str, release: str = "2.3") -> tuple[Zap, list[bytes]]:
    """A header line and the blocks of an object of 2^shift bytes a block (a micro ZAP's differ)."""
    zap = _header(rng, shift, shape)
    target = ModelTarget(release)
    target.begin(Program((zap,), ()))
    if shape == "micro":
        _fill_micro(rng, target, zap)
    else:
        _fill_fat(rng, target, zap, shape)
    blocks = target.blocks("z")
    assert blocks is not None
    return zap, blocks


def _header(rng: Random, shift: int, shape: str) -> Zap:
    salt = rng.getrandbits(64) | 1
    if shape == "micro":
        return Zap("z", fat=False, leaf_shift=shift, salt=salt)
    words = rng.choice((0, 1, 1, 2))
    prehashed = bool(words) and rng.random() < 0.5
    return Zap("z", words=words, prehashed=prehashed, hash64=rng.random() < 0.5, leaf_shift=shift, salt=salt)


def _fill_micro(rng: Random, target: ModelTarget, zap: Zap) -> None:
    names = [key_for(zap, rng.getrandbits(64), rng.choice((0, 64)), rng) for _ in range(rng.randint(1, 20))]
    for name in names:
        target.apply(Op("add", "z", name, 8, 1, rng.getrandbits(64)))
        if rng.random() < 0.3:
            target.apply(Op("remove", "z", rng.choice(names)))


def _fill_fat(rng: Random, target: ModelTarget, zap: Zap, shape: str) -> None:
    """Random entries, then two large ones whose hashes share so many bits that the table must grow."""
    chunks = L.geometry(zap.leaf_shift).chunks
    keys = [key_for(zap, rng.getrandbits(64), rng.choice((1, 3, 64)), rng) for _ in range(rng.randint(2, 30))]
    for key in keys:
        size = rng.choice((1, 2, 4, 8))
        target.apply(Op("add", "z", key, size, rng.randint(0, 40 // size), rng.getrandbits(64)))
        if rng.random() < 0.2:
            target.apply(Op("remove", "z", rng.choice(keys)))
    if shape == "embedded":
        return
    shared = L.embedded_shift(zap.leaf_shift) + (shape == "growing")
    base = rng.getrandbits(64)
    large = L.ARRAY_BYTES * (chunks // 2)
    for flipped in (0, 1 << (63 - shared)):
        target.apply(Op("add", "z", key_for(zap, base ^ flipped, shared + 1, rng), 1, large))
    header = target.objset.dnodes[1].dbufs[0].buf.q
    if shape == "growing" and not header[L.Q_TBL_NEXTBLK]:
        free = chunks - 1 - L.array_chunks(large) - 8
        target.apply(Op("add", "z", key_for(zap, base, shared + 1, rng), 1, L.ARRAY_BYTES * max(free - 4, 0)))


def fields_of(zap: Zap, blocks: list[bytes]) -> dict[str, list[Place]]:
    """Every field of an object by kind. What nothing uses is "unused"."""
    places: dict[str, list[Place]] = {}
    size = len(blocks[0])

    def put(kind: str, block: int, at: int, width: int) -> None:
        places.setdefault(kind, []).append(Place(block, at, width))

    if L.HEADER.read(blocks[0], "zap_block_type") == L.ZBT_MICRO:
        for kind, at, width in _micro_fields(blocks[0]):
            put(kind, 0, at, width)
        return places
    q = memoryview(blocks[0]).cast("Q")
    for field in L.HEADER:
        put(field.name, 0, field.at, field.size)
    put("unused", 0, L.HEADER.size, size // 2 - L.HEADER.size)
    table = range(q[L.Q_TBL_BLK], q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS])
    for at in range(size // 2, size, 8):
        put("stale entry" if table else "table entry", 0, at, 8)
    copied = q[L.Q_TBL_NEXTBLK] + 2 * q[L.Q_TBL_COPIED]
    larger = range(q[L.Q_TBL_NEXTBLK], q[L.Q_TBL_NEXTBLK] + 2 * q[L.Q_TBL_NUMBLKS])
    for block in range(1, len(blocks)):
        if block in table or (q[L.Q_TBL_NEXTBLK] and block in larger):
            kind = "table entry" if block in table else "copied entry" if block < copied else "uncopied entry"
            for at in range(0, size, 8):
                put(kind, block, at, 8)
        elif any(blocks[block]):
            for kind, at, width in _leaf_fields(zap, blocks[block]):
                put(kind, block, at, width)
        else:
            put("unused", block, 0, size)
    return places


def _micro_fields(raw: bytes) -> Iterator[tuple[str, int, int]]:
    yield from _fields(L.MICRO_HEADER, 0)
    for slot in range(L.slots_of(len(raw))):
        start = L.slot_offset(slot)
        name_at = start + L.B_MZE_NAME
        if not raw[name_at]:
            yield ("empty slot", start, L.SLOT_SIZE)
            continue
        for kind, at, width in _fields(L.MICRO_SLOT, start):
            used = raw.index(0, name_at) + 1 - at if at == name_at else width
            yield (kind, at, used)
            if used < width:
                yield ("unused", at + used, width - used)


def _fields(structure: L.Structure, start: int) -> Iterator[tuple[str, int, int]]:
    """The fields of a structure that begins at byte `start`; the types of chunks are of one kind."""
    for field in structure:
        kind = "unused" if field.is_padding else "type" if field.at == 0 and field.size == 1 else field.name
        yield (kind, start + field.at, field.size)


def _leaf_fields(zap: Zap, raw: bytes) -> Iterator[tuple[str, int, int]]:
    geo = L.geometry(len(raw).bit_length() - 1)
    yield from _fields(L.LEAF_HEADER, 0)
    yield from (("l_hash", at, 2) for at in range(L.LEAF_HEADER_SIZE, geo.first_chunk, 2))
    h = memoryview(raw).cast("H")
    entries = {entry.chunk: entry for entry in check_leaf(raw, geo.shift, 1, bool(zap.words)).entries}
    for chunk in range(geo.chunks):
        start = geo.first_chunk + L.CHUNK_SIZE * chunk
        if raw[start] == L.CHUNK_FREE:
            yield from _fields(L.FREE_CHUNK, start)
        elif chunk in entries:
            yield from _fields(L.ENTRY_CHUNK, start)
            entry = entries[chunk]
            at = geo.h_chunk + L.H_PER_CHUNK * chunk
            yield from _array(raw, h[at + L.H_NAME_CHUNK], len(entry.name), "name", zap.prehashed)
            yield from _array(raw, h[at + L.H_VALUE_CHUNK], len(entry.value), "value", False)


def _array(raw: bytes, chunk: int, size: int, kind: str, prehashed: bool) -> Iterator[tuple[str, int, int]]:
    geo = L.geometry(len(raw).bit_length() - 1)
    done = 0
    while chunk != L.CHAIN_END:
        start = geo.first_chunk + L.CHUNK_SIZE * chunk
        yield from (field for field in _fields(L.ARRAY_CHUNK, start) if field[0] != "la_array")
        for byte in range(start + L.B_ARRAY, start + L.B_ARRAY + L.ARRAY_BYTES):
            what = "unused" if done >= size else "unhashed word" if prehashed and done >= 8 else kind
            yield (what, byte, 1)
            done += 1
        chunk = L.ARRAY_CHUNK.read(raw, "la_next", start)
