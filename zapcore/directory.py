"""What a directory is to `zapcore.zpl`: its file system, whose properties say which names are the same and
which are refused, and its place in the tree of directories that names lead to."""

from __future__ import annotations

import enum
from typing import NamedTuple

from zapcore.zap.name import MATCH_CASE, MATCH_NORMALIZE

KIND_SHIFT = 60
KIND_DIRECTORY = 4
"""DT_DIR, the kind of an entry that is a directory, in the top bits of its value."""
NUMBER_MASK = (1 << 48) - 1


class Case(enum.IntEnum):
    """The property casesensitivity, with the numbers that OpenZFS stores (ZFS_CASE_SENSITIVE and so on)."""

    SENSITIVE = 0
    INSENSITIVE = 1
    MIXED = 2


class FileSystem(NamedTuple):
    """The properties that decide about names. `norm` are the flags that every directory's ZAP has: the form
    that normalization= names, and TO_UPPER unless case is sensitive.

    `stored` is how its blocks are compressed and encrypted, in numbers of the caller's: they tell two file
    systems apart, and change no block that the model has. A directory is metadata, which is compressed as by
    compression=on whatever the property says (dmu_write_policy() in dmu.c); zio_encrypt() in zio.c works on
    the copy that is written, and before it zio_write_compress() makes the same blocks of zeros holes."""

    norm: int = 0
    case: Case = Case.SENSITIVE
    utf8only: bool = False
    longname: bool = True
    stored: tuple[int, int] = (0, 0)

    @property
    def match(self) -> int:
        """How names are compared, if Linux asks (the table above zfs_dropname()): FIGNORECASE, which would
        let a mixed file system disregard case, is not set there."""
        if not self.norm:
            return 0
        return MATCH_NORMALIZE | MATCH_CASE * (self.case is Case.MIXED)


def is_directory(value: int) -> bool:
    """Whether the value of an entry is that of a directory."""
    return value >> KIND_SHIFT == KIND_DIRECTORY


class Tree:
    """The directories of a program that names lead to, by the numbers that these have: `zaps` the object of
    each, `parents` the directory in which it was linked last (SA_ZPL_PARENT; 0 for one to which no name
    leads), `removed` those whose last name is gone (z_unlinked)."""

    __slots__ = ("parents", "removed", "zaps")

    def __init__(self) -> None:
        self.zaps: dict[int, int] = {}
        self.parents: dict[int, int] = {}
        self.removed: set[int] = set()

    def child(self, value: int) -> int:
        """The number of the directory to which an entry with this value leads, or 0."""
        number = value & NUMBER_MASK
        return number if is_directory(value) and number in self.zaps else 0

    def is_above(self, child: int, inode: int) -> bool:
        """Whether a directory that an entry leads to is another one, or contains it."""
        seen: set[int] = set()
        while inode and inode != child and inode not in seen:
            seen.add(inode)
            inode = self.parents.get(inode, 0)
        return bool(child) and inode == child


class Directory(NamedTuple):
    """A directory: the object number of its ZAP, the file system that it belongs to, its number (`Tree`), and
    the tree that it is in. That of directories to which no names lead has none, and stays so."""

    number: int
    fs: FileSystem = FileSystem()
    inode: int = 0
    tree: Tree = Tree()
