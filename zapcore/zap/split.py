"""Splitting a leaf: the entries whose next hash bit is 1 move to a new leaf. From module/zfs/zap_leaf.c."""

from __future__ import annotations

from zapcore import layout as L
from zapcore.errors import fail, openzfs
from zapcore.zap.leaf import Leaf, _chunk_free, _chunks_alloc, _link_entry


@openzfs("zap_leaf.c", "zap_leaf_transfer_array")
def _transfer_array(old: Leaf, chunk: int, new: Leaf) -> int:
    """Move an array's chunks, whole; returns the first in the new leaf."""
    geo = old.geometry
    old_h, old_raw = old.dbuf.buf.h, old.dbuf.buf.raw
    contents = []
    while chunk != L.CHAIN_END:
        if chunk >= geo.chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=719)
        following = old_h[geo.h_chunk + 12 * chunk + L.H_CHUNK_NEXT]
        source = geo.first_chunk + 24 * chunk
        contents.append(old_raw[source : source + 22])
        _chunk_free(old, chunk)
        chunk = following
    if not contents:
        return L.CHAIN_END
    moved = _chunks_alloc(new, len(contents), L.CHUNK_ARRAY)
    new_raw = new.dbuf.buf.raw
    for place, content in zip(moved, contents, strict=True):
        target = geo.first_chunk + 24 * place
        new_raw[target : target + 22] = content
    new.dbuf.buf.h[geo.h_chunk + 12 * moved[-1] + L.H_CHUNK_NEXT] = L.CHAIN_END
    return moved[0]


@openzfs("zap_leaf.c", "zap_leaf_transfer_entry")
def _transfer_entry(old: Leaf, entry: int, new: Leaf) -> None:
    geo = old.geometry
    old_buf, new_buf = old.dbuf.buf, new.dbuf.buf
    chunk = _chunks_alloc(new, 1, L.CHUNK_ENTRY)[0]
    source = geo.first_chunk + L.CHUNK_SIZE * entry
    target = geo.first_chunk + L.CHUNK_SIZE * chunk
    new_buf.raw[target : target + L.CHUNK_SIZE] = old_buf.raw[source : source + L.CHUNK_SIZE]
    _link_entry(new, chunk)
    old_at = geo.h_chunk + 12 * entry
    new_at = geo.h_chunk + 12 * chunk
    for field in (L.H_NAME_CHUNK, L.H_VALUE_CHUNK):
        new_buf.h[new_at + field] = _transfer_array(old, old_buf.h[old_at + field], new)
    _chunk_free(old, entry)
    old_buf.h[L.H_NENTRIES] -= 1
    new_buf.h[L.H_NENTRIES] += 1


@openzfs("zap_leaf.c", "zap_leaf_split")
def split(old: Leaf, new: Leaf, sort: bool) -> None:
    """Halve the old leaf's range of hashes: entries in its upper half go to the new leaf, in chunk order."""
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
    types = raw[geo.first_chunk : geo.first_chunk + L.CHUNK_SIZE * geo.chunks : L.CHUNK_SIZE]
    for chunk, kind in enumerate(types):
        if kind != L.CHUNK_ENTRY:
            continue
        if q[geo.q_chunk + 3 * chunk + L.Q_HASH] & bit:
            _transfer_entry(old, chunk, new)
        else:
            _link_entry(old, chunk)
