"""A pool image on disk, written by libzpool: `python -m tests.support.make_pool_image LIBRARY IMAGE`.

Dataset tank/ds has ZAPs of every kind; the last has one bit of a free-list link turned. tank/secret has one
that is encrypted. The process ends
without exporting the pool.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from random import Random

from fuzz.targets.libzpool.abi import DMU_NEW_OBJECT, DMU_OST_OTHER, Library

KINDS = ((0, 0), (0, 0), (9, 1), (12, 1), (14, 0), (9, 7), (10, 3), (14, 7), (14, 1))
"""Leaf shift (0 for zap_create: a micro ZAP) and flags; the last is the damaged one."""
DAMAGED = len(KINDS)
DIRECTORY, GONE = DAMAGED + 1, 4711
"""A directory, and the object to which one of its two entries leads and that does not exist."""

OBJECT_DIRECTORY, DIRECTORY_CONTENTS = 1, 20
"""Types of objects: OpenZFS encrypts the blocks of directories, and not those of object directories."""
READABLE, ENCRYPTED = 1, (2, 3)
"""The ZAPs in tank/secret whose blocks are plain, and those whose blocks are encrypted."""
DCP_CMD_NONE, ZIO_CRYPT_ON, ZFS_KEYFORMAT_RAW = 0, 1, 1


def make(library: Path, image: str, device: str = "disk") -> None:
    """Write the image, whose device is a disk or a file in its configuration."""
    lib = Library(library)
    cache = ctypes.create_string_buffer(f"{image}.cache".encode())
    ctypes.c_void_p.in_dll(lib.handle, "spa_config_path").value = ctypes.addressof(cache)
    Path(image).touch()
    os.truncate(image, 80 << 20)
    lib.kernel_init(3)
    root, child = ctypes.c_void_p(), ctypes.c_void_p()
    for made in (root, child):
        lib.nvlist_alloc(ctypes.byref(made), 1, 0)
    for name, text in ((b"type", device.encode()), (b"path", image.encode())):
        lib.nvlist_add_string(child, name, text)
    for name, number in ((b"ashift", 9), (b"is_log", 0)):
        lib.nvlist_add_uint64(child, name, number)
    lib.nvlist_add_string(root, b"type", b"root")
    lib.nvlist_add_nvlist_array(root, b"children", ctypes.addressof((ctypes.c_void_p * 1)(child)), 1)
    features = ctypes.c_void_p()
    lib.nvlist_alloc(ctypes.byref(features), 1, 0)
    for feature in (b"extensible_dataset", b"bookmarks", b"bookmark_v2", b"encryption"):
        lib.nvlist_add_uint64(features, b"feature@" + feature, 0)
    error = lib.spa_create(b"tank", root, features, None, None, None)
    assert error == 0, os.strerror(error)
    tag, found = ctypes.create_string_buffer(b"test"), ctypes.c_void_p()
    assert lib.dmu_objset_create(b"tank/ds", DMU_OST_OTHER, 0, None, None, None) == 0
    assert lib.dmu_objset_own(b"tank/ds", DMU_OST_OTHER, 0, 1, tag, ctypes.byref(found)) == 0
    rng = Random(5)
    for shift, flags in KINDS:
        number = _fill(lib, found.value or 0, shift, flags, rng)
    _damage(lib, found.value or 0, number, tag)
    _directory(lib, found.value or 0)
    secret = _encrypted(lib, tag)
    kinds = (OBJECT_DIRECTORY, DIRECTORY_CONTENTS, DIRECTORY_CONTENTS)
    numbers = [_fill(lib, secret, shift, 0, rng, kind) for shift, kind in zip((0, 0, 12), kinds, strict=True)]
    assert numbers == [READABLE, *ENCRYPTED]
    lib.txg_wait_synced(lib.dmu_objset_pool(found), 0)
    os._exit(0)


def _encrypted(lib: Library, tag: ctypes.Array[ctypes.c_char]) -> int:
    """The object set of tank/secret, which is encrypted; its key is gone with this process."""
    props, arguments, parameters = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    for made in (props, arguments):
        lib.nvlist_alloc(ctypes.byref(made), 1, 0)
    for name, number in ((b"encryption", ZIO_CRYPT_ON), (b"keyformat", ZFS_KEYFORMAT_RAW)):
        lib.nvlist_add_uint64(props, name, number)
    lib.nvlist_add_string(props, b"keylocation", b"prompt")
    assert lib.handle.nvlist_add_uint8_array(arguments, b"wkeydata", bytes(range(32)), 32) == 0
    create = lib.handle.dsl_crypto_params_create_nvlist
    assert create(DCP_CMD_NONE, props, arguments, ctypes.byref(parameters)) == 0
    error = lib.dmu_objset_create(b"tank/secret", DMU_OST_OTHER, 0, parameters, None, None)
    assert error == 0, os.strerror(error)
    found = ctypes.c_void_p()
    assert lib.dmu_objset_own(b"tank/secret", DMU_OST_OTHER, 0, 1, tag, ctypes.byref(found)) == 0
    return found.value or 0


def _tx(lib: Library, objset: int, number: int) -> int:
    tx = lib.dmu_tx_create(objset)
    lib.dmu_tx_hold_zap(tx, number, 1, None)
    assert lib.dmu_tx_assign(tx, 1) == 0
    return int(tx)


def _fill(
    lib: Library, objset: int, shift: int, flags: int, rng: Random, kind: int = OBJECT_DIRECTORY
) -> int:
    tx = _tx(lib, objset, DMU_NEW_OBJECT)
    if shift:
        number = int(lib.zap_create_flags(objset, 0, flags, kind, shift, 17, 0, 0, tx))
    else:
        number = int(lib.zap_create_norm(objset, 0, kind, 0, 0, tx))
    lib.dmu_tx_commit(tx)
    for _ in range(rng.choice((5, 40, 600))):
        tx = _tx(lib, objset, number)
        value, length = rng.randbytes(64), rng.choice((1, 5)) if shift else 1
        if flags & 2:
            key = (ctypes.c_uint64 * 1)(rng.getrandbits(64))
            lib.zap_add_uint64(objset, number, key, 1, 8, length, value, tx)
        else:
            lib.zap_add(objset, number, b"name-%d" % rng.getrandbits(20), 8, length, value, tx)
        lib.dmu_tx_commit(tx)
    return number


def _directory(lib: Library, objset: int) -> None:
    """A directory with a file that is there (object 1 stands for it) and one whose object is not."""
    tx = _tx(lib, objset, DMU_NEW_OBJECT)
    number = int(lib.zap_create_norm(objset, 0, DIRECTORY_CONTENTS, 0, 0, tx))
    for name, value in ((b"there", 8 << 60 | 1), (b"gone", 8 << 60 | GONE)):
        lib.zap_add(objset, number, name, 8, 1, value.to_bytes(8, "little"), tx)
    lib.dmu_tx_commit(tx)
    assert number == DIRECTORY


def _damage(lib: Library, objset: int, number: int, tag: ctypes.Array[ctypes.c_char]) -> None:
    """Turn one bit of the first leaf's lh_freelist."""
    tx = _tx(lib, objset, number)
    dbuf = ctypes.c_void_p()
    assert lib.dmu_buf_hold(objset, number, 1 << 14, tag, ctypes.byref(dbuf), 0) == 0
    lib.dmu_buf_will_dirty(dbuf, tx)
    data = ctypes.c_void_p.from_address((dbuf.value or 0) + 24).value or 0
    link = ctypes.c_uint16.from_address(data + 34)
    link.value ^= 1 << 12
    lib.dmu_buf_rele(dbuf, tag)
    lib.dmu_tx_commit(tx)


if __name__ == "__main__":
    make(Path(sys.argv[1]), *sys.argv[2:])
