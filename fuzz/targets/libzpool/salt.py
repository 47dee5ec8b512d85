"""Giving a ZAP the program's salt instead of the one that OpenZFS makes from addresses.

`mzap_create_impl` (zap_micro.c) mixes the addresses of a dbuf and a transaction into the salt. A ZAP without
creation flags is not opened by its creation, so the bytes of its block are all there is. One with flags is:
its zap_t, which is the user data of block 0, keeps the salt too. Where in zap_t is found once, by looking
for the value that the header has.
"""

from __future__ import annotations

import ctypes
import struct

from fuzz.targets.libzpool.abi import DMU_NEW_OBJECT, DMU_OBJECT_END, TXG_NOWAIT
from fuzz.targets.libzpool.pool import Pool, PoolProblem

MICRO_SALT = 8
FAT_SALT = 80
_ZAP_BYTES = 256
DATA_AT = 24
"""Offset of db_data in dmu_buf_t."""


class SaltWriter:
    """Writes salts. `zap_t_offset` is where zap_t keeps its own, in bytes."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._lib = pool, pool.lib
        self._dbuf = ctypes.c_void_p()
        self.zap_t_offset = self._find()

    def write(self, objset: int, number: int, salt: int, fat: bool, tx: int) -> None:
        """Set the salt of an object that this transaction has just created."""
        lib, tag = self._lib, self._pool.tag
        lib.dmu_buf_hold(objset, number, 0, tag, ctypes.addressof(self._dbuf), lib.look)
        dbuf = self._dbuf.value
        assert dbuf is not None
        lib.dmu_buf_will_dirty(dbuf, tx)
        data = self.data_of(dbuf)
        ctypes.c_uint64.from_address(data + (FAT_SALT if fat else MICRO_SALT)).value = salt
        if fat:
            user = lib.dmu_buf_get_user(dbuf)
            ctypes.c_uint64.from_address(user + self.zap_t_offset).value = salt
        lib.dmu_buf_rele(dbuf, tag)

    def data_of(self, dbuf: int) -> int:
        """Where a dbuf's bytes are (db_data)."""
        return int(ctypes.c_uint64.from_address(dbuf + DATA_AT).value)

    def _sample(self) -> set[int]:
        """The offsets in a new ZAP's zap_t at which its salt stands."""
        lib, pool = self._lib, self._pool
        tx = lib.dmu_tx_create(pool.os)
        lib.dmu_tx_hold_zap(tx, DMU_NEW_OBJECT, 1, None)
        if lib.dmu_tx_assign(tx, TXG_NOWAIT):
            raise PoolProblem("an empty pool has no room")
        number = lib.zap_create_flags(pool.os, 0, 1, 1, 9, 17, 0, 0, tx)
        lib.dmu_tx_commit(tx)
        lib.dmu_buf_hold(pool.os, number, 0, pool.tag, ctypes.addressof(self._dbuf), lib.look)
        dbuf = self._dbuf.value
        assert dbuf is not None
        data = self.data_of(dbuf)
        salt = ctypes.c_uint64.from_address(data + FAT_SALT).value
        memory = ctypes.string_at(lib.dmu_buf_get_user(dbuf), _ZAP_BYTES)
        lib.dmu_buf_rele(dbuf, pool.tag)
        tx = lib.dmu_tx_create(pool.os)
        lib.dmu_tx_hold_free(tx, number, 0, DMU_OBJECT_END)
        lib.dmu_tx_assign(tx, TXG_NOWAIT)
        lib.zap_destroy(pool.os, number, tx)
        lib.dmu_tx_commit(tx)
        return {8 * k for k, word in enumerate(struct.unpack(f"<{_ZAP_BYTES // 8}Q", memory)) if word == salt}

    def _find(self) -> int:
        offsets = self._sample() & self._sample()
        if len(offsets) != 1:
            raise PoolProblem(f"the salt's place in zap_t is not clear: {sorted(offsets)}")
        return offsets.pop()
