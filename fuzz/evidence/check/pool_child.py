"""The process that has the library: imports a pool's image read-only and writes its ZAP objects to a pipe.

    python -m fuzz.evidence.check.pool_child LIBRARY IMAGE DATASET OBJECT DESCRIPTOR

An object is a line of JSON (`name`, `size`, `blocks`, `unreadable`, and `absent`: objects to which a
directory's entries lead and that do not exist) and then its blocks; a line with `error` ends it, a line with
`skipped` names what could not be opened. DATASET empty is the whole pool, OBJECT 0 every
ZAP. The image is opened as SPA_MODE_READ has it, O_RDONLY, and the pool is never exported: the process ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from fuzz.targets.libzpool.abi import Library, ObjectInfo
from fuzz.targets.libzpool.pool_config import Nvlist, Problem, pool_config
from zapcore.verify.object import check_object
from zapcore.verify.report import object_of

MOS = "MOS"
"""What the pool's own object set is called as a dataset."""

SPA_MODE_READ = 1
IMPORT_SKIP_MMP = 0x10
FIND_CHILDREN = 2
NEW_TYPE, NEW_TYPE_ENCRYPTED, BYTESWAP_MASK, BYTESWAP_ZAP = 0x80, 0x20, 0x1F, 4
OBJECT_TYPES, OBJECT_TYPE_WORDS, TYPE_BYTESWAP, TYPE_ENCRYPTED = 54, 6, 0, 3
"""The table dmu_ot: how many types, words of each, and which words say how it is swapped and whether it is
encrypted."""
KEY_UNAVAILABLE = 1
"""Of zfs_keystatus_t."""
MAX_BLOCKS = 1 << 20
TOLD = 20
"""How many datasets are named where one is not there."""
NO_KEY = "there is no key for it here (`zdb -K KEY -dddd` of 2.2 or later lists its entries)"
"""What dmu_read() gives EACCES for, of 2.1 EIO."""
DIRECTORY_CONTENTS = 20
"""The type of a directory's object (dmu_object_type_t)."""


def _why(code: int) -> str:
    return {52: "EBADE", 61: "ENODATA"}.get(code) or os.strerror(code)


class Encrypted(Problem):
    """The object's blocks are encrypted, and the key is not there: nothing is said of them."""


class PoolReader:
    """An imported pool. Opened once a process."""

    def __init__(self, library: Path, image: str) -> None:
        self.lib = lib = Library(library)
        self.tag = ctypes.create_string_buffer(b"zapfuzz check")
        self.cache_file = ctypes.create_string_buffer(b"/nonexistent/zapfuzz")
        path = ctypes.addressof(self.cache_file)
        ctypes.c_void_p.in_dll(lib.handle, "spa_config_path").value = path
        lib.kernel_init(SPA_MODE_READ)
        config = pool_config(lib, image)
        self.name = config.string("name")
        props = Nvlist(lib)
        props.put("readonly", 1)
        if error := lib.spa_import(self.name.encode(), config.at, props.at, IMPORT_SKIP_MMP):
            raise Problem(f"{image}: pool {self.name} cannot be imported: {_why(error)}")
        self.spa = ctypes.c_void_p()
        if error := lib.spa_open(self.name.encode(), ctypes.byref(self.spa), self.tag):
            raise Problem(f"{image}: pool {self.name} cannot be opened: {_why(error)}")

    def datasets(self) -> list[str]:
        """Every file system and volume."""
        found: list[str] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)

        def see(name: bytes, _: int) -> int:
            found.append(name.decode())
            return 0

        self.lib.dmu_objset_find(self.name.encode(), kind(see), None, FIND_CHILDREN)
        return found

    @contextlib.contextmanager
    def objset(self, dataset: str) -> Iterator[int]:
        """The object set of a dataset; one at a time, for its hold is also one on the pool's configuration.
        Raises Problem."""
        if dataset == MOS:
            yield int(self.lib.spa_meta_objset(self.spa))
            return
        found = ctypes.c_void_p()
        if error := self.lib.dmu_objset_hold(dataset.encode(), self.tag, ctypes.byref(found)):
            there = sorted(self.datasets())
            more = f" and {len(there) - TOLD} more" if len(there) > TOLD else ""
            told = f"{MOS}, {', '.join(there[:TOLD])}{more}"
            raise Problem(f"dataset {dataset}: cannot be opened: {_why(error)}; expected one of {told}")
        yield found.value or 0
        self.lib.dmu_objset_rele(found, self.tag)

    def is_zap(self, kind: int) -> bool:
        """Whether objects of a type are byte-swapped as ZAPs (DMU_OT_BYTESWAP)."""
        if kind & NEW_TYPE:
            return kind & BYTESWAP_MASK == BYTESWAP_ZAP
        if kind >= OBJECT_TYPES:
            return False
        return self._of_type(kind, TYPE_BYTESWAP) == BYTESWAP_ZAP

    def is_encrypted(self, kind: int) -> bool:
        """Whether blocks of objects of a type are encrypted where the dataset is (DMU_OT_IS_ENCRYPTED)."""
        if kind & NEW_TYPE:
            return bool(kind & NEW_TYPE_ENCRYPTED)
        return bool(self._of_type(kind, TYPE_ENCRYPTED))

    def _of_type(self, kind: int, word: int) -> int:
        table = (ctypes.c_int * (OBJECT_TYPE_WORDS * OBJECT_TYPES)).in_dll(self.lib.handle, "dmu_ot")
        return table[OBJECT_TYPE_WORDS * kind + word]

    def lacks_key(self, objset: int) -> bool:
        """Whether an object set is encrypted and its key is not loaded (dsl_dataset_crypt_stats)."""
        if objset == self.lib.spa_meta_objset(self.spa):
            return False
        told = Nvlist(self.lib)
        self.lib.dsl_dataset_crypt_stats(self.lib.dmu_objset_ds(objset), told.at)
        status = told.child("keystatus")
        return status is not None and status.number("value") == KEY_UNAVAILABLE

    def zaps(self, objset: int) -> Iterator[int]:
        """The numbers of every ZAP object."""
        number = ctypes.c_uint64(0)
        while not self.lib.dmu_object_next(objset, ctypes.byref(number), 0, 0):
            info = ObjectInfo()
            if not self.lib.dmu_object_info(objset, number, ctypes.byref(info)) and self.is_zap(
                info.types[0]
            ):
                yield number.value

    def read(self, objset: int, dataset: str, number: int, out: BinaryIO) -> None:
        """Write an object's blocks. Raises Problem, Encrypted where no key is loaded for them."""
        info = ObjectInfo()
        if error := self.lib.dmu_object_info(objset, number, ctypes.byref(info)):
            raise Problem(f"dataset {dataset}: object {number}: {_why(error)}")
        if not self.is_zap(info.types[0]):
            raise Problem(f"dataset {dataset}: object {number}: type {info.types[0]} is not a ZAP's")
        if self.is_encrypted(info.types[0]) and self.lacks_key(objset):
            raise Encrypted(f"dataset {dataset}: object {number}: encrypted; {NO_KEY}")
        size = info.data_block_size
        count = min(info.max_offset // size, MAX_BLOCKS)
        blocks: list[bytes] = []
        unreadable: list[int] = []
        buffer = ctypes.create_string_buffer(size)
        for blkid in range(count):
            if self.lib.dmu_read(objset, number, blkid * size, size, buffer, self.lib.look):
                unreadable.append(blkid)
                ctypes.memset(buffer, 0, size)
            blocks.append(buffer.raw)
        absent = self.absent(objset, blocks) if info.types[0] == DIRECTORY_CONTENTS else []
        name = f"{dataset if dataset != MOS else f'{self.name} {MOS}'} object {number}"
        say(out, name=name, size=size, blocks=count, unreadable=unreadable, absent=absent)
        out.write(b"".join(blocks))

    def absent(self, objset: int, blocks: list[bytes]) -> list[int]:
        """The objects that a directory's entries name and that do not exist."""
        info = ObjectInfo()
        report = check_object(blocks, operations=False)
        named = dict.fromkeys(object_of(entry) for entry in report.entries if entry.size == 8)
        return [number for number in named if self.lib.dmu_object_info(objset, number, ctypes.byref(info))]


def say(out: BinaryIO, **fields: Any) -> None:
    """One line of JSON."""
    out.write(json.dumps(fields).encode() + b"\n")


def serve(arguments: list[str], out: BinaryIO) -> None:
    """Read what was asked for."""
    library, image, dataset, number = arguments
    reader = PoolReader(Path(library), image)
    for each in [dataset] if dataset else [MOS, *reader.datasets()]:
        try:
            with reader.objset(each) as objset:
                if int(number):
                    reader.read(objset, each, int(number), out)
                else:
                    read_all(reader, objset, each, out)
        except Problem as problem:
            if dataset:
                raise
            say(out, skipped=str(problem))


def read_all(reader: PoolReader, objset: int, dataset: str, out: BinaryIO) -> None:
    """Every ZAP of an object set; how many are encrypted is told once."""
    encrypted = 0
    for zap in reader.zaps(objset):
        try:
            reader.read(objset, dataset, zap, out)
        except Encrypted:
            encrypted += 1
    if encrypted:
        say(out, skipped=f"dataset {dataset}: {encrypted} encrypted ZAP{'s' * (encrypted != 1)}: {NO_KEY}")


def main(arguments: list[str]) -> None:
    """See the module. Ends without goodbye: the library's threads would only be in the way."""
    with open(int(arguments[4]), "wb") as out:
        try:
            serve(arguments[:4], out)
        except (Problem, OSError, AttributeError) as problem:
            say(out, error=str(problem))
        out.flush()
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
