"""What lies in a ZAP's blocks, who holds their dbufs, and digests of both."""

from __future__ import annotations

import ctypes
import os

from fuzz.targets.libzpool.abi import ObjectInfo
from fuzz.targets.libzpool.pool import PoolLost
from fuzz.targets.libzpool.wire import block_digest, join_digests
from fuzz.targets.libzpool.world import World


def read_blocks(world: World, index: int) -> tuple[int, bytes]:
    """Block size and content of a ZAP's object up to the highest block it has had; (0, b"") where it is
    destroyed. Blocks that were freed read as zeros. Raises PoolLost."""
    zap, lib = world.zaps[index], world.lib
    if not zap.number:
        return 0, b""
    info, objset = ObjectInfo(), world.objset_of(zap)
    if error := lib.dmu_object_info(objset, zap.number, ctypes.addressof(info)):
        raise PoolLost(f"dmu_object_info: {os.strerror(error)}")
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


class ZapDigest:
    """The digest of one ZAP's blocks, and what it was made of: what has not changed is not digested again."""

    __slots__ = ("_block_size", "_digest", "_digests", "_stripped")

    def __init__(self) -> None:
        self._stripped = b""
        self._block_size = 0
        self._digests: list[bytes] = []
        self._digest = join_digests(())

    def look(self, world: World, index: int) -> bytes:
        """A 1 and the digests of the ZAP's blocks and of their dbufs, or a 0 where it is destroyed."""
        size, content = read_blocks(world, index)
        if not size:
            return b"\0"
        dbufs = block_digest(dbuf_states(world, index, size, len(content)))
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
