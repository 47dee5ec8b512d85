"""What lies in a ZAP's blocks, who holds their dbufs, and digests of both."""

from __future__ import annotations

import ctypes
import os
import struct

from fuzz.targets.libzpool.abi import ObjectInfo
from fuzz.targets.libzpool.pool import PoolLost
from fuzz.targets.libzpool.wire import block_digest, join_digests
from fuzz.targets.libzpool.world import World


def _object_info(world: World, index: int) -> ObjectInfo:
    """dmu_object_info() of a ZAP's object. Raises PoolLost."""
    info, zap = ObjectInfo(), world.zaps[index]
    if error := world.lib.dmu_object_info(world.objset_of(zap), zap.number, ctypes.addressof(info)):
        raise PoolLost(f"dmu_object_info: {os.strerror(error)}")
    return info


def read_blocks(world: World, index: int) -> tuple[int, bytes]:
    """Block size and content of a ZAP's object up to the highest block it has had; (0, b"") where it is
    destroyed. Blocks that were freed read as zeros. Raises PoolLost."""
    zap, lib = world.zaps[index], world.lib
    if not zap.number:
        return 0, b""
    info, objset = _object_info(world, index), world.objset_of(zap)
    count: int = info.max_offset
    if count > len(world.room):
        world.room = ctypes.create_string_buffer(2 * count)
    at = ctypes.addressof(world.room)
    if error := lib.dmu_read(objset, zap.number, 0, count, at, lib.look):
        raise PoolLost(f"dmu_read: {os.strerror(error)}")
    return info.data_block_size, ctypes.string_at(at, count)


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
            self._tree_key, self._tree = key, block_tree(world, index)
        return bytes((info.indirection,)) + self._tree[1:]

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
