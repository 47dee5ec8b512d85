"""What each verb on directories does on the model: a call of `zapcore.zpl`."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.execution.result import DONE, Result
from fuzz.language.program import Op
from fuzz.targets.model.world import HANDLERS, ModelWorld
from zapcore import zpl
from zapcore.directory import Case, Directory, FileSystem


def _directory(world: ModelWorld, op: Op, name: str = "") -> Directory:
    """The directory that an op's ZAP is, or another one by name. Raises ENOENT, ENOTSUP."""
    header = world.headers[name or op.subject]
    case, utf8only, longname, compression, encryption = header.properties
    file_system = FileSystem(header.norm, Case(case), utf8only, longname, (compression, encryption))
    return Directory(world.named(op, name), file_system, header.inode, world.tree)


def _entry(world: ModelWorld, op: Op, call: Callable[..., None], *more: object) -> Result:
    call(world.objset, _directory(world, op), op.key, *more)
    return DONE


def _entries(world: ModelWorld, op: Op, call: Callable[..., None], *more: object) -> Result:
    source, target = _directory(world, op), _directory(world, op, op.other)
    call(world.objset, source, op.key, target, op.to, *more)
    return DONE


@HANDLERS.of("dirlook")
def dirlook(world: ModelWorld, op: Op) -> Result:
    """zfs_dirlook()."""
    return _entry(world, op, zpl.look)


@HANDLERS.of("touch")
def touch(world: ModelWorld, op: Op) -> Result:
    """zfs_create()."""
    return _entry(world, op, zpl.create, op.inode)


@HANDLERS.of("mkdir")
def mkdir(world: ModelWorld, op: Op) -> Result:
    """zfs_mkdir()."""
    return _entry(world, op, zpl.mkdir, op.inode)


@HANDLERS.of("symlink")
def symlink(world: ModelWorld, op: Op) -> Result:
    """zfs_symlink()."""
    return _entry(world, op, zpl.symlink, op.inode)


@HANDLERS.of("unlink")
def unlink(world: ModelWorld, op: Op) -> Result:
    """zfs_remove()."""
    return _entry(world, op, zpl.remove)


@HANDLERS.of("rmdir")
def rmdir(world: ModelWorld, op: Op) -> Result:
    """zfs_rmdir()."""
    return _entry(world, op, zpl.rmdir)


@HANDLERS.of("link")
def link(world: ModelWorld, op: Op) -> Result:
    """zfs_link()."""
    return _entries(world, op, zpl.link)


@HANDLERS.of("rename")
def rename(world: ModelWorld, op: Op) -> Result:
    """zfs_rename()."""
    return _entries(world, op, zpl.rename)


@HANDLERS.of("exchange")
def exchange(world: ModelWorld, op: Op) -> Result:
    """zfs_rename() with RENAME_EXCHANGE."""
    return _entries(world, op, zpl.exchange)


@HANDLERS.of("whiteout")
def whiteout(world: ModelWorld, op: Op) -> Result:
    """zfs_rename() with RENAME_WHITEOUT."""
    return _entries(world, op, zpl.whiteout, op.inode)


@HANDLERS.of("readdir")
def readdir(world: ModelWorld, op: Op) -> Result:
    """zfs_readdir() from the first name to the last: the names, each with a NUL behind it."""
    names = zpl.readdir(world.objset, _directory(world, op))
    return Result(0, b"".join(name + b"\0" for name in names))


@HANDLERS.of("getdents")
def getdents(world: ModelWorld, op: Op) -> Result:
    """One call of zfs_readdir(): of each entry the position behind it, the name and a NUL."""
    listed = zpl.getdents(world.objset, _directory(world, op), op.start, op.most)
    names = (each.position.to_bytes(8, "little") + each.name + b"\0" for each in listed)
    return Result(0, b"".join(names))
