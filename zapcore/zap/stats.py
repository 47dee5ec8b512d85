"""Statistics of a ZAP: its size, and histograms of how full it is (zap_get_stats)."""

from __future__ import annotations

from typing import NamedTuple

from zapcore import layout as L
from zapcore.dmu.objset import Objset
from zapcore.errors import ZapErrno, openzfs
from zapcore.zap.fat import leaf_of_block, put_leaf
from zapcore.zap.leaf import Leaf
from zapcore.zap.zap import FTAG, Zap, lock, unlock

BINS = 10
Histogram = tuple[int, ...]


class Stats(NamedTuple):
    """zap_stats_t, with its fields in its order. A histogram has ten bins. The last one also counts
    everything that is larger."""

    table_len: int = 0
    block_size: int = 0
    num_blocks: int = 0
    table_nextblk: int = 0
    table_blks_copied: int = 0
    table_blk: int = 0
    table_numblks: int = 0
    table_shift: int = 0
    block_type: int = 0
    magic: int = 0
    num_leafs: int = 0
    num_entries: int = 0
    salt: int = 0
    leafs_with_2n_pointers: Histogram = (0,) * BINS
    blocks_with_n5_entries: Histogram = (0,) * BINS
    blocks_n_tenths_full: Histogram = (0,) * BINS
    entries_using_n_chunks: Histogram = (0,) * BINS
    buckets_with_n_entries: Histogram = (0,) * BINS


@openzfs("zap_micro.c", "zap_get_stats")
def stats(objset: Objset, number: int) -> Stats:
    """The statistics of a ZAP. Raises ENOENT."""
    zap = lock(objset, number, FTAG, None, False, True, False)
    if zap.micro is None:
        found = _fat_stats(zap)
    else:
        found = Stats(block_size=zap.dbuf.size, num_entries=len(zap.micro.entries), num_blocks=1)
    unlock(zap, FTAG)
    return found


@openzfs("zap.c", "fzap_get_stats")
def _fat_stats(zap: Zap) -> Stats:
    q = zap.dbuf.buf.q
    header = Stats(
        1 << q[L.Q_TBL_SHIFT],
        1 << zap.block_shift,
        q[L.Q_FREEBLK],
        q[L.Q_TBL_NEXTBLK],
        q[L.Q_TBL_COPIED],
        q[L.Q_TBL_BLK],
        q[L.Q_TBL_NUMBLKS],
        q[L.Q_TBL_SHIFT],
        q[L.Q_BLOCK_TYPE],
        q[L.Q_MAGIC],
        q[L.Q_NUM_LEAFS],
        q[L.Q_NUM_ENTRIES],
        q[L.Q_SALT],
    )  # other threads may change the number of entries while the leaves are read
    histograms = [[0] * BINS for _ in range(5)]
    if q[L.Q_TBL_NUMBLKS] == 0:
        half = 1 << L.embedded_shift(zap.block_shift)
        _table_stats(zap, q[half : 2 * half].tolist(), histograms)
    else:
        for block in range(q[L.Q_TBL_BLK], q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS]):
            try:
                dbuf = zap.dnode.hold(block, FTAG)
            except ZapErrno:
                continue  # its leaves are not counted
            _table_stats(zap, dbuf.buf.q.tolist(), histograms)
            dbuf.rele(FTAG)
    pointers, entries, tenths, chunks, buckets = map(tuple, histograms)
    return header._replace(
        leafs_with_2n_pointers=pointers,
        blocks_with_n5_entries=entries,
        blocks_n_tenths_full=tenths,
        entries_using_n_chunks=chunks,
        buckets_with_n_entries=buckets,
    )


@openzfs("zap.c", "zap_stats_ptrtbl")
def _table_stats(zap: Zap, table: list[int], histograms: list[list[int]]) -> None:
    """Count each leaf once. But a leaf whose pointers fill more than one block of the table is counted once
    for each of these blocks."""
    last = 0
    for block in table:
        if block == last:
            continue
        last = block
        try:
            leaf = leaf_of_block(zap, block, None, False)
        except ZapErrno:
            continue
        _leaf_stats(zap, leaf, histograms)
        put_leaf(leaf)


@openzfs("zap_leaf.c", "zap_leaf_stats")
def _leaf_stats(zap: Zap, leaf: Leaf, histograms: list[list[int]]) -> None:
    """Count what is in one leaf. Like OpenZFS, this takes each word of a key for a byte, and a chunk for 22
    bytes."""
    geo = leaf.geometry
    buf = leaf.dbuf.buf
    h = buf.h
    pointers, entries, tenths, chunks, buckets = histograms
    pointers[_bin(zap.dbuf.buf.q[L.Q_TBL_SHIFT] - h[L.H_PREFIX_LEN])] += 1
    entries[_bin(h[L.H_NENTRIES] // 5)] += 1
    tenths[_bin((geo.size - h[L.H_NFREE] * (L.ARRAY_BYTES + 1)) * 10 // geo.size)] += 1
    for bucket in range(geo.hash_entries):
        chunk = h[geo.h_hash + bucket]
        length = 0
        while chunk != L.CHAIN_END:
            at = geo.h_chunk + L.H_PER_CHUNK * chunk
            value = h[at + L.H_VALUE_NUMINTS] * buf.raw[2 * at + L.B_INTLEN]
            chunks[_bin(1 + L.array_chunks(h[at + L.H_NAME_NUMINTS]) + L.array_chunks(value))] += 1
            chunk = h[at + L.H_ENTRY_NEXT]
            length += 1
        buckets[_bin(length)] += 1


def _bin(value: int) -> int:
    return min(value, BINS - 1)
