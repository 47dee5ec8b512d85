"""Splitting a leaf: the entries whose next bit of the hash is 1 move to a new leaf. From
module/zfs/zap_leaf.c."""

from __future__ import annotations

from zapcore import layout as L
from zapcore.errors import openzfs
from zapcore.zap.chunks import array_copy, array_free, array_transfer, chunk_free, chunks_alloc, freed_fields
from zapcore.zap.leaf import Leaf, _link_entry


@openzfs("zap_leaf.c", "zap_leaf_transfer_entry")
def _transfer_entry(old: Leaf, entry: int, new: Leaf) -> None:
    geo = old.geometry
    old_buf, new_buf = old.dbuf.buf, new.dbuf.buf
    chunk = chunks_alloc(new, 1, L.CHUNK_ENTRY)[0]
    source = geo.first_chunk + L.CHUNK_SIZE * entry
    target = geo.first_chunk + L.CHUNK_SIZE * chunk
    new_buf.raw[target : target + L.CHUNK_SIZE] = old_buf.raw[source : source + L.CHUNK_SIZE]
    _link_entry(new, chunk)
    old_at = geo.h_chunk + L.H_PER_CHUNK * entry
    new_at = geo.h_chunk + L.H_PER_CHUNK * chunk
    copies = old.dbuf.dnode.objset.release.keeps_chunk_order
    move = array_copy if copies else array_transfer
    for field in (L.H_NAME_CHUNK, L.H_VALUE_CHUNK):
        new_buf.h[new_at + field] = move(old, old_buf.h[old_at + field], new)
    if copies:
        for field in freed_fields(old):
            array_free(old, old_at + field)
    chunk_free(old, entry)
    old_buf.h[L.H_NENTRIES] -= 1
    new_buf.h[L.H_NENTRIES] += 1


@openzfs("zap_leaf.c", "zap_leaf_split")
def split(old: Leaf, new: Leaf, sort: bool) -> None:
    """Halve the range of hashes of the old leaf. The entries in the upper half move to the new leaf, in the
    order of their chunks."""
    geo = old.geometry
    buf = old.dbuf.buf
    h, q, raw = buf.h, buf.q, buf.raw
    bit = 1 << (63 - h[L.H_PREFIX_LEN])
    q[L.Q_PREFIX] = (q[L.Q_PREFIX] << 1) & ((1 << 64) - 1)
    h[L.H_PREFIX_LEN] += 1
    new.dbuf.buf.q[L.Q_PREFIX] = q[L.Q_PREFIX] | 1
    new.dbuf.buf.h[L.H_PREFIX_LEN] = h[L.H_PREFIX_LEN]
    raw[L.LEAF_HEADER_SIZE : geo.first_chunk] = b"\xff" * (geo.first_chunk - L.LEAF_HEADER_SIZE)
    if sort:
        raw[L.B_FLAGS] |= L.ENTRIES_CDSORTED
    types = raw[geo.first_chunk : geo.chunks_end : L.CHUNK_SIZE]
    for chunk, kind in enumerate(types):
        if kind != L.CHUNK_ENTRY:
            continue
        if q[geo.q_chunk + L.Q_PER_CHUNK * chunk + L.Q_HASH] & bit:
            _transfer_entry(old, chunk, new)
        else:
            _link_entry(old, chunk)
