"""libzpool's functions and structures as ctypes sees them; where releases differ stands here and only here.

The arguments are those of `include/sys/{zap,dmu,spa,txg,nvpair}.h`. Errors come back as the int results
(errno values); nothing here interprets them.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz.targets.libzpool.guarded_buffer import GUARD
from fuzz.targets.libzpool.tunables import Tunables
from fuzz.targets.libzpool.watched.counters import Counting
from zapcore.zap.compare import Compared

_TYPES: dict[str, Any] = {
    "v": None,
    "i": ctypes.c_int,
    "u": ctypes.c_uint32,
    "q": ctypes.c_uint64,
    "p": ctypes.c_void_p,
    "s": ctypes.c_char_p,
}

PROTOTYPES = {
    "kernel_init": "v i",
    "nvlist_alloc": "i pui",
    "nvlist_free": "v p",
    "nvlist_add_string": "i pss",
    "nvlist_add_uint64": "i psq",
    "nvlist_add_nvlist": "i psp",
    "nvlist_add_nvlist_array": "i pspu",
    "nvlist_lookup_nvlist": "i psp",
    "nvlist_lookup_nvlist_array": "i pspp",
    "nvlist_lookup_string": "i psp",
    "nvlist_lookup_uint64": "i psp",
    "nvlist_unpack": "i pqpi",
    "spa_create": "i sppppp",
    "spa_open": "i spp",
    "spa_meta_objset": "p p",
    "spa_async_suspend": "v p",
    "spa_export": "i spii",
    "spa_import": "i sppq",
    "spa_config_enter": "v pipi",
    "spa_config_tryenter": "i pipi",
    "spa_config_exit": "v pip",
    "spa_last_synced_txg": "q p",
    "spa_syncing_txg": "q p",
    "spa_suspended": "i p",
    "dmu_objset_create": "i siqppp",
    "dmu_objset_find": "i sppi",
    "dmu_objset_hold": "i spp",
    "dmu_objset_own": "i siiipp",
    "dmu_objset_disown": "v pip",
    "dmu_objset_rele": "v pp",
    "dmu_objset_pool": "p p",
    "dmu_objset_spa": "p p",
    "dmu_objset_ds": "p p",
    "dsl_dataset_crypt_stats": "v pp",
    "dmu_objset_evict_dbufs": "v p",
    "dmu_objset_register_type": "v ip",
    "dmu_object_claim": "i pqiiiip",
    "dmu_object_free": "i pqp",
    "dmu_object_info": "i pqp",
    "dmu_object_set_blocksize": "i pqqip",
    "dmu_object_next": "i ppiq",
    "arc_flush": "v pi",
    "arc_freed": "v ps",
    "dmu_objset_id": "q p",
    "dnode_hold": "i pqpp",
    "dnode_is_dirty": "i p",
    "dnode_next_offset": "i pipiqq",
    "dnode_rele": "v pp",
    "dbuf_hold_impl": "i piqiipp",
    "dbuf_rele": "v pp",
    "rw_enter": "v pi",
    "rw_exit": "v p",
    "mzap_create_impl": "v piip",
    "dmu_read": "i pqqqpu",
    "dmu_write": "v pqqqspu",
    "dmu_free_range": "i pqqqp",
    "dmu_bonus_hold": "i pqpp",
    "dmu_buf_hold": "i pqqppi",
    "dmu_buf_rele": "v pp",
    "dmu_buf_will_dirty": "v pp",
    "dmu_buf_get_user": "p p",
    "dmu_buf_get_blkptr": "p p",
    "dmu_buf_refcount": "q p",
    "dmu_tx_create": "p p",
    "dmu_tx_hold_zap": "v pqis",
    "dmu_tx_hold_free": "v pqqq",
    "dmu_tx_hold_bonus": "v pq",
    "dmu_tx_hold_write": "v pqqi",
    "dmu_tx_assign": "i pq",
    "dmu_tx_mark_netfree": "v p",
    "dmu_tx_commit": "v p",
    "dmu_tx_abort": "v p",
    "dmu_tx_get_txg": "q p",
    "dsl_sync_task_nowait": "v ppqp",
    "dsl_early_sync_task_nowait": "v ppqp",
    "txg_wait_synced": "v pq",
    "txg_wait_open": "v pqi",
    "u8_validate": "i sqpip",
    "u8_strcmp": "i ssqiqp",
    "zio_inject_fault": "i sipp",
    "zio_clear_fault": "i i",
    "zap_create_norm": "q piiiip",
    "zap_create_flags": "q piiiiiiip",
    "zap_create_claim": "i pqiiip",
    "zap_create_claim_norm": "i pqiiiip",
    "zap_destroy": "i pqp",
    "zap_add": "i pqsiqpp",
    "zap_add_uint64": "i pqpiiqpp",
    "zap_update": "i pqsiqpp",
    "zap_update_uint64": "i pqpiiqpp",
    "zap_remove": "i pqsp",
    "zap_remove_uint64": "i pqpip",
    "zap_lookup": "i pqsqqp",
    "zap_lookup_uint64": "i pqpiqqp",
    "zap_length": "i pqspp",
    "zap_length_uint64": "i pqpipp",
    "zap_count": "i pqp",
    "zap_contains": "i pqs",
    "zap_increment": "i pqsqp",
    "zap_value_search": "i pqqqpq",
    "zap_prefetch": "i pqs",
    "zap_prefetch_uint64": "i pqpi",
    "zap_add_int": "i pqqp",
    "zap_add_int_key": "i pqqqp",
    "zap_update_int_key": "i pqqqp",
    "zap_remove_int": "i pqqp",
    "zap_lookup_int": "i pqq",
    "zap_lookup_int_key": "i pqqp",
    "zap_get_stats": "i pqp",
    "zap_lookup_norm": "i pqsqqpipip",
    "zap_remove_norm": "i pqsip",
    "zap_cursor_init": "i ppq",
    "zap_cursor_init_serialized": "i ppqq",
    "zap_cursor_serialize": "q p",
    "zap_cursor_fini": "v p",
    "zap_cursor_retrieve": "i pp",
    "zap_cursor_advance": "v p",
}
"""Result code, then argument codes: int, uint32, uint64 (q), pointer, string, void. The last argument of
dmu_write() is that of 2.4 and later, of spa_create() it is master's (`nvlist_t **errinfo`), the last of
zap_value_search() that of 2.3 and later: older ones do not look at it."""

SOME_HAVE = {
    "zap_prefetch_object": "i pq",
    "zap_join": "i pqqp",
    "zap_join_key": "i pqqqp",
    "zap_join_increment": "i pqqp",
    "zap_increment_int": "i pqqqp",
    "zap_add_by_dnode": "i psiqpp",
    "zap_lookup_by_dnode": "i psqqp",
    "zap_remove_by_dnode": "i psp",
    "zap_add_uint64_by_dnode": "i ppiiqpp",
    "zap_update_uint64_by_dnode": "i ppiiqpp",
    "zap_lookup_uint64_by_dnode": "i ppiqqp",
    "zap_remove_uint64_by_dnode": "i ppip",
    "zap_count_by_dnode": "i pp",
}
"""Functions that not every release has (`Library.has`): the first since 2.3, zap_join() to
zap_increment_int() until 2.4, those of a dnode and names in all, of words since 2.3, zap_count_by_dnode()
since 2.4."""

OURS = "ZAPFUZZ_OURS"
"""Environment variable: the compiled hash_bits.c and micro_max.c."""
WAIVE = "ZAPFUZZ_WAIVE"
"""Environment variable: the compiled waive.c, and after each of more colons a function (`waived`)."""
DMU_OST_OTHER = 4
DMU_OT_OBJECT_DIRECTORY = 1
DMU_OT_DIRECTORY_CONTENTS = 20
DMU_NEW_OBJECT = (1 << 64) - 1
DMU_OBJECT_END = (1 << 64) - 1
TXG_NOWAIT, TXG_WAIT = 0, 1
UNICODE_VERSIONS = (1, 0)
"""U8_UNICODE_LATEST, which is 5.0, until 2.3 and, without 3.2, since 2.4; that is told by ERANGE."""
ZINJECT_DATA_FAULT = 1
SCL_CONFIG, SCL_STATE = 1, 2
RW_READER, RW_WRITER = 0, 1


class ObjectInfo(ctypes.Structure):
    """dmu_object_info_t."""

    _fields_ = (
        ("data_block_size", ctypes.c_uint32),
        ("metadata_block_size", ctypes.c_uint32),
        ("types", ctypes.c_uint32 * 2),
        ("bonus_size", ctypes.c_uint64),
        ("indirection", ctypes.c_uint8),
        ("small", ctypes.c_uint8 * 7),
        ("dnode_size", ctypes.c_uint64),
        ("physical_blocks_512", ctypes.c_uint64),
        ("max_offset", ctypes.c_uint64),
        ("fill_count", ctypes.c_uint64),
    )


class InjectRecord(ctypes.Structure):
    """zinject_record_t (include/sys/zfs_ioctl.h); the last two are there since 2.4."""

    _fields_ = (
        ("objset", ctypes.c_uint64),
        ("object", ctypes.c_uint64),
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("guid", ctypes.c_uint64),
        ("level", ctypes.c_uint32),
        ("error", ctypes.c_uint32),
        ("type", ctypes.c_uint64),
        ("frequency", ctypes.c_uint32),
        ("fail_fast", ctypes.c_uint32),
        ("function", ctypes.c_char * 256),
        ("io_type", ctypes.c_uint32),
        ("duration", ctypes.c_int32),
        ("timer", ctypes.c_uint64),
        ("lanes", ctypes.c_uint64),
        ("command", ctypes.c_uint32),
        ("copies", ctypes.c_uint32),
        ("matches", ctypes.c_uint64),
        ("injections", ctypes.c_uint64),
    )


class Attribute(ctypes.Structure):
    """zap_attribute_t. In 2.1 the name follows at once, in 2.3 after its length and four unused bytes."""

    _fields_ = (
        ("integer_length", ctypes.c_int),
        ("conflict", ctypes.c_int),
        ("num_integers", ctypes.c_uint64),
        ("first_integer", ctypes.c_uint64),
    )


class Library:
    """A loaded libzpool: every function of PROTOTYPES as an attribute, tunables through `tune`.

    `look` are the flags to read a block with that change nothing (DMU_READ_NO_PREFETCH and what else that
    takes); `ours` is hash_bits.c and micro_max.c where the environment names them (OURS), whose functions
    stand before the library's; `cursors_hold` as `zapcore.release` has it; `counting` is who counts the edges
    that are taken, if anybody does; `has_block_cloning` says that it is 2.2 or later; `named_at` is the
    offset of za_name in what `attribute()` returns, `name_room` its size. Raises OSError where it cannot be
    loaded and AttributeError where a function is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counting = Counting.of_worker()
        before = os.environ.get(OURS)
        self.ours = ctypes.CDLL(before, mode=os.RTLD_GLOBAL | os.RTLD_NOW) if before else None
        waive, _, functions = os.environ.get(WAIVE, "").partition(":")
        passing_over = ctypes.CDLL(waive, mode=os.RTLD_GLOBAL | os.RTLD_NOW) if waive else None
        folder = path.parent
        for needed in ("libnvpair.so.3", "libuutil.so.3", "libzfs_core.so.3"):
            if (folder / needed).exists():
                ctypes.CDLL(str(folder / needed), mode=os.RTLD_GLOBAL | os.RTLD_NOW)
        self.handle = ctypes.CDLL(str(path), mode=os.RTLD_GLOBAL | os.RTLD_NOW)
        self._tunables = Tunables(self.handle)
        self._bounds_micro = False
        self._micro_max = 0
        if self.ours is not None:
            self.ours.hash_bits_begin.argtypes = [ctypes.c_void_p]
            self.ours.hash_bits_set.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int]
            if not self.ours.hash_bits_begin(self.handle._handle):
                raise AttributeError("zap_hashbits")
            self.ours.micro_max_begin.argtypes = [ctypes.c_void_p]
            self.ours.micro_max_set.argtypes = [ctypes.c_uint64]
            self._bounds_micro = bool(self.ours.micro_max_begin(self.handle._handle))
        if passing_over is not None:
            passing_over.waive_begin.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
            if not passing_over.waive_begin(self.handle._handle, f":{functions}:".encode()):
                raise AttributeError("libspl_assertf")
        if self.counting is not None:
            self.counting.attach()
        for name, codes in PROTOTYPES.items():
            self._bind(name, codes)
        # 734eba251d numbered the flags anew, and reading says that a dbuf is to stay, but with KEEP_CACHING
        self.look = 1 << 3 | 1 << 9 if hasattr(self.handle, "dmu_buf_will_fill_flags") else 1
        self.has_block_cloning = hasattr(self.handle, "brt_init")
        self.has_attribute_alloc = hasattr(self.handle, "zap_attribute_alloc")
        # efda1093ff; before it zap_cursor_init() and its kin return nothing
        self.cursors_hold = hasattr(self.handle, "zap_cursor_init_by_dnode")
        for name, codes in SOME_HAVE.items():
            if hasattr(self.handle, name):
                self._bind(name, codes)
        self.named_at = ctypes.sizeof(Attribute) + (8 if self.has_attribute_alloc else 0)
        self.name_room = 256
        self._attributes: list[ctypes.Array[ctypes.c_char]] = []
        if self.has_attribute_alloc:
            self._bind("zap_attribute_long_alloc", "p")

    def _bind(self, name: str, codes: str) -> None:
        function = getattr(self.handle, name)
        result, _, arguments = codes.partition(" ")
        function.restype = _TYPES[result]
        function.argtypes = [_TYPES[code] for code in arguments]
        setattr(self, name, function)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"libzpool has no {name}")

    def has(self, name: str) -> bool:
        """Whether the library has a function of SOME_HAVE."""
        return name in vars(self)

    def attribute(self) -> int:
        """The address of a zap_attribute_t that lives as long as the process, with room for a guard."""
        length_at = ctypes.sizeof(Attribute)
        if self.has_attribute_alloc and not self._attributes:
            self.name_room = ctypes.c_uint32.from_address(self.zap_attribute_long_alloc() + length_at).value
        made = ctypes.create_string_buffer(self.named_at + self.name_room + len(GUARD))
        if self.has_attribute_alloc:
            ctypes.c_uint32.from_buffer(made, length_at).value = self.name_room
        self._attributes.append(made)
        return ctypes.addressof(made)

    def compare_names(self, name: bytes, other: bytes, flags: int) -> Compared:
        """u8_strcmp(), as zfs_dirent_lock() calls it."""
        error = ctypes.c_int(0)
        for version in UNICODE_VERSIONS:
            order = self.u8_strcmp(name, other, 0, flags, version, ctypes.addressof(error))
            if error.value != errno.ERANGE:
                break
        return Compared(order == 0, error.value != 0)

    def tune_micro(self, size: int) -> None:
        """Say how many bytes a micro ZAP may have: by the tunable, or where that cannot be found, in 2.3 and
        2.4, by a function of ours. 2.1 has neither. All threads of the library share it."""
        if self._micro_max == size:
            return
        self._micro_max = size
        if not self.tune("zap_micro_max_size", size, ctypes.c_int) and self._bounds_micro:
            assert self.ours is not None
            self.ours.micro_max_set(size)

    def tune(self, name: str, value: int, kind: type[ctypes.c_int] | type[ctypes.c_uint64]) -> bool:
        """Set a tunable; whether it can be found in this release."""
        return self._tunables.set(name, value, kind)
