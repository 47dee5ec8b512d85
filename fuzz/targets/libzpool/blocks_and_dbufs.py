"""What lies in a ZAP's blocks, who holds their dbufs, and digests of both."""

from __future__ import annotations

import ctypes
import os
import struct
from collections import Counter

from fuzz.targets.base import pack_indirect
from fuzz.targets.libzpool.abi import RW_READER, ObjectInfo
from fuzz.targets.libzpool.pool import PoolLost
from fuzz.targets.libzpool.process.wire import block_digest, join_digests
from fuzz.targets.libzpool.world import World

POINTER_SHIFT = 7
"""log2 of the bytes of a block pointer."""
ADDRESS_BYTES = 16
"""Of a block pointer: where the block is, zeros for a hole."""
BEHIND_ALL = (1 << 62) - 1
LOOKS = 3
"""How often a look asks for blocks: an op may have left a read ahead on its way that `fail` has made fail;
who asks for the block meanwhile gets the answer of that read (arc_read())."""
PARENT_AT = 48
"""Of db_parent in dmu_buf_impl_t: behind dmu_buf_t, the object set and the dnode."""


def _object_info(world: World, index: int) -> ObjectInfo:
    """dmu_object_info() of a ZAP's object. Raises PoolLost."""
    info, zap = ObjectInfo(), world.zaps[index]
    if error := world.lib.dmu_object_info(world.objset_of(zap), zap.number, ctypes.addressof(info)):
        raise PoolLost(f"dmu_object_info: {os.strerror(error)}")
    return info


def read_blocks(world: World, index: int) -> tuple[int, bytes]:
    """Block size and content of a ZAP's object up to the highest block it has had; (0, b"") where it is
    destroyed. Blocks that were freed read as zeros. Raises PoolLost."""
    if not world.zaps[index].number:
        return 0, b""
    info = _object_info(world, index)
    for _ in range(LOOKS):
        error = _read_all(world, index, info.max_offset)
        if not error:
            break
    else:
        raise PoolLost(f"dmu_read: {os.strerror(error)}")
    return info.data_block_size, ctypes.string_at(ctypes.addressof(world.room), info.max_offset)


def _read_all(world: World, index: int, count: int) -> int:
    """dmu_read() of a ZAP's first bytes into `world.room`, and its errno."""
    zap = world.zaps[index]
    if count > len(world.room):
        world.room = ctypes.create_string_buffer(2 * count)
    at = ctypes.addressof(world.room)
    error: int = world.lib.dmu_read(world.objset_of(zap), zap.number, 0, count, at, world.lib.look)
    return error


def wait_for_prefetches(world: World, index: int) -> None:
    """Read a ZAP's blocks, whatever comes of it: who wants a block that is being read waits for that read.
    Raises PoolLost."""
    if world.zaps[index].number:
        _read_all(world, index, _object_info(world, index).max_offset)


def dbuf_states(world: World, index: int, size: int, length: int) -> bytes:
    """Of each block of a ZAP's object, in order, how many hold its dbuf and whether that has user data, a
    byte each; zeros at the end are left out. `size` bytes in a block, `length` in all: see `read_blocks`.
    Raises PoolLost."""
    zap, lib, tag = world.zaps[index], world.lib, world.pool.tag
    dbuf, objset = ctypes.c_void_p(), world.objset_of(zap)
    at = ctypes.byref(dbuf)
    states = bytearray()
    for offset in range(0, length, max(size, 1)):
        if error := lib.dmu_buf_hold(objset, zap.number, offset, tag, at, lib.look):
            raise PoolLost(f"dmu_buf_hold: {os.strerror(error)}")
        states.append(min(lib.dmu_buf_refcount(dbuf) - 1, 255))
        states.append(bool(lib.dmu_buf_get_user(dbuf)))
        lib.dmu_buf_rele(dbuf, tag)
    return bytes(states.rstrip(b"\0"))


def block_tree(world: World, index: int) -> bytes:
    """The levels of a ZAP's object, and which of its blocks are on disk and no holes (`Target.block_tree`).
    Raises PoolLost."""
    zap = world.zaps[index]
    if not zap.number:
        return b""
    info = _object_info(world, index)
    return data_blocks(world, index, info) + indirect_blocks(world, index, info)


def data_blocks(world: World, index: int, info: ObjectInfo) -> bytes:
    """The levels, and the blocks of data on disk."""
    blocks = _on_disk(world, index, info) if info.fill_count else []
    return struct.pack(f"<B{len(blocks)}I", info.indirection, *blocks)


def _on_disk(world: World, index: int, info: ObjectInfo) -> list[int]:
    """dnode_next_offset() from one block that is no hole to the next: it looks at block pointers of all
    levels, as they are on disk, and waits for nothing."""
    zap, lib, tag = world.zaps[index], world.lib, world.pool.tag
    dnode, offset, size = ctypes.c_void_p(), ctypes.c_uint64(), info.data_block_size
    if size & (size - 1):  # it has one block, whose size has no shift, and is no hole
        return [0]
    if error := lib.dnode_hold(world.objset_of(zap), zap.number, tag, ctypes.byref(dnode)):
        raise PoolLost(f"dnode_hold: {os.strerror(error)}")
    blocks = []
    while lib.dnode_next_offset(dnode, 0, ctypes.byref(offset), 1, 1, 0) == 0:
        blocks.append(offset.value // size)
        offset.value = (blocks[-1] + 1) * size
    lib.dnode_rele(dnode, tag)
    return blocks


def indirect_blocks(world: World, index: int, info: ObjectInfo) -> bytes:
    """Of each indirect block that is on disk or dirty, where the header line says how large these are: see
    `Target.block_tree`. Every dbuf that holds one is there now, since all blocks have been read."""
    zap, lib, tag = world.zaps[index], world.lib, world.pool.tag
    bits = zap.shape.indirect_shift - POINTER_SHIFT
    if bits < 0 or info.indirection < 2:
        return b""
    dnode = ctypes.c_void_p()
    if error := lib.dnode_hold(world.objset_of(zap), zap.number, tag, ctypes.byref(dnode)):
        raise PoolLost(f"dnode_hold: {os.strerror(error)}")
    last = max(info.max_offset // info.data_block_size - 1, 0)
    below = _parents(world, dnode, 0, last)
    found, held = [], []
    for level in range(1, info.indirection):
        on_disk = _indirect_on_disk(world, dnode, level, info.data_block_size << level * bits)
        parents: Counter[int] = Counter()
        for blkid in range((last >> level * bits) + 1):
            dbuf = _hold(world, dnode, level, blkid, in_memory=False)
            held.append(dbuf)
            parents[_parent(dbuf)] += 1
            dirty = lib.dmu_buf_refcount(dbuf) - 1 - below[dbuf]
            if dirty or blkid in on_disk:
                found.append(pack_indirect(level, blkid, blkid in on_disk, dirty))
        below = parents
    for dbuf in held:
        lib.dbuf_rele(dbuf, tag)
    lib.dnode_rele(dnode, tag)
    return b"".join(found)


def pointers_to_blocks(world: World, index: int) -> list[bytes]:
    """The block pointers to the blocks of a ZAP, of all levels, that are on disk. Raises PoolLost."""
    zap, lib, tag = world.zaps[index], world.lib, world.pool.tag
    info, dnode = _object_info(world, index), ctypes.c_void_p()
    if error := lib.dnode_hold(world.objset_of(zap), zap.number, tag, ctypes.byref(dnode)):
        raise PoolLost(f"dnode_hold: {os.strerror(error)}")
    bits = info.metadata_block_size.bit_length() - 1 - POINTER_SHIFT
    last = max(info.max_offset // info.data_block_size - 1, 0)
    found = []
    for level in range(info.indirection):
        for blkid in range((last >> level * bits) + 1):
            dbuf = _hold(world, dnode, level, blkid, in_memory=False)
            if pointer := lib.dmu_buf_get_blkptr(dbuf):
                found.append(ctypes.string_at(pointer, 1 << POINTER_SHIFT))
            lib.dbuf_rele(dbuf, tag)
    lib.dnode_rele(dnode, tag)
    return [pointer for pointer in found if any(pointer[:ADDRESS_BYTES])]


def _hold(world: World, dnode: ctypes.c_void_p, level: int, blkid: int, *, in_memory: bool) -> int:
    """The dbuf of a block, held; while it is, it holds the one above it. One that is not there is made, or
    with `in_memory` it is 0."""
    lib, dbuf = world.lib, ctypes.c_void_p()
    lib.rw_enter(dnode, RW_READER)  # dn_struct_rwlock is the first field of dnode_t
    lib.dbuf_hold_impl(dnode, level, blkid, in_memory, in_memory, world.pool.tag, ctypes.byref(dbuf))
    lib.rw_exit(dnode)
    return dbuf.value or 0


def _parent(dbuf: int) -> int:
    """db_parent."""
    return ctypes.c_void_p.from_address(dbuf + PARENT_AT).value or 0


def _parents(world: World, dnode: ctypes.c_void_p, level: int, last: int) -> Counter[int]:
    """How many dbufs of a level have which parent."""
    found: Counter[int] = Counter()
    for blkid in range(last + 1):
        if dbuf := _hold(world, dnode, level, blkid, in_memory=not level):
            found[_parent(dbuf)] += 1
            world.lib.dbuf_rele(dbuf, world.pool.tag)
    return found


def _indirect_on_disk(world: World, dnode: ctypes.c_void_p, level: int, span: int) -> set[int]:
    """The indirect blocks of a level that are no holes, of which each leads to so many bytes."""
    offset, found = ctypes.c_uint64(BEHIND_ALL), set[int]()
    if world.lib.dnode_next_offset(dnode, 0, ctypes.byref(offset), level + 1, 1, 0) == 0:
        return found  # on disk the object has not so many levels: anything is found
    offset.value = 0
    while world.lib.dnode_next_offset(dnode, 0, ctypes.byref(offset), level + 1, 1, 0) == 0:
        found.add(offset.value // span)
        offset.value = (offset.value // span + 1) * span
    return found


class ZapDigest:
    """The digest of one ZAP's blocks, and what it was made of: what has not changed is not digested again."""

    __slots__ = ("_block_size", "_digest", "_digests", "_stripped", "_tree", "_tree_key")

    def __init__(self) -> None:
        self._stripped = b""
        self._block_size = 0
        self._digests: list[bytes] = []
        self._digest = join_digests(())
        self._tree_key = (0, 0, 0)
        self._tree = b""

    def _live_tree(self, world: World, index: int) -> bytes:
        """`block_tree`, of which only the levels can change while no txg syncs."""
        info = _object_info(world, index)
        key = (world.zaps[index].number, world.pool.synced, info.fill_count)
        if key != self._tree_key:
            self._tree_key, self._tree = key, data_blocks(world, index, info)
        return bytes((info.indirection,)) + self._tree[1:] + indirect_blocks(world, index, info)

    def look(self, world: World, index: int) -> bytes:
        """A 1 and the digests of the ZAP's blocks and of their dbufs, or a 0 where it is destroyed."""
        size, content = read_blocks(world, index)
        if not size:
            return b"\0"
        dbufs = block_digest(dbuf_states(world, index, size, len(content)) + self._live_tree(world, index))
        content = content.rstrip(b"\0")
        old = self._stripped
        if content != old or size != self._block_size:
            known = self._digests if size == self._block_size else []
            self._block_size = size
            fresh = []
            for at in range(0, len(content), size):
                block = content[at : at + size]
                number = at // size
                if number < len(known) and len(block) == size and block == old[at : at + size]:
                    fresh.append(known[number])
                else:
                    fresh.append(block_digest(block.ljust(size, b"\0")))
            self._stripped, self._digests, self._digest = content, fresh, join_digests(fresh)
        return b"\1" + self._digest + dbufs
