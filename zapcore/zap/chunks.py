"""The chunks of a leaf: how they are taken off its free list and given back to it, one by one, or as the
arrays that hold names and values. From module/zfs/zap_leaf.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zapcore import layout as L
from zapcore.errors import fail, openzfs

if TYPE_CHECKING:
    from zapcore.zap.leaf import Leaf

_FREE_CHUNK = L.FREE_CHUNK.packing
_TYPE_AND_ARRAY = L.B_ARRAY + L.ARRAY_BYTES
"""The bytes of an array chunk in front of its link."""


@openzfs("zap_leaf.c", "zap_leaf_chunk_alloc")
def chunks_alloc(leaf: Leaf, count: int, kind: int) -> list[int]:
    """Take chunks off the free list, one after the other, and give them their type. Each keeps its link to
    the next one in the list, and an array is linked in just this way."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, raw = buf.h, buf.raw
    first, chunks, size, is_free = geo.first_chunk, geo.chunks, L.CHUNK_SIZE, L.CHUNK_FREE
    links = h[geo.h_chunk + L.H_CHUNK_NEXT :: L.H_PER_CHUNK]
    free = h[L.H_NFREE]
    chunk = h[L.H_FREELIST]
    taken = []
    for _ in range(min(count, free)):
        if chunk >= chunks:
            fail(
                "chunk < ZAP_LEAF_NUMCHUNKS(l)",
                macro="VERIFY3U",
                values=(chunk, chunks),
                operator="<",
                line=181,
            )
        at = first + size * chunk
        if raw[at] != is_free:
            fail("ZAP_LEAF_CHUNK(l, chunk).l_free.lf_type == ZAP_CHUNK_FREE", macro="VERIFY3U", line=182)
        raw[at] = kind
        taken.append(chunk)
        chunk = links[chunk]
    if count > free:
        fail("zap_leaf_phys(l)->l_hdr.lh_nfree > 0", line=178)
    h[L.H_FREELIST] = chunk
    h[L.H_NFREE] = free - count
    return taken


@openzfs("zap_leaf.c", "zap_leaf_chunk_free")
def chunk_free(leaf: Leaf, chunk: int) -> None:
    """Clear a chunk and put it first on the free list."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h, raw, chunks = buf.h, buf.raw, geo.chunks
    if h[L.H_NFREE] >= chunks:
        fail("zap_leaf_phys(l)->l_hdr.lh_nfree < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=196)
    if chunk >= chunks:
        fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=197)
    at = geo.first_chunk + L.CHUNK_SIZE * chunk
    if raw[at] == L.CHUNK_FREE:
        fail("zlf->lf_type != ZAP_CHUNK_FREE", line=198)
    _FREE_CHUNK.pack_into(raw, at, L.CHUNK_FREE, b"", h[L.H_FREELIST])
    h[L.H_FREELIST] = chunk
    h[L.H_NFREE] += 1


@openzfs("zap_leaf.c", "zap_leaf_chunk_free")
def _too_many_are_free() -> None:
    """What chunk_free() asserts first."""
    fail("zap_leaf_phys(l)->l_hdr.lh_nfree < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=196)


@openzfs("zap_leaf.c", "zap_leaf_array_create")
def array_create(leaf: Leaf, data: bytes) -> int:
    """Store big-endian bytes in chunks. Returns the first chunk, or CHAIN_END if there are no bytes. Bytes of
    the last chunk that are not needed stay what they were."""
    if not data:
        return L.CHAIN_END
    geo = leaf.geometry
    raw = leaf.dbuf.buf.raw
    chunks = chunks_alloc(leaf, L.array_chunks(len(data)), L.CHUNK_ARRAY)
    content, size, room = geo.first_chunk + L.B_ARRAY, L.CHUNK_SIZE, L.ARRAY_BYTES
    end = 0
    for chunk in chunks[:-1]:
        start = content + size * chunk
        raw[start : start + room] = data[end : end + room]
        end += room
    last = chunks[-1]
    start = content + L.CHUNK_SIZE * last
    raw[start : start + len(data) - end] = data[end:]
    leaf.dbuf.buf.h[geo.h_chunk + L.H_PER_CHUNK * last + L.H_CHUNK_NEXT] = L.CHAIN_END
    return chunks[0]


def freed_fields(leaf: Leaf) -> tuple[int, int]:
    """The two links from an entry to its arrays, in the order in which the arrays are freed with the
    entry."""
    if leaf.dbuf.dnode.objset.release.keeps_chunk_order:
        return L.H_VALUE_CHUNK, L.H_NAME_CHUNK
    return L.H_NAME_CHUNK, L.H_VALUE_CHUNK


def array_free(leaf: Leaf, link: int) -> None:
    """Free the array to which the 16-bit word at index `link` points, chunk by chunk."""
    if leaf.dbuf.dnode.objset.release.keeps_chunk_order:
        _free_in_order(leaf, leaf.dbuf.buf.h[link])
    else:
        _free_reversed(leaf, link)


@openzfs("zap_leaf.c", "zap_leaf_array_free")
def _free_in_order(leaf: Leaf, chunk: int) -> None:
    """Free an array so that its first chunk becomes the first of the free list (since 9a81484e35)."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    raw, h = buf.raw, buf.h
    first, next_at, chunks = geo.first_chunk, geo.h_chunk + L.H_CHUNK_NEXT, geo.chunks
    free, old_head = h[L.H_NFREE], h[L.H_FREELIST]
    tail = L.H_FREELIST
    h[tail] = chunk
    while chunk != L.CHAIN_END:
        if chunk >= chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U")
        at = first + L.CHUNK_SIZE * chunk
        if raw[at] != L.CHUNK_ARRAY:
            fail("c->l_array.la_type == ZAP_CHUNK_ARRAY", macro="VERIFY3U")
        if free >= chunks:
            fail("hdr->lh_nfree < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U")
        tail = next_at + L.H_PER_CHUNK * chunk
        chunk = h[tail]
        _FREE_CHUNK.pack_into(raw, at, L.CHUNK_FREE, b"", chunk)
        free += 1
    h[tail] = old_head
    h[L.H_NFREE] = free


@openzfs("zap_leaf.c", "zap_leaf_array_free")
def _free_reversed(leaf: Leaf, link: int) -> None:
    """Free an array so that its last chunk becomes the first of the free list. The link to the array is
    cleared."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    raw, h = buf.raw, buf.h
    first, chunks, size, is_array, end = geo.first_chunk, geo.chunks, L.CHUNK_SIZE, L.CHUNK_ARRAY, L.CHAIN_END
    links = h[geo.h_chunk + L.H_CHUNK_NEXT :: L.H_PER_CHUNK]
    pack = _FREE_CHUNK.pack_into
    chunk = h[link]
    h[link] = end
    free, head = h[L.H_NFREE], h[L.H_FREELIST]
    while chunk != end:
        at = first + size * chunk
        # Real code reads the type behind the block if the number is too large. It is hardly ever an array's
        # there.
        if chunk >= chunks or raw[at] != is_array:
            fail("ZAP_LEAF_CHUNK(l, chunk).l_array.la_type == ZAP_CHUNK_ARRAY", macro="VERIFY3U", line=261)
        if free >= chunks:
            _too_many_are_free()
        following = links[chunk]
        pack(raw, at, L.CHUNK_FREE, b"", head)
        free += 1
        head = chunk
        chunk = following
    h[L.H_NFREE], h[L.H_FREELIST] = free, head


@openzfs("zap_leaf.c", "zap_leaf_array_read")
def read_array(leaf: Leaf, chunk: int, size: int, *, short: bool = False) -> bytes:
    """The first `size` bytes of an array, big-endian as stored.

    `short` says that OpenZFS takes a shorter way in this case, on which it does not check the number of a
    chunk: in a damaged leaf it reads what lies behind the block.
    """
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    raw, h = buf.raw, buf.h
    content, next_at, chunks = geo.first_chunk + L.B_ARRAY, geo.h_chunk + L.H_CHUNK_NEXT, geo.chunks
    if 0 < size <= L.ARRAY_BYTES and chunk < chunks:
        return bytes(raw[content + L.CHUNK_SIZE * chunk : content + L.CHUNK_SIZE * chunk + size])
    pieces = []
    for left in range(size, 0, -L.ARRAY_BYTES):
        if chunk >= chunks and short:
            fail("the chunks of an array are in its leaf")
        if chunk >= chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=310)
        start = content + L.CHUNK_SIZE * chunk
        pieces.append(raw[start : start + min(left, L.ARRAY_BYTES)])
        chunk = h[next_at + L.H_PER_CHUNK * chunk]
    return b"".join(pieces)


def array_is(leaf: Leaf, chunk: int, wanted: bytes) -> bool:
    """Whether an array begins with these bytes. Nothing behind the first chunk that differs is looked at.

    This is a part of zap_leaf_array_match(), so a failed assertion here has that function as its place.
    """
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    raw, h = buf.raw, buf.h
    content, next_at, chunks = geo.first_chunk + L.B_ARRAY, geo.h_chunk + L.H_CHUNK_NEXT, geo.chunks
    size = len(wanted)
    if size <= L.ARRAY_BYTES and chunk < chunks:
        return bytes(raw[content + L.CHUNK_SIZE * chunk : content + L.CHUNK_SIZE * chunk + size]) == wanted
    for at in range(0, size, L.ARRAY_BYTES):
        if chunk >= chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=367)
        piece = wanted[at : at + L.ARRAY_BYTES]
        start = content + L.CHUNK_SIZE * chunk
        if raw[start : start + len(piece)] != piece:
            return False
        chunk = h[next_at + L.H_PER_CHUNK * chunk]
    return True


@openzfs("zap_leaf.c", "zap_leaf_array_copy")
def array_copy(old: Leaf, chunk: int, new: Leaf) -> int:
    """Copy the chunks of an array to the new leaf, with all their bytes. Returns the first one there (since
    9a81484e35)."""
    geo = old.geometry
    old_h, old_raw = old.dbuf.buf.h, old.dbuf.buf.raw
    contents: list[bytearray] = []
    # chunks are taken one by one: an array that does not end runs out of them
    while chunk != L.CHAIN_END and len(contents) <= new.dbuf.buf.h[L.H_NFREE]:
        if chunk >= geo.chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U")
        source = geo.first_chunk + L.CHUNK_SIZE * chunk
        if old_raw[source] != L.CHUNK_ARRAY:
            fail("la->la_type == ZAP_CHUNK_ARRAY", macro="VERIFY3U")
        contents.append(old_raw[source : source + _TYPE_AND_ARRAY])
        chunk = old_h[geo.h_chunk + L.H_PER_CHUNK * chunk + L.H_CHUNK_NEXT]
    return _placed(new, contents)


@openzfs("zap_leaf.c", "zap_leaf_transfer_array")
def array_transfer(old: Leaf, chunk: int, new: Leaf) -> int:
    """Move the chunks of an array to the new leaf, with all their bytes. Returns the first one there."""
    geo = old.geometry
    old_h, old_raw = old.dbuf.buf.h, old.dbuf.buf.raw
    contents = []
    while chunk != L.CHAIN_END:
        if chunk >= geo.chunks:
            fail("chunk < ZAP_LEAF_NUMCHUNKS(l)", macro="VERIFY3U", line=719)
        following = old_h[geo.h_chunk + L.H_PER_CHUNK * chunk + L.H_CHUNK_NEXT]
        source = geo.first_chunk + L.CHUNK_SIZE * chunk
        contents.append(old_raw[source : source + _TYPE_AND_ARRAY])
        chunk_free(old, chunk)
        chunk = following
    return _placed(new, contents)


def _placed(leaf: Leaf, contents: list[bytearray]) -> int:
    """Put chunks with these contents, which include their types, into a leaf as one array. Returns the first
    one."""
    if not contents:
        return L.CHAIN_END
    geo = leaf.geometry
    placed = chunks_alloc(leaf, len(contents), L.CHUNK_ARRAY)
    raw = leaf.dbuf.buf.raw
    for place, content in zip(placed, contents, strict=True):
        target = geo.first_chunk + L.CHUNK_SIZE * place
        raw[target : target + _TYPE_AND_ARRAY] = content
    leaf.dbuf.buf.h[geo.h_chunk + L.H_PER_CHUNK * placed[-1] + L.H_CHUNK_NEXT] = L.CHAIN_END
    return placed[0]
