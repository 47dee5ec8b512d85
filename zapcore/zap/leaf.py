"""A leaf: a block of chunks that hold entries, their names and their values. From module/zfs/zap_leaf.c.

Everything here works on the bytes of one leaf block, and knows nothing of pointer tables, of the order of
locks or of transactions: the callers hold the leaf's lock and have dirtied its dbuf.
"""

from __future__ import annotations

import errno
from array import array
from typing import TYPE_CHECKING, NamedTuple

from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, User
from zapcore.errors import Kind, Panic, ZapErrno, fail, openzfs
from zapcore.locks import RWLock, Threads
from zapcore.zap.chunks import (
    array_create,
    array_free,
    array_is,
    chunk_free,
    chunks_alloc,
    freed_fields,
    read_array,
)
from zapcore.zap.name import MATCH_NORMALIZE, MAX_NAME

if TYPE_CHECKING:
    from zapcore.zap.name import Name

U64 = (1 << 64) - 1

_ENTRY_CHUNK = L.ENTRY_CHUNK.packing


class Leaf(User):
    """zap_leaf_t: the user data of the dbuf of a leaf block."""

    __slots__ = ("blkid", "geometry", "rwlock")

    def __init__(self, threads: Threads, blkid: int, dbuf: Dbuf, geometry: L.Geometry) -> None:
        super().__init__(dbuf)
        self.blkid = blkid
        self.geometry = geometry
        self.rwlock = RWLock(threads, "l->l_rwlock", (dbuf.dnode.number, blkid))

    @openzfs("zap.c", "zap_leaf_evict_sync")
    def evicted(self) -> None:
        """The evict callback: the leaf is freed, and with it its lock."""
        self.rwlock.destroy()


class Entry(NamedTuple):
    """zap_entry_handle_t: an entry that was found. `link` is the place from which the chain leads to it, as
    an index into the block's 16-bit words; it is -1 if the entry was not found by following the chain of its
    name."""

    chunk: int
    link: int
    hash: int
    cd: int
    size: int
    length: int


@openzfs("zap_leaf.c", "zap_leaf_init")
def init(leaf: Leaf, sort: bool) -> None:
    """Write an empty leaf into the block. Of the chunks only type and link are written; their other bytes
    stay what they were."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, q, raw = buf.h, buf.q, buf.raw
    raw[0 : L.LEAF_HEADER_SIZE] = bytes(L.LEAF_HEADER_SIZE)
    raw[L.LEAF_HEADER_SIZE : geo.first_chunk] = b"\xff" * (geo.first_chunk - L.LEAF_HEADER_SIZE)
    raw[geo.first_chunk : geo.chunks_end : L.CHUNK_SIZE] = bytes([L.CHUNK_FREE]) * geo.chunks
    next_at = geo.h_chunk + L.H_CHUNK_NEXT
    h[next_at : next_at + L.H_PER_CHUNK * geo.chunks : L.H_PER_CHUNK] = memoryview(
        array("H", [*range(1, geo.chunks), L.CHAIN_END])
    )
    q[L.Q_BLOCK_TYPE] = L.ZBT_LEAF
    buf.i[L.I_LEAF_MAGIC] = L.ZAP_LEAF_MAGIC
    h[L.H_NFREE] = geo.chunks
    if sort:
        raw[L.B_FLAGS] |= L.ENTRIES_CDSORTED


def _bucket(leaf: Leaf, value: int) -> int:
    """LEAF_HASH: the bucket of a hash in this leaf."""
    geo = leaf.geometry
    return (value >> (64 - geo.hash_shift - leaf.dbuf.buf.h[L.H_PREFIX_LEN])) & (geo.hash_entries - 1)


@openzfs("zap_leaf.c", "zap_leaf_lookup")
def lookup(leaf: Leaf, name: Name) -> Entry | None:
    """The entry of a name, or None (ENOENT)."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, q, raw = buf.h, buf.q, buf.raw
    if buf.i[L.I_LEAF_MAGIC] != L.ZAP_LEAF_MAGIC:
        magic = buf.i[L.I_LEAF_MAGIC], L.ZAP_LEAF_MAGIC
        fail("zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC", macro="VERIFY3U", values=magic, line=386)
    wanted = name.hash
    link = geo.h_hash + ((wanted >> (64 - geo.hash_shift - h[L.H_PREFIX_LEN])) & (geo.hash_entries - 1))
    chunk = h[link]
    steps = 0
    while chunk != L.CHAIN_END:
        at = geo.h_chunk + L.H_PER_CHUNK * chunk
        if chunk >= geo.chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=393)
        if raw[2 * at] != L.CHUNK_ENTRY:
            fail("le->le_type == ZAP_CHUNK_ENTRY", macro="VERIFY3U", line=394)
        if q[geo.q_chunk + L.Q_PER_CHUNK * chunk + L.Q_HASH] == wanted and _matches(leaf, at, name):
            cd = buf.i[geo.i_chunk + L.I_PER_CHUNK * chunk + L.I_CD]
            return Entry(chunk, link, wanted, cd, raw[2 * at + L.B_INTLEN], h[at + L.H_VALUE_NUMINTS])
        link = at + L.H_ENTRY_NEXT
        chunk = h[link]
        steps += 1
        if steps > geo.chunks:
            fail("the chain of a bucket ends", place="zap_leaf.c:zap_leaf_lookup")
    return None


@openzfs("zap_leaf.c", "zap_leaf_array_match")
def _matches(leaf: Leaf, at: int, name: Name) -> bool:
    """Whether the entry in the chunk that begins at the 16-bit word `at` has this name, or a name that it
    matches."""
    h = leaf.dbuf.buf.h
    length = h[at + L.H_NAME_NUMINTS]
    if name.match & MATCH_NORMALIZE:
        return name.matches(read_array(leaf, h[at + L.H_NAME_CHUNK], length).split(b"\0", 1)[0])
    stored = name.stored
    if isinstance(name.key, bytes):
        return length == name.numints and array_is(leaf, h[at + L.H_NAME_CHUNK], stored)
    # of words it is not asked whether they are as many: see corpus/findings/words-of-other-lengths
    there = read_array(leaf, h[at + L.H_NAME_CHUNK], 8 * length, short=length == 1)
    if len(there) <= len(stored):
        return stored.startswith(there)
    if there.startswith(stored) and leaf.dbuf.dnode.objset.stale_bytes:
        fact = "a key that is looked for has as many words as one that begins like it"
        raise Panic(Kind.STALE_BYTES, "zap_leaf.c:zap_leaf_array_match", fact)
    return False


@openzfs("zap_leaf.c", "zap_entry_normalization_conflict")
def conflict(leaf: Leaf, entry: Entry, name: Name) -> bool:
    """Whether another entry of the same hash matches the name, too."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h = buf.h
    chunk = h[geo.h_hash + _bucket(leaf, entry.hash)]
    steps = 0
    while chunk != L.CHAIN_END:
        at = geo.h_chunk + L.H_PER_CHUNK * chunk
        same_hash = buf.q[geo.q_chunk + L.Q_PER_CHUNK * chunk + L.Q_HASH] == entry.hash
        other = buf.i[geo.i_chunk + L.I_PER_CHUNK * chunk + L.I_CD] != entry.cd
        if same_hash and other and _matches(leaf, at, name):
            return True
        chunk = h[at + L.H_ENTRY_NEXT]
        steps += 1
        if steps > geo.chunks:
            fail("the chain of a bucket ends", place="zap_leaf.c:zap_entry_normalization_conflict")
    return False


@openzfs("zap_leaf.c", "zap_leaf_lookup_closest")
def lookup_closest(leaf: Leaf, wanted: int, cd: int) -> Entry | None:
    """The entry with this (hash, cd), or the next one after it in this leaf. None if there is none."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, q, raw = buf.h, buf.q, buf.raw
    if buf.i[L.I_LEAF_MAGIC] != L.ZAP_LEAF_MAGIC:
        magic = buf.i[L.I_LEAF_MAGIC], L.ZAP_LEAF_MAGIC
        fail("zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC", macro="VERIFY3U", values=magic, line=434)
    best = (U64, L.NEED_CD)
    floor = (wanted, cd)
    found = -1
    for bucket in range(_bucket(leaf, wanted), geo.hash_entries):
        chunk = h[geo.h_hash + bucket]
        steps = 0
        while chunk != L.CHAIN_END:
            at = geo.h_chunk + L.H_PER_CHUNK * chunk
            if chunk >= geo.chunks:
                fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=441)
            if raw[2 * at] != L.CHUNK_ENTRY:
                fail("le->le_type == ZAP_CHUNK_ENTRY", macro="VERIFY3U", line=442)
            here = (
                q[geo.q_chunk + L.Q_PER_CHUNK * chunk + L.Q_HASH],
                buf.i[geo.i_chunk + L.I_PER_CHUNK * chunk + L.I_CD],
            )
            if floor <= here <= best:
                best = here
                found = chunk
            chunk = h[at + L.H_ENTRY_NEXT]
            steps += 1
            if steps > geo.chunks:
                fail("the chain of a bucket ends", place="zap_leaf.c:zap_leaf_lookup_closest")
        if found >= 0:
            break
    if found < 0 or best[1] == L.NEED_CD:
        return None
    at = geo.h_chunk + L.H_PER_CHUNK * found
    return Entry(found, -1, best[0], best[1], raw[2 * at + L.B_INTLEN], h[at + L.H_VALUE_NUMINTS])


_INTEGERS = {2: "H", 4: "I", 8: "Q"}
"""The type codes that the module `array` has for integers of so many bytes."""


def _to_integers(stored: bytes, stored_size: int, size: int) -> bytes:
    """Turn big-endian integers of `stored_size` bytes into little-endian ones of `size` bytes.

    If the new ones are wider, each has bytes of the integers before it in its upper part, because OpenZFS
    does not clear its accumulator between two integers. See corpus/findings/lookup-widened.
    """
    if stored_size == size:
        return to_stored(stored, size)
    read = (stored[max(at - size, 0) : at][::-1] for at in range(stored_size, len(stored) + 1, stored_size))
    return b"".join([integer.ljust(size, b"\0") for integer in read])


def to_stored(value: bytes, size: int) -> bytes:
    """Turn little-endian integers of `size` bytes into the big-endian ones that a leaf stores, or the other
    way round."""
    if size == 1:
        return value
    integers = array(_INTEGERS[size], value)
    integers.byteswap()
    return integers.tobytes()


@openzfs("zap_leaf.c", "zap_entry_read")
def entry_value(leaf: Leaf, entry: Entry, size: int, length: int) -> tuple[bytes, bool]:
    """The first integers of the value, up to `length` integers of `size` bytes, and whether the value has
    more of them (EOVERFLOW).

    Raises EINVAL if the stored integers are longer than `size`.
    """
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    if buf.raw[geo.first_chunk + L.CHUNK_SIZE * entry.chunk] != L.CHUNK_ENTRY:
        fail("le->le_type == ZAP_CHUNK_ENTRY", macro="VERIFY3U", line=471)
    if entry.size > size:
        raise ZapErrno(errno.EINVAL)
    chunk = buf.h[geo.h_chunk + L.H_PER_CHUNK * entry.chunk + L.H_VALUE_CHUNK]
    taken = min(entry.length, length)
    roomy = length > entry.length + L.ARRAY_BYTES
    short = entry.size == size and (roomy if size == 1 else size == 8 and taken == 1)
    stored = read_array(leaf, chunk, entry.size * taken, short=short)
    return _to_integers(stored, entry.size, size), entry.length > length


@openzfs("zap_leaf.c", "zap_entry_read_name")
def entry_name(leaf: Leaf, entry: Entry, words: bool) -> bytes:
    """The key as stored."""
    geo = leaf.geometry
    h = leaf.dbuf.buf.h
    at = geo.h_chunk + L.H_PER_CHUNK * entry.chunk
    length = h[at + L.H_NAME_NUMINTS]
    short = length == 1 if words else length + L.ARRAY_BYTES < MAX_NAME
    return read_array(leaf, h[at + L.H_NAME_CHUNK], length * (8 if words else 1), short=short)


@openzfs("zap_leaf.c", "zap_entry_update")
def entry_update(leaf: Leaf, entry: Entry, size: int, length: int, value: bytes) -> bool:
    """Give the entry a new value. Returns False if the leaf has not enough chunks for it (EAGAIN)."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h = buf.h
    delta = L.array_chunks(len(value)) - L.array_chunks(entry.size * entry.length)
    if h[L.H_NFREE] < delta:
        return False
    at = geo.h_chunk + L.H_PER_CHUNK * entry.chunk
    array_free(leaf, at + L.H_VALUE_CHUNK)
    h[at + L.H_VALUE_CHUNK] = array_create(leaf, to_stored(value, size))
    h[at + L.H_VALUE_NUMINTS] = length
    buf.raw[2 * at + L.B_INTLEN] = size
    return True


@openzfs("zap_leaf.c", "zap_entry_remove")
def entry_remove(leaf: Leaf, entry: Entry) -> None:
    """Take the entry out of its chain and free its chunks: those of its arrays, and then its own."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h = buf.h
    at = geo.h_chunk + L.H_PER_CHUNK * entry.chunk
    if buf.raw[2 * at] != L.CHUNK_ENTRY:
        fail("le->le_type == ZAP_CHUNK_ENTRY", macro="VERIFY3U", line=536)
    for field in freed_fields(leaf):
        array_free(leaf, at + field)
    h[entry.link] = h[at + L.H_ENTRY_NEXT]
    chunk_free(leaf, entry.chunk)
    h[L.H_NENTRIES] -= 1


def _unused_cd(leaf: Leaf, value: int) -> int:
    """The lowest differentiator that no entry of this hash has."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, q, i = buf.h, buf.q, buf.i
    used = []
    chunk = h[geo.h_hash + _bucket(leaf, value)]
    cd = steps = 0
    sort = buf.raw[L.B_FLAGS] & L.ENTRIES_CDSORTED
    while chunk != L.CHAIN_END:
        here = i[geo.i_chunk + L.I_PER_CHUNK * chunk + L.I_CD]
        if sort and here > cd:
            return cd
        if q[geo.q_chunk + L.Q_PER_CHUNK * chunk + L.Q_HASH] == value:
            if sort:
                if here != cd:
                    fail("cd == le->le_cd", macro="VERIFY3U", values=(cd, here), line=574)
                cd += 1
            else:
                used.append(here)
        chunk = h[geo.h_chunk + L.H_PER_CHUNK * chunk + L.H_ENTRY_NEXT]
        steps += 1
        if steps > geo.chunks:
            fail("the chain of a bucket ends", place="zap_leaf.c:zap_entry_create")
    if sort:
        return cd
    while cd in used:
        cd += 1
    return cd


@openzfs("zap_leaf.c", "zap_entry_create")
def entry_create(leaf: Leaf, name: Name, cd: int, size: int, length: int, value: bytes) -> bool:
    """Make an entry. `cd` is the differentiator to give it, or NEED_CD for the lowest one that is free.
    Returns False if the leaf has not enough chunks for it (EAGAIN). Raises E2BIG if not even an empty leaf
    has enough."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h = buf.h
    chunks = 1 + L.array_chunks(len(name.stored)) + L.array_chunks(len(value))
    if chunks > geo.chunks:
        raise ZapErrno(errno.E2BIG)
    if cd == L.NEED_CD:
        cd = _unused_cd(leaf, name.hash)
        if cd >= name.zap.max_cd:
            fail("cd < zap_maxcd(zn->zn_zap)", macro="VERIFY3U", line=598)
    if h[L.H_NFREE] < chunks:
        return False
    chunk = chunks_alloc(leaf, 1, L.CHUNK_ENTRY)[0]
    key_at = array_create(leaf, name.stored)
    value_at = array_create(leaf, to_stored(value, size))
    fields = (L.CHUNK_ENTRY, size, 0, key_at, name.numints, value_at, length, cd, name.hash)
    _ENTRY_CHUNK.pack_into(buf.raw, geo.first_chunk + L.CHUNK_SIZE * chunk, *fields)
    _link_entry(leaf, chunk)
    h[L.H_NENTRIES] += 1
    return True


@openzfs("zap_leaf.c", "zap_leaf_rehash_entry")
def _link_entry(leaf: Leaf, entry: int) -> None:
    """Put an entry into the chain of its bucket, which is kept in the order of the differentiators."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, i = buf.h, buf.i
    cd = i[geo.i_chunk + L.I_PER_CHUNK * entry + L.I_CD]
    link = geo.h_hash + _bucket(leaf, buf.q[geo.q_chunk + L.Q_PER_CHUNK * entry + L.Q_HASH])
    steps = 0
    while h[link] != L.CHAIN_END and i[geo.i_chunk + L.I_PER_CHUNK * h[link] + L.I_CD] <= cd:
        link = geo.h_chunk + L.H_PER_CHUNK * h[link] + L.H_ENTRY_NEXT
        steps += 1
        if steps > geo.chunks:
            fail("the chain of a bucket ends", place="zap_leaf.c:zap_leaf_rehash_entry")
    h[geo.h_chunk + L.H_PER_CHUNK * entry + L.H_ENTRY_NEXT] = h[link]
    h[link] = entry
