"""Directories on ZAPs, reduced to one question: which ZAP operations do creating, removing and renaming a
file make?

The value of an entry has the object's number in its low 48 bits and its kind in the top four. There are no
znodes. The number is only a number: two names with the same one are two files. mkdir() only makes a name. The
ZAP of the new directory is another object, which the caller creates and destroys, and the caller sees to it
that a directory that is removed is empty. It has to be so because object numbers differ between the model and
a pool: if entries had the real numbers, the blocks could not be compared byte by byte.

Names are looked up as a file system without normalization does it. From module/os/linux/zfs/zfs_vnops_os.c
and zfs_dir.c.
"""

from __future__ import annotations

import errno

from zapcore import zap
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, openzfs
from zapcore.zap.name import LONG_NAME, MAX_NAME

KIND_SHIFT = 60
KIND_DIRECTORY = 4
KIND_FILE = 8
"""DT_DIR and DT_REG (ZFS_DIRENT_MAKE, include/sys/zfs_znode.h)."""


def is_directory(value: int) -> bool:
    """Whether the value of an entry is that of a directory."""
    return value >> KIND_SHIFT == KIND_DIRECTORY


def _check_length(objset: Objset, name: bytes) -> None:
    """Refuse a name that is too long, as zpl_lookup() does before anything else
    (module/os/linux/zfs/zpl_inode.c). The file system has longname=on if the release has this property.
    Raises ENAMETOOLONG."""
    room = LONG_NAME if objset.release.long_names else MAX_NAME
    if len(name) >= room:
        raise ZapErrno(errno.ENAMETOOLONG)


@openzfs("zfs_dir.c", "zfs_match_find", "zfs_dirent_lock")
def _look(objset: Objset, directory: int, name: bytes) -> int:
    """The first integer of an entry. It is no error if the entry has more integers. Raises ENOENT, EINVAL and
    whatever else a lookup raises."""
    _check_length(objset, name)
    value, _ = zap.lookup(objset, directory, name, 8, 1)
    return int.from_bytes(value, "little")


def _look_or_none(objset: Objset, directory: int, name: bytes) -> int | None:
    try:
        return _look(objset, directory, name)
    except ZapErrno as error:
        if error.code != errno.ENOENT:
            raise
        return None


@openzfs("zfs_dir.c", "zfs_link_create")
def _link_create(objset: Objset, directory: int, name: bytes, value: int, tx: Tx) -> None:
    zap.add(objset, directory, name, 8, 1, value.to_bytes(8, "little"), tx)


@openzfs("zfs_dir.c", "zfs_link_destroy")
def _link_destroy(objset: Objset, directory: int, name: bytes, tx: Tx) -> None:
    _drop_name(objset, directory, name, tx)


@openzfs("zfs_dir.c", "zfs_dropname")
def _drop_name(objset: Objset, directory: int, name: bytes, tx: Tx) -> None:
    zap.remove(objset, directory, name, tx)


def _make(objset: Objset, directory: int, name: bytes, value: int, tx: Tx) -> None:
    if _look_or_none(objset, directory, name) is not None:
        raise ZapErrno(errno.EEXIST)
    _link_create(objset, directory, name, value, tx)


@openzfs("zfs_vnops_os.c", "zfs_create")
def create(objset: Objset, directory: int, name: bytes, inode: int, tx: Tx) -> None:
    """Create a file. Raises EEXIST and what `zap.add` raises."""
    _make(objset, directory, name, KIND_FILE << KIND_SHIFT | inode, tx)


@openzfs("zfs_vnops_os.c", "zfs_mkdir")
def mkdir(objset: Objset, directory: int, name: bytes, inode: int, tx: Tx) -> None:
    """Create a directory's entry. Raises EEXIST and what `zap.add` raises."""
    _make(objset, directory, name, KIND_DIRECTORY << KIND_SHIFT | inode, tx)


@openzfs("zfs_vnops_os.c", "zfs_remove")
def remove(objset: Objset, directory: int, name: bytes, tx: Tx) -> None:
    """Unlink a file. Raises ENOENT, EPERM for a directory."""
    if is_directory(_look(objset, directory, name)):
        raise ZapErrno(errno.EPERM)
    _link_destroy(objset, directory, name, tx)


@openzfs("zfs_vnops_os.c", "zfs_rmdir")
def rmdir(objset: Objset, directory: int, name: bytes, tx: Tx) -> None:
    """Remove a directory's entry. Raises ENOENT, ENOTDIR for a file."""
    if not is_directory(_look(objset, directory, name)):
        raise ZapErrno(errno.ENOTDIR)
    _link_destroy(objset, directory, name, tx)


@openzfs("zfs_vnops_os.c", "zfs_rename")
def rename(objset: Objset, source: int, name: bytes, target: int, new: bytes, tx: Tx) -> None:
    """Move an entry to another name, perhaps in another directory. An entry that has the new name is removed.
    Whether the old name goes before the new one is made, or after, depends on the release.

    Raises ENOENT, ENOTDIR or EISDIR if one of the two is a directory and the other is not, and what `zap.add`
    raises.
    """
    value = _look_or_none(objset, source, name)
    there = _look_or_none(objset, target, new)
    if value is None:
        raise ZapErrno(errno.ENOENT)
    if (source, name) == (target, new):
        return
    if there is not None and is_directory(value) != is_directory(there):
        raise ZapErrno(errno.ENOTDIR if is_directory(value) else errno.EISDIR)
    first = objset.release.rename_unlinks_first
    if first:
        _link_destroy(objset, source, name, tx)
    if there is not None:
        _link_destroy(objset, target, new, tx)
    try:
        _link_create(objset, target, new, value, tx)
    except ZapErrno:
        if first:
            _link_create(objset, source, name, value, tx)
        raise
    if not first:
        _link_destroy(objset, source, name, tx)


@openzfs("zfs_vnops_os.c", "zfs_readdir")
def readdir(objset: Objset, directory: int) -> list[bytes]:
    """All names, in the order of a cursor. Raises ENXIO if the value of an entry is none that directories
    have."""
    cursor = zap.Cursor(objset, directory)
    names = []
    failure: ZapErrno | None = None
    while failure is None:
        try:
            found = cursor.retrieve()
        except ZapErrno as error:
            failure = error
            break
        if found.size != 8 or found.length == 0:
            failure = ZapErrno(errno.ENXIO)
        assert isinstance(found.key, bytes)
        names.append(found.key)
        cursor.advance()
    cursor.close()
    if failure.code != errno.ENOENT:
        raise failure
    return names
