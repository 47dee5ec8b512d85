"""The verbs on directories, as methods of the exported script's World."""

from __future__ import annotations

import ctypes
import errno

from fuzz.export.alone.verbs import Verbs


class Directories(Verbs):
    # @part@
    def too_long(self, key: bytes) -> bool:
        """Whether zpl_lookup() refuses a name: 2.3 has longname=on."""
        return len(key) >= (1024 if hasattr(self.lib, "zap_attribute_alloc") else 256)

    def look(self, name: str, key: bytes) -> tuple[int, int]:
        """zfs_match_find(): errno and first integer.

        Directories are the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP. An entry's value has its
        kind in the top four bits (ZFS_DIRENT_MAKE). There are no znodes: whether one is empty is not asked.
        """
        if self.too_long(key):
            return errno.ENAMETOOLONG, 0
        entry = ctypes.c_uint64(0)
        error = self.call("zap_lookup", name, key, 8, 1, ctypes.byref(entry))
        return 0 if error == errno.EOVERFLOW else error, entry.value

    def make_entry(self, name: str, key: bytes, entry: int) -> int:
        """zfs_create(), zfs_mkdir()."""
        if error := self.named(name):
            return error
        error, _ = self.look(name, key)
        if error != errno.ENOENT:
            return error or errno.EEXIST
        return self.change("zap_add", name, key, 1, 8, 1, entry.to_bytes(8, "little"))

    def touch(self, name: str, key: bytes, inode: int) -> int:
        return self.make_entry(name, key, 8 << 60 | inode)

    def mkdir(self, name: str, key: bytes, inode: int) -> int:
        return self.make_entry(name, key, 4 << 60 | inode)

    def drop_entry(self, name: str, key: bytes, directory: bool, otherwise: int) -> int:
        """zfs_remove(), zfs_rmdir()."""
        if error := self.named(name):
            return error
        error, entry = self.look(name, key)
        if error or (entry >> 60 == 4) is not directory:
            return error or otherwise
        return self.change("zap_remove", name, key, 0)

    def unlink(self, name: str, key: bytes) -> int:
        return self.drop_entry(name, key, False, errno.EPERM)

    def rmdir(self, name: str, key: bytes) -> int:
        return self.drop_entry(name, key, True, errno.ENOTDIR)

    def rename(self, name: str, into: str, key: bytes, new: bytes) -> int:
        """zfs_rename(): what has the new name goes, the new entry comes, the old one goes, in one
        transaction; since 2.2 the old one goes first."""
        if error := self.named(name) or self.named(into):
            return error
        error, entry = self.look(name, key)
        if error or self.too_long(new):
            return errno.ENAMETOOLONG if self.too_long(new) else error
        missing, there = self.look(into, new)
        if missing not in (0, errno.ENOENT) or (name, key) == (into, new):
            return missing
        if not missing and (entry >> 60 == 4) is not (there >> 60 == 4):
            return errno.ENOTDIR if entry >> 60 == 4 else errno.EISDIR
        tx = self.lib.dmu_tx_create(self.os)
        self.lib.dmu_tx_hold_zap(tx, self.numbers[name], 0, None)
        self.lib.dmu_tx_hold_zap(tx, self.numbers[into], 1, None)
        self.assign(tx)
        value, first = entry.to_bytes(8, "little"), hasattr(self.lib, "brt_init")  # since 2.2
        error = self.call("zap_remove", name, key, tx) if first else 0
        error = error or (0 if missing else self.call("zap_remove", into, new, tx))
        if not error:
            error = self.call("zap_add", into, new, 8, 1, value, tx)
            if error and first:
                self.lib.zap_add(self.os, self.numbers[name], key, 8, 1, value, tx)
        if not first:
            error = error or self.call("zap_remove", name, key, tx)
        self.lib.dmu_tx_commit(tx)
        return error

    def readdir(self, name: str) -> int:
        """zfs_readdir()."""
        if error := self.named(name):
            return error
        cursor, error, bad = ctypes.create_string_buffer(4096), 0, False
        self.lib.zap_cursor_init(cursor, self.os, self.numbers[name])
        while not error and not bad:
            error, size, count = self.entry(cursor)
            bad = not error and (size != 8 or not count)
            if not error:
                self.lib.zap_cursor_advance(cursor)
        self.lib.zap_cursor_fini(cursor)
        return errno.ENXIO if bad else 0 if error == errno.ENOENT else error
