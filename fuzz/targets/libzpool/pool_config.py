"""What spa_import() wants to know of a pool, read from the label of its only device."""

from __future__ import annotations

import ctypes
import os

from fuzz.targets.libzpool.abi import Library

LABEL_CONFIG, LABEL_CONFIG_SIZE = 16 << 10, (112 << 10) - 40


class Problem(Exception):
    """The pool or the object cannot be read; the text says why in one line."""


class Nvlist:
    """An nvlist of the library's."""

    def __init__(self, lib: Library, address: int | None = None) -> None:
        self.lib = lib
        self.at = ctypes.c_void_p(address)
        if address is None:
            lib.nvlist_alloc(ctypes.byref(self.at), 1, 0)

    def string(self, name: str) -> str:
        found = ctypes.c_char_p()
        self.lib.nvlist_lookup_string(self.at, name.encode(), ctypes.byref(found))
        return (found.value or b"").decode("utf-8", "replace")

    def number(self, name: str) -> int:
        found = ctypes.c_uint64()
        self.lib.nvlist_lookup_uint64(self.at, name.encode(), ctypes.byref(found))
        return found.value

    def child(self, name: str) -> Nvlist | None:
        found = ctypes.c_void_p()
        if self.lib.nvlist_lookup_nvlist(self.at, name.encode(), ctypes.byref(found)) or not found.value:
            return None
        return Nvlist(self.lib, found.value)

    def children(self) -> list[Nvlist]:
        found, count = ctypes.c_void_p(), ctypes.c_uint()
        error = self.lib.nvlist_lookup_nvlist_array(
            self.at, b"children", ctypes.byref(found), ctypes.byref(count)
        )
        if error or not found.value:
            return []
        return [Nvlist(self.lib, at) for at in (ctypes.c_void_p * count.value).from_address(found.value)]

    def put(self, name: str, value: str | int | Nvlist | list[Nvlist]) -> None:
        lib, word = self.lib, name.encode()
        if isinstance(value, str):
            lib.nvlist_add_string(self.at, word, os.fsencode(value))
        elif isinstance(value, int):
            lib.nvlist_add_uint64(self.at, word, value)
        elif isinstance(value, Nvlist):
            lib.nvlist_add_nvlist(self.at, word, value.at)
        else:
            array = (ctypes.c_void_p * len(value))(*[each.at.value for each in value])
            lib.nvlist_add_nvlist_array(self.at, word, ctypes.addressof(array), len(value))


def pool_config(lib: Library, image: str) -> Nvlist:
    """What spa_import() wants to know, read from the image's first label."""
    with open(image, "rb") as file:
        file.seek(LABEL_CONFIG)
        packed = file.read(LABEL_CONFIG_SIZE)
    found = ctypes.c_void_p()
    label = ctypes.create_string_buffer(packed, max(len(packed), 1))
    if lib.nvlist_unpack(label, len(packed), ctypes.byref(found), 0) or not found.value:
        raise Problem(
            f"{image}: no pool's label at {LABEL_CONFIG}; expected the image of a pool's only device"
        )
    config = Nvlist(lib, found.value)
    top = config.child("vdev_tree")
    if top is None or not config.string("name"):
        raise Problem(
            f"{image}: the label names no pool: a spare, a cache, or a device taken out of its pool"
        )
    if config.number("vdev_children") > 1:
        raise Problem(f"{image}: one of {config.number('vdev_children')} devices; expected a pool of one")
    _point_at(image, top, config.number("guid"))
    root = Nvlist(lib)
    root.put("type", "root")
    root.put("id", 0)
    root.put("guid", config.number("pool_guid"))
    root.put("children", [top])
    whole = Nvlist(lib)
    for field in ("version", "pool_guid", "state", "txg"):
        whole.put(field, config.number(field))
    whole.put("name", config.string("name"))
    whole.put("vdev_tree", root)
    return whole


def _point_at(image: str, vdev: Nvlist, guid: int) -> None:
    """Let the leaf device with this guid be the image, wherever it was when the label was written. Its type
    stays, since the pool's own configuration has it, too (vdev_copy_path_strict): libzpool opens a disk as it
    does a file."""
    for below in vdev.children():
        _point_at(image, below, guid)
    if vdev.number("guid") == guid:
        vdev.put("path", image)
