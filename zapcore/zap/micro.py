"""The micro ZAP: one block of slots of 64 bytes. Each slot has a short name and one 64-bit value.

From module/zfs/zap_micro.c. Slots are found by an index in memory, which is ordered by (hash, cd) and made
anew whenever the block is opened. A block that is full grows by 512 bytes. When it can grow no more, the ZAP
becomes fat.
"""

from __future__ import annotations

import bisect
import errno

from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, Tag
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Tx
from zapcore.errors import ZapErrno, fail, openzfs
from zapcore.zap import fat
from zapcore.zap.name import Found, Name
from zapcore.zap.zap import Zap

GROWTH = 512
MOST_SLOTS = (1 << 15) - 1
"""What zap_num_chunks can count (int16_t): a micro ZAP of 2 MiB, which only 2.2 lets be."""
SLOT_CHUNKS = 1 + L.array_chunks(L.MICRO_NAME_LEN) + L.array_chunks(8)

_FIRST_NAME = L.slot_offset(0) + L.B_MZE_NAME
"""The offset of the first byte of the first slot's name."""


class MicroIndex:
    """zap_m: the entries as (hash >> 32, cd, slot) in order, how many slots there are, and the slot at which
    the search for a free one begins."""

    __slots__ = ("alloc_next", "entries", "slots")

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.alloc_next = 0
        self.entries: list[tuple[int, int, int]] = []

    def of_hash(self, value: int) -> list[tuple[int, int, int]]:
        """The entries of a hash, in the order of their differentiators."""
        top = value >> 32
        at = bisect.bisect_left(self.entries, (top, 0, 0))
        end = bisect.bisect_left(self.entries, (top + 1, 0, 0), at)
        return self.entries[at:end]

    def from_first(self, value: int) -> list[tuple[int, int, int]]:
        """The entries of a hash if one of them has the differentiator 0, else none: OpenZFS looks for that
        one with zfs_btree_find(), and goes on from there."""
        found = self.of_hash(value)
        return found if found and found[0][1] == 0 else []


def slot_name(raw: bytes | bytearray, slot: int) -> bytes:
    """The name in a slot. It is empty if the slot is free."""
    at = L.slot_offset(slot) + L.B_MZE_NAME
    return bytes(raw[at : at + L.MICRO_NAME_LEN]).split(b"\0", 1)[0]


def slots_in_use(raw: bytearray) -> list[int]:
    """The slots of a block that have a name, in order."""
    return [slot for slot, first in enumerate(raw[_FIRST_NAME :: L.SLOT_SIZE]) if first]


def slot_value(dbuf: Dbuf, slot: int) -> int:
    """The value in a slot."""
    return dbuf.buf.q[L.slot_offset(slot) // 8 + L.Q_MZE_VALUE]


def slot_cd(dbuf: Dbuf, slot: int) -> int:
    """The differentiator in a slot, with all its 32 bits."""
    return dbuf.buf.i[L.slot_offset(slot) // 4 + L.I_MZE_CD]


def open_micro(dnode: Dnode, dbuf: Dbuf) -> Zap:
    """The zap_t of a micro ZAP's block, with an index of its slots (the part of mzap_open that is for micro
    ZAPs)."""
    zap = Zap(dnode, dbuf)
    q = dbuf.buf.q
    zap.micro = index = MicroIndex(L.slots_of(dbuf.size))
    zap.set_flags(0)
    zap.salt = q[L.Q_MZ_SALT]
    zap.set_norm(q[L.Q_MZ_NORMFLAGS])
    for slot in slots_in_use(dbuf.buf.raw):
        _insert(zap, index, slot, Name(zap, slot_name(dbuf.buf.raw, slot)).hash)
    return zap


@openzfs("zap_micro.c", "mze_insert")
def _insert(zap: Zap, index: MicroIndex, slot: int, value: int) -> None:
    cd = slot_cd(zap.dbuf, slot) & 0xFFFF
    at = bisect.bisect_left(index.entries, (value >> 32, cd, 0))
    if at < len(index.entries) and index.entries[at][:2] == (value >> 32, cd):
        fail("zfs_btree_find(tree, node, &where) == NULL", macro="VERIFY3P", place="btree.c:zfs_btree_add")
    index.entries.insert(at, (value >> 32, cd, slot))


@openzfs("zap_micro.c", "mze_find")
def find(name: Name) -> tuple[int, int, int] | None:
    """The index entry of a name."""
    zap = name.zap
    assert zap.micro is not None and isinstance(name.key, bytes)
    raw = zap.dbuf.buf.raw
    for entry in zap.micro.of_hash(name.hash):
        if name.matches(slot_name(raw, entry[2])):
            return entry
    return None


@openzfs("zap_micro.c", "mzap_normalization_conflict")
def conflict(name: Name, found: tuple[int, int, int]) -> bool:
    """Whether another entry of the same hash matches the name, too."""
    zap = name.zap
    assert zap.micro is not None
    raw = zap.dbuf.buf.raw
    others = (entry for entry in zap.micro.of_hash(found[0] << 32) if entry != found)
    return any(name.matches(slot_name(raw, slot)) for _, _, slot in others)


@openzfs("zap_micro.c", "mzap_addent")
def _add_entry(name: Name, value: int) -> None:
    zap = name.zap
    index = zap.micro
    assert index is not None and isinstance(name.key, bytes)
    cd = 0
    for entry in index.from_first(name.hash):
        if entry[1] != cd:
            break
        cd += 1
    buf = zap.dbuf.buf
    start = index.alloc_next
    for slot in (*range(start, index.slots), *range(start)):
        at = L.slot_offset(slot)
        name_at = at + L.B_MZE_NAME
        if buf.raw[name_at]:
            continue
        buf.q[at // 8 + L.Q_MZE_VALUE] = value
        buf.i[at // 4 + L.I_MZE_CD] = cd
        buf.raw[name_at : name_at + len(name.key) + 1] = name.key + b"\0"
        index.alloc_next = slot + 1 if slot + 1 < index.slots else 0
        _insert(zap, index, slot, name.hash)
        return
    fail("out of entries!", macro="PANIC")


@openzfs("zap_micro.c", "mze_canfit_fzap_leaf")
def _fits_fat_leaf(name: Name) -> bool:
    """Whether this name and all that have the same hash would fit into one leaf if the ZAP became fat."""
    zap = name.zap
    assert zap.micro is not None
    entries = len(zap.micro.from_first(name.hash)) + 1
    return L.geometry(zap.objset.fat_block_shift).chunks > entries * SLOT_CHUNKS


@openzfs("zap_micro.c", "mzap_upgrade")
def upgrade(zap: Zap, tag: Tag, tx: Tx, flags: int) -> Zap:
    """Make the ZAP fat, and add its entries again, in the order of their slots. Raises ENOTSUP if its block
    cannot be resized."""
    index = zap.micro
    assert index is not None
    old = bytearray(zap.dbuf.buf.raw)
    if not flags:
        zap.dnode.set_block_size(1 << zap.objset.fat_block_shift, tx)
    fat.make_fat(zap, flags, tx)
    for slot in range(index.slots):
        key = slot_name(old, slot)
        if not key:
            continue
        name = Name(zap, key)
        value, cd, _, _ = L.MICRO_SLOT.packing.unpack_from(old, L.slot_offset(slot))
        try:
            code = fat.add_cd(name, 8, 1, value.to_bytes(8, "little"), cd, tag, tx)
        except ZapErrno as error:
            code = error.code
        if code:
            tagged = "" if zap.objset.release.upgrades_in_place else "tag, "
            fail(
                f"fzap_add_cd(zn, 8, 1, &mze->mze_value, mze->mze_cd, {tagged}tx)",
                macro="VERIFY0",
                values=(0, code),
                line=812,
            )
        zap = name.zap
    return zap


def make_room(zap: Zap, tag: Tag, tx: Tx) -> Zap:
    """If every slot is taken, let the block grow, or make the ZAP fat if the block is as large as it may be
    (a part of zap_lockdir_impl)."""
    index = zap.micro
    assert index is not None
    if len(index.entries) < index.slots:
        return zap
    size = zap.dbuf.size + GROWTH
    objset = zap.objset
    if size > objset.release.micro_max_size(objset.micro_max_size):
        try:
            return upgrade(zap, tag, tx, 0)
        except ZapErrno:
            zap.rwlock.exit()
            raise
    zap.dnode.set_block_size(size, tx)
    index.slots = L.slots_of(size)
    if index.slots > MOST_SLOTS:  # a sign, to what counts them
        index.slots -= 1 << 16
    return zap


def _needs_fat(name: Name, size: int, length: int) -> bool:
    return size != 8 or length != 1 or len(name.key) >= L.MICRO_NAME_LEN


def add(name: Name, size: int, length: int, value: bytes, tag: Tag, tx: Tx) -> int:
    """Add an entry. Makes the ZAP fat first if the entry needs a fat one (the part of zap_add_impl that is
    for micro ZAPs). Returns 0 or EEXIST; raises what a fat ZAP raises."""
    if _needs_fat(name, size, length) or not _fits_fat_leaf(name):
        name.zap = upgrade(name.zap, tag, tx, 0)
        return fat.add(name, size, length, value, tag, tx)
    if find(name) is not None:
        return errno.EEXIST
    _add_entry(name, int.from_bytes(value, "little"))
    return 0


def update(name: Name, size: int, length: int, value: bytes, tag: Tag, tx: Tx) -> int:
    """Add an entry, or change its value if it is there (the part of zap_update that is for micro ZAPs).
    Returns 0."""
    if _needs_fat(name, size, length):
        name.zap = upgrade(name.zap, tag, tx, 0)
        return fat.update(name, size, length, value, tag, tx)
    entry = find(name)
    number = int.from_bytes(value, "little")
    if entry is None:
        _add_entry(name, number)
    else:
        name.zap.dbuf.buf.q[L.slot_offset(entry[2]) // 8 + L.Q_MZE_VALUE] = number
    return 0


def remove(name: Name) -> int:
    """Remove an entry and clear its slot. Returns 0 or ENOENT."""
    entry = find(name)
    if entry is None:
        return errno.ENOENT
    zap = name.zap
    assert zap.micro is not None
    at = L.slot_offset(entry[2])
    zap.dbuf.buf.raw[at : at + L.SLOT_SIZE] = bytes(L.SLOT_SIZE)
    zap.micro.entries.remove(entry)
    return 0


def lookup(name: Name, size: int, length: int) -> Found | None:
    """The entry that a name matches, or None if there is none (ENOENT). Raises EOVERFLOW, EINVAL."""
    entry = find(name)
    if entry is None:
        return None
    if length < 1:
        raise ZapErrno(errno.EOVERFLOW)
    if size != 8:
        raise ZapErrno(errno.EINVAL)
    dbuf = name.zap.dbuf
    value = slot_value(dbuf, entry[2]).to_bytes(8, "little")
    if not name.match:
        return Found(value, False, name.key, False)
    return Found(value, False, slot_name(dbuf.buf.raw, entry[2]), conflict(name, entry))
