"""OpenZFS's tunables in a loaded libzpool: variables that it exports, and since 2.4 those of its table."""

from __future__ import annotations

import ctypes


class Tunable(ctypes.Structure):
    """zfs_tunable_t (lib/libspl/include/sys/tunables.h)."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("variable", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("kind", ctypes.c_int),
        ("permission", ctypes.c_int),
        ("description", ctypes.c_char_p),
    )


_BEGIN, _END = "__start_zfs_tunables", "__stop_zfs_tunables"
"""Where the linker has put the addresses of all of them."""


class Tunables:
    """The tunables of a library. `table` has the address of each that its table names."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self.table: dict[bytes, int] = {}
        try:
            first, behind = (ctypes.c_char.in_dll(library, name) for name in (_BEGIN, _END))
        except ValueError:
            return
        begin, end = ctypes.addressof(first), ctypes.addressof(behind)
        pointers = ctypes.POINTER(Tunable) * ((end - begin) // ctypes.sizeof(ctypes.c_void_p))
        for each in filter(None, pointers.from_address(begin)):
            self.table[each.contents.name] = each.contents.variable

    def set(self, name: str, value: int, kind: type[ctypes.c_int] | type[ctypes.c_uint64]) -> bool:
        """Set one that is of this kind; whether this library lets it be found."""
        try:
            variable = kind.in_dll(self._library, name)
        except ValueError:
            address = self.table.get(name.encode())
            if address is None:
                return False
            variable = kind.from_address(address)
        variable.value = value
        return True
