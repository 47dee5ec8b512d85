"""Verbs on directories: the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP."""

from __future__ import annotations

import ctypes
import errno

from fuzz.targets.libzpool.abi import TXG_NOWAIT, Attribute
from fuzz.targets.libzpool.cursors import Cursor, Cursors
from fuzz.targets.libzpool.wire import WireOp, pack_result
from fuzz.targets.libzpool.world import PLAIN, NoRoom, Object
from zapcore.zap.name import LONG_NAME, MAX_NAME

KIND_SHIFT = 60
DIRECTORY, FILE = 4 << KIND_SHIFT, 8 << KIND_SHIFT
"""ZFS_DIRENT_MAKE (include/sys/zfs_znode.h): DT_DIR and DT_REG in the top bits of an entry."""


class Directories(Cursors):
    """The verbs of `zapcore.zpl`, as the library's calls."""

    def _touch(self, op: WireOp) -> bytes:
        return self._make_entry(op, FILE)

    def _mkdir(self, op: WireOp) -> bytes:
        return self._make_entry(op, DIRECTORY)

    def _too_long(self, name: bytes) -> bool:
        """Whether zpl_lookup() refuses a name (with longname=on where the library knows of that)."""
        return len(name) >= (LONG_NAME if self.lib.has_attribute_alloc else MAX_NAME)

    def _look(self, zap: Object, name: bytes) -> tuple[int, int]:
        """errno and first integer of a directory's entry, as zfs_match_find() has them."""
        if self._too_long(name):
            return errno.ENAMETOOLONG, 0
        self._two[0] = 0
        error: int = self.lib.zap_lookup(self.os, zap.number, name, 8, 1, ctypes.addressof(self._two))
        return 0 if error == errno.EOVERFLOW else error, self._two[0]

    def _link(self, zap: Object, name: bytes, value: int, tx: int) -> int:
        data = value.to_bytes(8, "little")
        error: int = self.lib.zap_add(self.os, zap.number, name, 8, 1, data, tx)
        return error

    def _make_entry(self, op: WireOp, kind: int) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return PLAIN[zap]
        error, _ = self._look(zap, op.key)
        if error != errno.ENOENT:
            return PLAIN[error or errno.EEXIST]
        tx = self._begin_tx(zap.number, 1)
        error = self._link(zap, op.key, kind | op.fill, tx)
        self.lib.dmu_tx_commit(tx)
        return PLAIN[error]

    def _unlink(self, op: WireOp) -> bytes:
        return self._drop_entry(op, False, errno.EPERM)

    def _rmdir(self, op: WireOp) -> bytes:
        return self._drop_entry(op, True, errno.ENOTDIR)

    def _drop_entry(self, op: WireOp, directory: bool, otherwise: int) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return PLAIN[zap]
        error, value = self._look(zap, op.key)
        if error:
            return PLAIN[error]
        if (value >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT) is not directory:
            return PLAIN[otherwise]
        tx = self._begin_tx(zap.number, 0)
        failed: int = self.lib.zap_remove(self.os, zap.number, op.key, tx)
        self.lib.dmu_tx_commit(tx)
        return PLAIN[failed]

    def _rename(self, op: WireOp) -> bytes:
        source, target = self._named(op.target), self._named(op.other)
        if isinstance(source, int):
            return PLAIN[source]
        if isinstance(target, int):
            return PLAIN[target]
        missing, value = self._look(source, op.key)
        if missing not in (0, errno.ENOENT):
            return PLAIN[missing]
        error, there = self._look(target, op.to)
        if error not in (0, errno.ENOENT):
            return PLAIN[error]
        if missing:
            return PLAIN[missing]
        if source is target and op.key == op.to:
            return PLAIN[0]
        moving, hit = (each >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT for each in (value, there))
        if not error and moving is not hit:
            return PLAIN[errno.ENOTDIR if moving else errno.EISDIR]
        return PLAIN[self._move(source, target, op, value, replace=not error)]

    def _move(self, source: Object, target: Object, op: WireOp, value: int, *, replace: bool) -> int:
        lib = self.lib
        tx: int = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_zap(tx, source.number, 0, None)
        lib.dmu_tx_hold_zap(tx, target.number, 1, None)
        if error := lib.dmu_tx_assign(tx, TXG_NOWAIT):
            lib.dmu_tx_abort(tx)
            raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")
        # zfs_rename() is not in the library; block cloning came with the same release as its order, 2.2
        first = hasattr(lib.handle, "brt_init")
        failed: int = self._unlink_name(source, op.key, tx) if first else 0
        if replace:
            failed = failed or self._unlink_name(target, op.to, tx)
        if not failed:
            self._tune_for(target)
            failed = self._link(target, op.to, value, tx)
            if failed and first:  # as the target is tuned: whoever renames sets no tunable in between
                self._link(source, op.key, value, tx)
        if not first:
            failed = failed or self._unlink_name(source, op.key, tx)
        lib.dmu_tx_commit(tx)
        return failed

    def _unlink_name(self, zap: Object, name: bytes, tx: int) -> int:
        self._tune_for(zap)
        error: int = self.lib.zap_remove(self.os, zap.number, name, tx)
        return error

    def _readdir(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return PLAIN[zap]
        cursor = self._spare.pop() if self._spare else Cursor()
        lib, names, bad = self.lib, [], False
        lib.zap_cursor_init(cursor.address, self.os, zap.number)
        found = Attribute.from_address(self._attribute)
        while not bad and not (error := lib.zap_cursor_retrieve(cursor.address, self._attribute)):
            bad = found.integer_length != 8 or found.num_integers == 0
            names.append(ctypes.string_at(self._attribute + lib.named_at) + b"\0")
            lib.zap_cursor_advance(cursor.address)
        lib.zap_cursor_fini(cursor.address)
        self._spare.append(cursor)
        if bad:
            return PLAIN[errno.ENXIO]
        return pack_result(0, b"".join(names)) if error == errno.ENOENT else PLAIN[error]
