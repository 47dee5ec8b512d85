"""Directories on ZAPs, reduced to one question: which ZAP operations do creating, removing and renaming a
file make?

The value of an entry has the object's number in its low 48 bits and its kind in the top four. There are no
znodes: the kind is that of the entry, and two names with one number are links of one file. The numbers 0 and
1 belong to no file in OpenZFS (1 is the master node); here they stand for a file that has no other name.
mkdir() only makes a name. The ZAP of the new directory is another object, which the caller creates and
destroys. It has to be so because object numbers differ between the model and a pool: if entries had the real
numbers, the blocks could not be compared byte by byte. To which ZAP a name of a directory leads a `Tree`
says, and where each stands; names that lead nowhere are of directories that are empty.

A directory belongs to a file system, whose properties say which names are the same and which are refused. As
on Linux, each name is looked up by zpl_lookup() before anything is done with it; what a directory without
regard to case has is then called by the name that is stored. From module/os/linux/zfs/zpl_inode.c,
zfs_vnops_os.c and zfs_dir.c.
"""

from __future__ import annotations

import contextlib
import errno
from typing import NamedTuple

from zapcore import zap
from zapcore.directory import (
    KIND_DIRECTORY,
    KIND_SHIFT,
    NUMBER_MASK,
    Case,
    Directory,
    FileSystem,
    Tree,
    is_directory,
)
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, openzfs
from zapcore.zap.name import LONG_NAME, MAX_NAME

KIND_WHITEOUT = 2
KIND_FILE = 8
KIND_SYMLINK = 10
"""DT_CHR, DT_REG and DT_LNK, beside `KIND_DIRECTORY` (ZFS_DIRENT_MAKE, include/sys/zfs_znode.h)."""
MASTER_NODE = 1
"""The largest object number that no file has (MASTER_NODE_OBJ)."""
DOTS = (b".", b"..")
"""Names that no directory stores. readdir() gives them the positions 0 and 1."""
LAST_SPECIAL = 3
"""The largest position that is no serialized cursor (zfs_readdir)."""


class Entry(NamedTuple):
    """An entry as it was found: its name as it is stored, and the first integer of its value."""

    name: bytes
    value: int


class Listed(NamedTuple):
    """What readdir() gives of an entry: its name, and the position behind it."""

    name: bytes
    position: int


def _check_name(objset: Objset, fs: FileSystem, name: bytes) -> None:
    """Refuse what zpl_lookup() and zfs_lookup() refuse before they look into the directory. Raises
    ENAMETOOLONG, and EILSEQ for what is no UTF-8 where only that is allowed."""
    room = LONG_NAME if objset.release.long_names and fs.longname else MAX_NAME
    if len(name) >= room:
        raise ZapErrno(errno.ENAMETOOLONG)
    if fs.utf8only:
        try:
            name.decode()
        except UnicodeDecodeError:
            raise ZapErrno(errno.EILSEQ) from None


@openzfs("zfs_dir.c", "zfs_match_find", "zfs_dirent_lock")
def _look(objset: Objset, directory: Directory, name: bytes) -> Entry:
    """An entry by its name, in any spelling that is the same to the file system. It is no error if the entry
    has more integers. Raises ENOENT, EINVAL, ENAMETOOLONG, EILSEQ and whatever else a lookup raises."""
    _check_name(objset, directory.fs, name)
    _refuse_removed(directory)
    if not directory.fs.norm:
        value, _ = zap.lookup(objset, directory.number, name, 8, 1)
        return Entry(name, int.from_bytes(value, "little"))
    found = zap.lookup_norm(objset, directory.number, name, 8, 1, directory.fs.match)
    assert isinstance(found.key, bytes)
    return Entry(found.key, int.from_bytes(found.value, "little"))


@openzfs("zfs_dir.c", "zfs_dirlook")
def look(objset: Objset, directory: Directory, name: bytes) -> None:
    """Look a name up. `.` and `..` are there. Raises ENOENT, and what else a lookup raises."""
    if name not in DOTS:
        _look(objset, directory, name)


def _look_or_none(objset: Objset, directory: Directory, name: bytes) -> Entry | None:
    try:
        return _look(objset, directory, name)
    except ZapErrno as error:
        if error.code != errno.ENOENT:
            raise
        return None


def _refuse_removed(directory: Directory) -> None:
    """Nothing is found in a directory that has been removed, and nothing is made there (IS_DEADDIR). Raises
    ENOENT."""
    if directory.inode in directory.tree.removed:
        raise ZapErrno(errno.ENOENT)


@openzfs("zfs_dir.c", "zfs_dirempty")
def _refuse_full(objset: Objset, tree: Tree, value: int) -> None:
    """Raises ENOTEMPTY if an entry leads to a directory that has entries, or that cannot be asked for
    them."""
    child = tree.child(value)
    if not child:
        return
    try:
        entries = zap.count(objset, tree.zaps[child])
    except ZapErrno:
        entries = 1
    if entries:
        raise ZapErrno(errno.ENOTEMPTY)


def _refuse_dots(name: bytes, parent: int = errno.EEXIST) -> None:
    """zfs_dirent_lock() refuses `.` and `..` with EEXIST, of which some callers make another errno for the
    `parent`."""
    if name in DOTS:
        raise ZapErrno(parent if name == b".." else errno.EEXIST)


@openzfs("zfs_dir.c", "zfs_link_create")
def _link_create(objset: Objset, directory: Directory, name: bytes, value: int, tx: Tx) -> None:
    zap.add(objset, directory.number, name, 8, 1, value.to_bytes(8, "little"), tx)
    if child := directory.tree.child(value):
        directory.tree.parents[child] = directory.inode
        directory.tree.removed.discard(child)


@openzfs("zfs_dir.c", "zfs_link_destroy")
def _link_destroy(objset: Objset, directory: Directory, name: bytes, tx: Tx) -> None:
    _drop_name(objset, directory, name, tx)


@openzfs("zfs_dir.c", "zfs_dropname")
def _drop_name(objset: Objset, directory: Directory, name: bytes, tx: Tx) -> None:
    if directory.fs.norm:
        zap.remove_norm(objset, directory.number, name, directory.fs.match, tx)
    else:
        zap.remove(objset, directory.number, name, tx)


def _make(objset: Objset, directory: Directory, name: bytes, value: int, parent: int = errno.EEXIST) -> None:
    _check_name(objset, directory.fs, name)
    _refuse_dots(name, parent)
    if _look_or_none(objset, directory, name) is not None:
        raise ZapErrno(errno.EEXIST)
    _refuse_removed(directory)
    _link_create(objset, directory, name, value, objset.assign(directory.number))


@openzfs("zfs_vnops_os.c", "zfs_create")
def create(objset: Objset, directory: Directory, name: bytes, inode: int) -> None:
    """Create a file. Raises EEXIST, EISDIR for `..`, and what a lookup and `zap.add` raise."""
    _make(objset, directory, name, KIND_FILE << KIND_SHIFT | inode, errno.EISDIR)


@openzfs("zfs_vnops_os.c", "zfs_mkdir")
def mkdir(objset: Objset, directory: Directory, name: bytes, inode: int) -> None:
    """Create a directory's entry. Raises EEXIST, and what a lookup and `zap.add` raise."""
    _make(objset, directory, name, KIND_DIRECTORY << KIND_SHIFT | inode)


@openzfs("zfs_vnops_os.c", "zfs_symlink")
def symlink(objset: Objset, directory: Directory, name: bytes, inode: int) -> None:
    """Create a symbolic link's entry. Raises EEXIST, and what a lookup and `zap.add` raise."""
    _make(objset, directory, name, KIND_SYMLINK << KIND_SHIFT | inode)


@openzfs("zfs_vnops_os.c", "zfs_link")
def link(objset: Objset, source: Directory, name: bytes, target: Directory, new: bytes) -> None:
    """Give a file another name. Raises ENOENT, EEXIST, EXDEV if the two directories are of two file systems,
    EPERM for a directory, and what a lookup and `zap.add` raise."""
    _refuse_dots(name)
    file = _look(objset, source, name)
    _check_name(objset, target.fs, new)
    _refuse_dots(new)
    if _look_or_none(objset, target, new) is not None:
        raise ZapErrno(errno.EEXIST)
    _refuse_removed(target)
    if source.fs != target.fs:
        raise ZapErrno(errno.EXDEV)
    if is_directory(file.value):
        raise ZapErrno(errno.EPERM)
    _link_create(objset, target, new, file.value, objset.assign(target.number))


@openzfs("zfs_vnops_os.c", "zfs_remove")
def remove(objset: Objset, directory: Directory, name: bytes) -> None:
    """Unlink a file. Raises ENOENT, EPERM for a directory."""
    _refuse_dots(name)
    if is_directory(_look(objset, directory, name).value):
        raise ZapErrno(errno.EPERM)
    _link_destroy(objset, directory, name, objset.assign(directory.number, frees=True))


@openzfs("zfs_vnops_os.c", "zfs_rmdir")
def rmdir(objset: Objset, directory: Directory, name: bytes) -> None:
    """Remove a directory's entry. Raises ENOENT, ENOTDIR for a file, ENOTEMPTY for a directory with
    entries."""
    _refuse_dots(name)
    found = _look(objset, directory, name)
    if not is_directory(found.value):
        raise ZapErrno(errno.ENOTDIR)
    tx = objset.assign(directory.number, frees=True)
    _refuse_full(objset, directory.tree, found.value)
    _link_destroy(objset, directory, name, tx)
    _note_removed(directory.tree, found.value)


def _note_removed(tree: Tree, value: int) -> None:
    if child := tree.child(value):
        tree.removed.add(child)


class _Renaming(NamedTuple):
    """Both ends of a rename: the directories, the names that the kernel goes on with, and what was found."""

    source: Directory
    old: bytes
    moved: Entry
    target: Directory
    new: bytes
    there: Entry | None

    @property
    def same_file(self) -> bool:
        """Whether both names lead to one file already: one entry, or links of one file."""
        if self.there is None:
            return False
        if (self.source.number, self.moved.name) == (self.target.number, self.there.name):
            return True
        number = self.moved.value & NUMBER_MASK
        return number == self.there.value & NUMBER_MASK and number > MASTER_NODE


def _find_both(objset: Objset, source: Directory, name: bytes, target: Directory, new: bytes) -> _Renaming:
    """Look both names up. Raises EXDEV, EEXIST for `.`, EINVAL for `..`, ENOENT if the first is not there:
    then Linux does not look for the second (do_renameat2() in fs/namei.c), whatever is wrong with it."""
    if source.fs != target.fs:
        raise ZapErrno(errno.EXDEV)
    _refuse_dots(name, errno.EINVAL)
    moved = _look(objset, source, name)
    _refuse_dots(new, errno.EINVAL)
    there = _look_or_none(objset, target, new)
    if source.fs.case is Case.INSENSITIVE:  # zpl_lookup() calls what it has found by its own name
        name, new = moved.name, there.name if there is not None else new
    return _Renaming(source, name, moved, target, new, there)


@openzfs("zfs_vnops_os.c", "zfs_rename")
def rename(objset: Objset, source: Directory, name: bytes, target: Directory, new: bytes) -> None:
    """Move an entry to another name, perhaps in another directory. An entry that has the new name is removed.
    Nothing is done if both are names of one file.

    Raises ENOENT, ENOTDIR or EISDIR if one of the two is a directory and the other is not, EXDEV if the
    directories are of two file systems, EEXIST and EINVAL for `.` and `..`, EINVAL for a directory that
    contains the target, ENOTEMPTY if what is there has entries, and what a lookup and `zap.add` raise.
    """
    ends = _find_both(objset, source, name, target, new)
    _refuse_loops(ends, errno.ENOTEMPTY)
    _check_kinds(ends)
    if not ends.same_file:
        _move(objset, ends, None)


@openzfs("zfs_vnops_os.c", "zfs_rename")
def exchange(objset: Objset, source: Directory, name: bytes, target: Directory, new: bytes) -> None:
    """Let two entries change places (RENAME_EXCHANGE). Raises ENOENT if one of them is not there, EINVAL in a
    release that knows no flags of a rename, and what `rename` raises but for their kinds."""
    ends = _find_both(objset, source, name, target, new)
    if ends.there is None:
        raise ZapErrno(errno.ENOENT)
    _refuse_loops(ends, errno.EINVAL)
    if ends.same_file:
        return
    if not objset.release.rename_unlinks_first:
        raise ZapErrno(errno.EINVAL)
    _move(objset, ends, ends.there.value, exchanged=True)


@openzfs("zfs_vnops_os.c", "zfs_rename")
def whiteout(
    objset: Objset, source: Directory, name: bytes, target: Directory, new: bytes, inode: int
) -> None:
    """Move an entry and leave a whiteout in its place, a new object with this number (RENAME_WHITEOUT).
    Raises EINVAL in a release that knows no flags of a rename, and what `rename` raises."""
    ends = _find_both(objset, source, name, target, new)
    _refuse_loops(ends, errno.ENOTEMPTY)
    _check_kinds(ends)
    if ends.same_file:
        return
    if not objset.release.rename_unlinks_first:
        raise ZapErrno(errno.EINVAL)
    _move(objset, ends, KIND_WHITEOUT << KIND_SHIFT | inode)


@openzfs("zfs_vnops_os.c", "zfs_rename_lock")
def _refuse_loops(ends: _Renaming, above: int) -> None:
    """Refuse to move a directory into itself or what is below it. Raises EINVAL; and `above` where it is the
    target that contains the source, which Linux refuses before it asks the file system (lock_rename)."""
    if ends.source.tree.is_above(ends.source.tree.child(ends.moved.value), ends.target.inode):
        raise ZapErrno(errno.EINVAL)
    there = ends.there
    if there is not None and ends.target.tree.is_above(
        ends.target.tree.child(there.value), ends.source.inode
    ):
        raise ZapErrno(above)


def _check_kinds(ends: _Renaming) -> None:
    moved, there = ends.moved, ends.there
    if there is None:
        _refuse_removed(ends.target)
    if there is not None and is_directory(moved.value) != is_directory(there.value):
        raise ZapErrno(errno.ENOTDIR if is_directory(moved.value) else errno.EISDIR)


def _move(objset: Objset, ends: _Renaming, left: int | None, *, exchanged: bool = False) -> None:
    """The steps of a rename, and what takes them back if one fails; `left` is the value of what comes to the
    old name, `exchanged` says that it had the new one. Whether the old name goes before the new one is made,
    or after, depends on the release: so does whether it is written anew when a directory that was to be
    replaced has entries."""
    source, old, moved, target, new, there = ends
    tx = objset.assign(source.number, target.number)
    first = objset.release.rename_unlinks_first
    if first:
        _link_destroy(objset, source, old, tx)
    if there is not None:
        try:
            if not exchanged:
                _refuse_full(objset, target.tree, there.value)
            _link_destroy(objset, target, new, tx)
        except ZapErrno:
            if first:
                _link_again(objset, source, old, moved.value, tx)
            raise
        if not exchanged:
            _note_removed(target.tree, there.value)
    linked = False
    try:
        _link_create(objset, target, new, moved.value, tx)
        linked = True
        if left is not None:
            _link_create(objset, source, old, left, tx)
    except ZapErrno:
        if linked:
            _unlink_again(objset, target, new, tx)
        if first and there is not None:
            _link_again(objset, target, new, there.value, tx)
        if first:
            _link_again(objset, source, old, moved.value, tx)
        raise
    if not first:
        try:
            _link_destroy(objset, source, old, tx)
        except ZapErrno:
            _unlink_again(objset, target, new, tx)
            raise


def _unlink_again(objset: Objset, directory: Directory, name: bytes, tx: Tx) -> None:
    """Take an entry away that was just made. OpenZFS has a VERIFY that this works, which no library has."""
    with contextlib.suppress(ZapErrno):
        _link_destroy(objset, directory, name, tx)


def _link_again(objset: Objset, directory: Directory, name: bytes, value: int, tx: Tx) -> None:
    """Put an entry back. If that fails, too, its object loses the name (zfs_drop_nlink)."""
    with contextlib.suppress(ZapErrno):
        _link_create(objset, directory, name, value, tx)


@openzfs("zfs_vnops_os.c", "zfs_readdir")
def readdir(objset: Objset, directory: Directory) -> list[bytes]:
    """All names that are stored, in the order of a cursor. Raises ENXIO if the value of an entry is none that
    directories have, ENOENT in a directory that has been removed."""
    _refuse_removed(directory)
    cursor = zap.Cursor(objset, directory.number)
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


@openzfs("zfs_vnops_os.c", "zfs_readdir")
def getdents(objset: Objset, directory: Directory, position: int, most: int) -> list[Listed]:
    """Entries from a position on, until the end or until there is room for no more than `most`; the two of
    DOTS come first. As the entry for which there is no room is seen only once it was retrieved, the cursor
    does one step more. Raises ENXIO as `readdir` does, if nothing came before, and ENOENT."""
    _refuse_removed(directory)
    cursor = zap.Cursor(objset, directory.number, position if position > LAST_SPECIAL else 0)
    listed: list[Listed] = []
    try:
        while True:
            special = position < len(DOTS)
            name = DOTS[position] if special else _retrieved_name(cursor)
            if len(listed) == most:
                break
            if special:
                position += 1
            else:
                cursor.advance()
                position = cursor.serialize()
            listed.append(Listed(name, position))
    except ZapErrno as error:
        if error.code != errno.ENOENT and not listed:
            raise
    finally:
        cursor.close()
    return listed


def _retrieved_name(cursor: zap.Cursor) -> bytes:
    found = cursor.retrieve()
    if found.size != 8 or found.length == 0:
        raise ZapErrno(errno.ENXIO)
    assert isinstance(found.key, bytes)
    return found.key
