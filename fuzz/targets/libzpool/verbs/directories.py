"""Verbs on directories: the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP.

An entry's value has its kind in the top four bits (ZFS_DIRENT_MAKE). There are no znodes: which names lead to
which ZAPs is what header lines say, and where these stand is kept here; other directories are empty.
"""

from __future__ import annotations

import ctypes
import errno

from fuzz.execution.result import Found
from fuzz.targets.libzpool.abi import Attribute
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.verbs.entries import do_lookup_norm
from fuzz.targets.libzpool.world import FUNCTIONS, Cursor, Object, World
from zapcore.zap.name import LONG_NAME, MAX_NAME

KIND_SHIFT = 60
WHITEOUT, DIRECTORY, FILE, SYMLINK = (kind << KIND_SHIFT for kind in (2, 4, 8, 10))
"""ZFS_DIRENT_MAKE (include/sys/zfs_znode.h): DT_CHR, DT_DIR, DT_REG, DT_LNK in the top bits of an entry."""
OBJECT_MASK, FIRST_FILE = (1 << 48) - 1, 2
"""ZFS_DIRENT_OBJ, and the least number that is a file's: names with a smaller one are not of one file."""
INSENSITIVE, MIXED = 1, 2
MT_NORMALIZE, MT_MATCH_CASE = 1, 2
VALIDATE_ENTIRE = 1 << 20
DOTS = (b".", b"..")
LAST_SPECIAL = 3
"""Positions of readdir() up to this one are no serialized cursors."""


def _match(zap: Object) -> int:
    """matchtype_t of a lookup or removal where names are normalized: the table above zfs_dropname()."""
    return MT_NORMALIZE | (MT_MATCH_CASE if zap.shape.properties.case == MIXED else 0)


def _not_allowed(world: World, zap: Object, name: bytes) -> int:
    """What zpl_lookup() and zfs_lookup() refuse a name for: its length, bytes that are no UTF-8."""
    properties = zap.shape.properties
    long = world.lib.has_attribute_alloc and properties.longname
    if len(name) >= (LONG_NAME if long else MAX_NAME):
        return errno.ENAMETOOLONG
    if not properties.utf8only:
        return 0
    why = ctypes.c_int(0)
    valid = world.lib.u8_validate(name, len(name), None, VALIDATE_ENTIRE, ctypes.addressof(why))
    return errno.EILSEQ if valid < 0 else 0


def _is_removed(world: World, zap: Object) -> bool:
    """Whether a directory's name is gone: nothing is found or made there (IS_DEADDIR)."""
    return zap.shape.inode in world.removed


def _led_to(world: World, entry: int) -> Object | None:
    """The ZAP to which an entry leads, if that of a header line."""
    number = entry & OBJECT_MASK
    if not _is_directory(entry) or number < FIRST_FILE:
        return None
    return next((zap for zap in world.zaps if zap.shape.inode == number), None)


def _not_empty(world: World, entry: int) -> int:
    """ENOTEMPTY where zfs_dirempty() says that a directory is not empty; else 0."""
    zap = _led_to(world, entry)
    if zap is None:
        return 0
    error = not zap.number or world.lib.zap_count(world.os, zap.number, world.two_at)
    return errno.ENOTEMPTY if error or world.two[0] else 0


def _contains(world: World, entry: int, zap: Object) -> bool:
    """Whether the directory to which an entry leads is that one, or contains it (zfs_rename_lock)."""
    upper, inode = _led_to(world, entry), zap.shape.inode
    if upper is None:
        return False
    met: list[int] = []
    while inode != upper.shape.inode:
        if not inode or inode in met:
            return False
        met.append(inode)
        inode = world.parents.get(inode, 0)
    return True


def _look(world: World, index: int, zap: Object, name: bytes) -> tuple[int, bytes, int]:
    """errno, stored name and first integer of a directory's entry, as zfs_match_find() has them."""
    if error := _not_allowed(world, zap, name):
        return error, b"", 0
    if _is_removed(world, zap):
        return errno.ENOENT, b"", 0
    if zap.shape.norm:
        answer = do_lookup_norm(world, Call(index, key=name, size=8, length=1, extra=_match(zap)))
        if isinstance(answer, int):
            return answer, b"", 0
        found = answer[1]
        assert isinstance(found, Found)
        return 0, found.name, int.from_bytes(found.value, "little")
    world.two[0] = 0
    error = world.lib.zap_lookup(world.os, zap.number, name, 8, 1, world.two_at)
    return 0 if error == errno.EOVERFLOW else error, name, world.two[0]


@FUNCTIONS.of("dirlook")
def do_dirlook(world: World, op: Call) -> Answer:
    """zfs_dirlook()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    return 0 if op.key in DOTS else _look(world, op.subject, zap, op.key)[0]


def _link(world: World, zap: Object, name: bytes, value: int, tx: int) -> int:
    data = value.to_bytes(8, "little")
    error: int = world.lib.zap_add(world.os, zap.number, name, 8, 1, data, tx)
    if not error and (child := _led_to(world, value)) is not None:
        world.parents[child.shape.inode] = zap.shape.inode
        world.removed.discard(child.shape.inode)
    return error


def _unlink(world: World, zap: Object, name: bytes, tx: int) -> int:
    """zfs_dropname()."""
    error: int
    if zap.shape.norm:
        error = world.lib.zap_remove_norm(world.os, zap.number, name, _match(zap), tx)
    else:
        error = world.lib.zap_remove(world.os, zap.number, name, tx)
    return error


def _make_entry(world: World, op: Call, entry: int, parent: int = errno.EEXIST) -> Answer:
    """zfs_create(), zfs_mkdir(), zfs_symlink()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    if op.key in DOTS:
        return parent if op.key == b".." else errno.EEXIST
    error, _, _ = _look(world, op.subject, zap, op.key)
    if error != errno.ENOENT:
        return error or errno.EEXIST
    return errno.ENOENT if _is_removed(world, zap) else _link_alone(world, zap, op.key, entry)


def _link_alone(world: World, zap: Object, name: bytes, entry: int) -> int:
    tx = world.begin_tx(zap.number, 1)
    error = _link(world, zap, name, entry, tx)
    world.lib.dmu_tx_commit(tx)
    return error


@FUNCTIONS.of("touch")
def do_touch(world: World, op: Call) -> Answer:
    """zfs_create()."""
    return _make_entry(world, op, FILE | op.fill, errno.EISDIR)


@FUNCTIONS.of("mkdir")
def do_mkdir(world: World, op: Call) -> Answer:
    """zfs_mkdir()."""
    return _make_entry(world, op, DIRECTORY | op.fill)


@FUNCTIONS.of("symlink")
def do_symlink(world: World, op: Call) -> Answer:
    """zfs_symlink()."""
    return _make_entry(world, op, SYMLINK | op.fill)


def _is_directory(entry: int) -> bool:
    return entry >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT


def _drop_entry(world: World, op: Call, directory: bool, otherwise: int) -> Answer:
    """zfs_remove(), zfs_rmdir()."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    if op.key in DOTS:
        return errno.EEXIST
    error, _, value = _look(world, op.subject, zap, op.key)
    if error:
        return error
    if _is_directory(value) is not directory:
        return otherwise
    tx = world.begin_tx(zap.number, 0, True)
    failed = _not_empty(world, value) or _unlink(world, zap, op.key, tx)
    if not failed:
        _note_removed(world, value)
    world.lib.dmu_tx_commit(tx)
    return failed


def _note_removed(world: World, entry: int) -> None:
    if (zap := _led_to(world, entry)) is not None:
        world.removed.add(zap.shape.inode)


@FUNCTIONS.of("unlink")
def do_unlink(world: World, op: Call) -> Answer:
    """zfs_remove()."""
    return _drop_entry(world, op, False, errno.EPERM)


@FUNCTIONS.of("rmdir")
def do_rmdir(world: World, op: Call) -> Answer:
    """zfs_rmdir()."""
    return _drop_entry(world, op, True, errno.ENOTDIR)


def _two_directories(world: World, op: Call) -> tuple[Object, Object] | int:
    source, target = world.named(op.subject), world.named(op.other)
    if isinstance(source, int):
        return source
    return target if isinstance(target, int) else (source, target)


def _of_two_file_systems(source: Object, target: Object) -> bool:
    one, other = source.shape, target.shape
    return (one.norm, one.properties) != (other.norm, other.properties)


@FUNCTIONS.of("link")
def do_link(world: World, op: Call) -> Answer:
    """zfs_link()."""
    both = _two_directories(world, op)
    if isinstance(both, int):
        return both
    source, target = both
    if op.key in DOTS:
        return errno.EEXIST
    error, _, value = _look(world, op.subject, source, op.key)
    if error:
        return error
    if op.to in DOTS:
        return errno.EEXIST
    error, _, _ = _look(world, op.other, target, op.to)
    if error != errno.ENOENT:
        return error or errno.EEXIST
    if _is_removed(world, target):
        return errno.ENOENT
    if _of_two_file_systems(source, target):
        return errno.EXDEV
    if _is_directory(value):
        return errno.EPERM
    return _link_alone(world, target, op.to, value)


@FUNCTIONS.of("rename")
def do_rename(world: World, op: Call) -> Answer:
    """zfs_rename()."""
    return _rename(world, op)


@FUNCTIONS.of("exchange")
def do_exchange(world: World, op: Call) -> Answer:
    """zfs_rename() with RENAME_EXCHANGE."""
    return _rename(world, op, exchange=True)


@FUNCTIONS.of("whiteout")
def do_whiteout(world: World, op: Call) -> Answer:
    """zfs_rename() with RENAME_WHITEOUT."""
    return _rename(world, op, left=WHITEOUT | op.fill)


def _rename(world: World, op: Call, left: int | None = None, *, exchange: bool = False) -> Answer:
    """zfs_rename(); `left` is the entry that comes to the old name."""
    both = _two_directories(world, op)
    if isinstance(both, int):
        return both
    source, target = both
    if _of_two_file_systems(source, target):
        return errno.EXDEV
    looked = []
    for index, zap, name in ((op.subject, source, op.key), (op.other, target, op.to)):
        if name in DOTS:
            return errno.EINVAL if name == b".." else errno.EEXIST
        looked.append(_look(world, index, zap, name))
        if looked[-1][0] not in (0, errno.ENOENT) or looked[0][0]:  # without the old name Linux asks no more
            return looked[-1][0]
    (_, old, value), (none, new, there) = looked
    if none and exchange:
        return errno.ENOENT
    if _contains(world, value, target):
        return errno.EINVAL
    if not none and _contains(world, there, source):
        return errno.EINVAL if exchange else errno.ENOTEMPTY
    if none and _is_removed(world, target):
        return errno.ENOENT
    moving, hit = _is_directory(value), _is_directory(there)
    if not none and not exchange and moving is not hit:
        return errno.ENOTDIR if moving else errno.EISDIR
    numbers = {value & OBJECT_MASK, there & OBJECT_MASK}
    one_file = len(numbers) == 1 and min(numbers) >= FIRST_FILE
    if not none and (one_file or (source is target and old == new)):
        return 0
    # zfs_rename() is not in the library; block cloning came with the same release as its flags, 2.2
    if (exchange or left is not None) and not world.lib.has_block_cloning:
        return errno.EINVAL
    if source.shape.properties.case != INSENSITIVE:
        old, new = op.key, op.to
    entries = value, None if none else there, there if exchange else left
    return _move(world, (source, old), (target, new or op.to), entries, exchange)


def _move(
    world: World,
    old: tuple[Object, bytes],
    new: tuple[Object, bytes],
    entries: tuple[int, int | None, int | None],
    exchange: bool,
) -> int:
    """What has the new name goes, the new entry comes, the old one goes, in one transaction; since 2.2 the
    old one goes first, and comes back where what is to be replaced has entries. `entries` are what is moved,
    what is replaced, and what comes to the old name."""
    lib, (moved, there, left) = world.lib, entries
    if world.assigns is not None:
        world.assigns((old[0].number, new[0].number))
    tx: int = lib.dmu_tx_create(world.os)
    lib.dmu_tx_hold_zap(tx, old[0].number, int(left is not None), None)
    lib.dmu_tx_hold_zap(tx, new[0].number, 1, None)
    if error := lib.dmu_tx_assign(tx, world.assign):
        world.no_room(tx, error)
    # whoever renames sets no tunable in between
    world.tune_for(old[0])
    world.tune_for(new[0])
    first = lib.has_block_cloning  # and with the order of its steps
    failed = _unlink(world, *old, tx) if first else 0
    if there is not None and not failed:
        failed = 0 if exchange else _not_empty(world, there)
        failed = failed or _unlink(world, *new, tx)
        if failed and first:
            _link(world, *old, moved, tx)
        elif not (failed or exchange):
            _note_removed(world, there)
    if not failed:
        failed = _link(world, *new, moved, tx)
        if left is not None and not failed:
            failed = _link(world, *old, left, tx)
            if failed:
                _unlink(world, *new, tx)
        if failed and first and there is not None:
            _link(world, *new, there, tx)
        if failed and first:
            _link(world, *old, moved, tx)
    if not failed and not first:
        failed = _unlink(world, *old, tx)
        if failed:
            _unlink(world, *new, tx)
    lib.dmu_tx_commit(tx)
    return failed


@FUNCTIONS.of("readdir")
def do_readdir(world: World, op: Call) -> Answer:
    """zfs_readdir(): all names, each with a NUL behind it."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    if _is_removed(world, zap):
        return errno.ENOENT
    cursor = world.spare.pop() if world.spare else Cursor()
    lib, names, bad = world.lib, [], False
    error: int = lib.zap_cursor_init(cursor.address, world.os, zap.number)
    if error and lib.cursors_hold:
        world.spare.append(cursor)
        return 0 if error == errno.ENOENT else error
    found = Attribute.from_address(world.attribute)
    while not bad and not (error := lib.zap_cursor_retrieve(cursor.address, world.attribute)):
        bad = found.integer_length != 8 or found.num_integers == 0
        names.append(world.entry_name() + b"\0")
        lib.zap_cursor_advance(cursor.address)
    lib.zap_cursor_fini(cursor.address)
    world.spare.append(cursor)
    if bad:
        return errno.ENXIO
    return (0, b"".join(names)) if error == errno.ENOENT else error


@FUNCTIONS.of("getdents")
def do_getdents(world: World, op: Call) -> Answer:
    """One call of zfs_readdir(): of each entry the position behind it, its name and a NUL."""
    zap = world.named(op.subject)
    if isinstance(zap, int):
        return zap
    if _is_removed(world, zap):
        return errno.ENOENT
    position = op.fill
    cursor = world.spare.pop() if world.spare else Cursor()
    lib, listed = world.lib, list[bytes]()
    start = position if position > LAST_SPECIAL else 0
    error: int = lib.zap_cursor_init_serialized(cursor.address, world.os, zap.number, start)
    if error and lib.cursors_hold:
        world.spare.append(cursor)
        return error
    found, error = Attribute.from_address(world.attribute), 0
    while not error:
        special = position < len(DOTS)
        if special:
            name = DOTS[position]
        elif error := lib.zap_cursor_retrieve(cursor.address, world.attribute):
            break
        elif found.integer_length != 8 or found.num_integers == 0:
            error = errno.ENXIO
            break
        else:
            name = world.entry_name()
        if len(listed) == op.length:  # it is retrieved before its caller says that there is no room for it
            break
        if special:
            position += 1
        else:
            lib.zap_cursor_advance(cursor.address)
            position = lib.zap_cursor_serialize(cursor.address)
        listed.append(position.to_bytes(8, "little") + name + b"\0")
    lib.zap_cursor_fini(cursor.address)
    world.spare.append(cursor)
    return error if error not in (0, errno.ENOENT) and not listed else (0, b"".join(listed))
