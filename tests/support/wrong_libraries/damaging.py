"""A worker of the real library that damages blocks in memory when it is told to, and the target that has it.

`python -m tests.support.wrong_libraries.damaging` is the worker."""

from __future__ import annotations

import ctypes
import sys

from fuzz.targets.libzpool.blocks_and_dbufs import read_blocks
from fuzz.targets.libzpool.plain_target import START_SECONDS
from fuzz.targets.libzpool.process.child import Child
from fuzz.targets.libzpool.process.worker import Worker, main
from fuzz.targets.libzpool.salt import DATA_AT
from fuzz.targets.libzpool.target import LibzpoolTarget


class DamagingTarget(LibzpoolTarget):
    """A real library whose blocks can be written to behind its back."""

    def damage(self, offset: int, data: bytes) -> None:
        """Put bytes at an offset of the first ZAP's object, within one block."""
        self.go_wrong(f"{offset} {data.hex()}")

    def _new_child(self) -> Child:
        return Child(self.library, START_SECONDS, "tests.support.wrong_libraries.damaging")


class DamagingWorker(Worker):
    """Goes wrong by an offset and what is to lie there."""

    def _die(self, how: str) -> bytes:
        offset, _, digits = how.partition(" ")
        world = self._session.world
        lib, tag, number = world.lib, world.pool.tag, world.zaps[0].number
        size, _ = read_blocks(world, 0)
        tx = world.begin_tx(number, 1)
        dbuf = ctypes.c_void_p()
        lib.dmu_buf_hold(world.os, number, int(offset), tag, ctypes.addressof(dbuf), lib.look)
        lib.dmu_buf_will_dirty(dbuf.value, tx)
        content = ctypes.c_uint64.from_address(dbuf.value + DATA_AT).value  # type: ignore[operator]
        data = bytes.fromhex(digits)
        ctypes.memmove(content + int(offset) % size, data, len(data))
        lib.dmu_buf_rele(dbuf.value, tag)
        lib.dmu_tx_commit(tx)
        return b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], DamagingWorker))
