"""Protects the model's assertions: damage in a live block or lock ends the next op that meets it, at the
place and with the expression that OpenZFS has there."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf
from zapcore.errors import Panic
from zapcore.locks import RWLock, Threads

GEO = L.geometry(9)
ZAP = Zap("z", words=1, prehashed=True, leaf_shift=9)
FIRST, SECOND, BELOW = (5 << 60,), (6 << 60,), (1 << 60,)
SAME_HASH = (FIRST[0] | 1,)
"""28 bits of a key are its hash."""

ADD, LOOKUP, REMOVE = (
    Op("add", "z", (7 << 60,), 1, 30),
    Op("lookup", "z", FIRST, 1, 8192),
    Op("remove", "z", FIRST),
)
SPLIT = ADD._replace(length=180)
"""Moves the first entry to another leaf if the other is below it."""
UPDATE, NEXT = Op("update", "z", FIRST, 1, 60), Op("next", "c")


def bucket_of(leaf: Dbuf, key: tuple[int, ...]) -> int:
    """The 16-bit word of a key's bucket in a leaf that has all hashes."""
    return GEO.h_hash + (key[0] >> (64 - GEO.hash_shift))


def entry(leaf: Dbuf) -> int:
    """The first key's entry chunk."""
    return leaf.buf.h[bucket_of(leaf, FIRST)]


def in_entry(leaf: Dbuf) -> int:
    """Its first 16-bit word."""
    return GEO.h_chunk + 12 * entry(leaf)


def bad_bucket(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[bucket_of(leaf, FIRST)] = 0x1234


def bad_type(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.raw[GEO.first_chunk + L.CHUNK_SIZE * entry(leaf)] = L.CHUNK_ARRAY


def chain_to_itself(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[in_entry(leaf) + L.H_ENTRY_NEXT] = entry(leaf)


def bad_name(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[in_entry(leaf) + L.H_NAME_CHUNK] = 0x1234


def value_is_entry(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[in_entry(leaf) + L.H_VALUE_CHUNK] = entry(leaf)


def bad_value(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[in_entry(leaf) + L.H_VALUE_CHUNK] = 0x1234


def bad_free_list(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[L.H_FREELIST] = 0x1234


def free_list_in_use(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[L.H_FREELIST] = entry(leaf)


def all_are_free(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.h[L.H_NFREE] = GEO.chunks


def bad_leaf_magic(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.i[L.I_LEAF_MAGIC] = 0


def bad_prefix(header: Dbuf, leaf: Dbuf) -> None:
    leaf.buf.q[L.Q_PREFIX] = 1


def no_entries(header: Dbuf, leaf: Dbuf) -> None:
    header.buf.q[L.Q_NUM_ENTRIES] = 0


def table_elsewhere(header: Dbuf, leaf: Dbuf) -> None:
    header.buf.q[L.Q_TBL_BLK] = 9


class Case(NamedTuple):
    """Damage, the op that meets it, and where and how it ends."""

    damage: Callable[[Dbuf, Dbuf], None]
    op: Op
    place: str
    expression: str


IN_RANGE = "chunk < ZAP_LEAF_NUMCHUNKS(l)"
ENTRY = "le->le_type == ZAP_CHUNK_ENTRY"
CASES = [
    Case(bad_bucket, LOOKUP, "zap_leaf.c:zap_leaf_lookup", IN_RANGE),
    Case(bad_bucket, NEXT, "zap_leaf.c:zap_leaf_lookup_closest", IN_RANGE),
    Case(bad_type, LOOKUP, "zap_leaf.c:zap_leaf_lookup", ENTRY),
    Case(bad_type, NEXT, "zap_leaf.c:zap_leaf_lookup_closest", ENTRY),
    Case(
        chain_to_itself,
        LOOKUP._replace(key=SAME_HASH),
        "zap_leaf.c:zap_leaf_lookup",
        "the chain of a bucket ends",
    ),
    Case(chain_to_itself, NEXT, "zap_leaf.c:zap_leaf_lookup_closest", "the chain of a bucket ends"),
    Case(bad_name, LOOKUP, "zap_leaf.c:zap_leaf_array_read", "the chunks of an array are in its leaf"),
    Case(
        value_is_entry,
        UPDATE,
        "zap_leaf.c:zap_leaf_array_free",
        "ZAP_LEAF_CHUNK(l, chunk).l_array.la_type == ZAP_CHUNK_ARRAY",
    ),
    Case(bad_free_list, ADD, "zap_leaf.c:zap_leaf_chunk_alloc", IN_RANGE),
    Case(
        free_list_in_use,
        ADD,
        "zap_leaf.c:zap_leaf_chunk_alloc",
        "ZAP_LEAF_CHUNK(l, chunk).l_free.lf_type == ZAP_CHUNK_FREE",
    ),
    Case(
        all_are_free,
        REMOVE,
        "zap_leaf.c:zap_leaf_chunk_free",
        "zap_leaf_phys(l)->l_hdr.lh_nfree < ZAP_LEAF_NUMCHUNKS(l)",
    ),
    Case(
        bad_leaf_magic,
        LOOKUP,
        "zap.c:zap_get_leaf_byblk",
        "zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC",
    ),
    Case(
        bad_prefix,
        LOOKUP,
        "zap.c:zap_deref_leaf",
        "err || ZAP_HASH_IDX(h, zap_leaf_phys(*lp)->l_hdr.lh_prefix_len) == "
        "zap_leaf_phys(*lp)->l_hdr.lh_prefix",
    ),
    Case(
        no_entries,
        REMOVE,
        "zap.c:zap_increment_num_entries",
        "delta > 0 || zap_f_phys(zap)->zap_num_entries >= -delta",
    ),
]


def world(zap: Zap, ops: Sequence[Op]) -> ModelTarget:
    """A model after some ops."""
    target = ModelTarget("2.3")
    target.begin(Program((zap,), tuple(ops)))
    for op in ops:
        target.apply(op)
    return target


@pytest.mark.parametrize("case", CASES, ids=[f"{case.damage.__name__}-{case.op.verb}" for case in CASES])
def test_damage_ends_the_op_that_meets_it(case: Case) -> None:
    adds = [Op("add", "z", key, 1, 30) for key in (FIRST, SECOND)]
    target = world(ZAP, [*adds, Op("cursor", "c", other="z")])
    dnode = target.objset.dnode(target.numbers["z"])
    case.damage(dnode.hold(0, "test"), dnode.hold(1, "test"))
    with pytest.raises(Failure) as caught:
        target.apply(case.op)
    assert caught.value.signature.key == ("assertion", case.place, case.expression)


def test_a_table_that_is_said_to_lie_elsewhere_does_not_grow() -> None:
    adds = [Op("add", "z", (number << 32,), 1, 180) for number in (0, 1 << 4)]
    target = world(ZAP, adds[:1])
    table_elsewhere(*(target.objset.dnode(1).hold(blkid, "test") for blkid in (0, 1)))
    with pytest.raises(Failure) as caught:
        target.apply(adds[1])
    assert caught.value.signature.key == (
        "assertion",
        "zap.c:zap_grow_ptrtbl",
        "zap_f_phys(zap)->zap_ptrtbl.zt_blk == 0",
    )


@pytest.mark.parametrize(("block", "field", "code"), [(0, L.Q_MAGIC, errno.EIO), (1, L.Q_LEAF_PAD1, None)])
def test_blocks_that_are_damaged_on_disk(block: int, field: int, code: int | None) -> None:
    """A header that is none gives EIO to every op and leaves nothing held; a leaf dies when it is opened."""
    target = world(ZAP, [Op("add", "z", FIRST, 1, 30), Op("sync"), Op("evict")])
    dnode = target.objset.dnode(1)
    raw = bytearray(dnode.stable[block])
    memoryview(raw).cast("Q")[field] = 7
    dnode.stable[block] = bytes(raw)
    if code is not None:
        for op in (LOOKUP, ADD, REMOVE, UPDATE, Op("count", "z"), Op("stats", "z")):
            assert target.apply(op).errno == code
        assert target.objset.holds == 0
        return
    with pytest.raises(Failure) as caught:
        target.apply(LOOKUP)
    assert caught.value.signature.place == "zap.c:zap_open_leaf"


def test_a_pointer_to_the_header_is_no_leaf() -> None:
    """Block 0 in the table: ENOENT, for what is stored there, too."""
    target = world(ZAP, [Op("add", "z", FIRST, 1, 30)])
    q = target.objset.dnode(1).hold(0, "test").buf.q
    half = 1 << L.embedded_shift(9)
    for index in range(half, 2 * half):
        q[index] = 0
    assert [target.apply(op).errno for op in (LOOKUP, REMOVE, ADD)] == [errno.ENOENT] * 3


def test_a_micro_zap_whose_slots_are_fewer_than_it_counts() -> None:
    target = world(Zap("z", fat=False), [Op("add", "z", b"%d" % number, 8, 1) for number in range(6)])
    target.objset.dnode(1).hold(0, "test").buf.raw[64 * 7 + 14] = 1
    with pytest.raises(Failure) as caught:
        target.apply(Op("add", "z", b"more", 8, 1))
    assert caught.value.signature.key == ("assertion", "zap_micro.c:mzap_addent", "out of entries!")


def test_what_is_not_held_is_not_let_go() -> None:
    target = world(ZAP, [])
    dbuf = target.objset.dnode(1).hold(0, "mine")
    with pytest.raises(Panic, match="zfs_refcount_remove"):
        dbuf.rele("yours")
    lock = RWLock(Threads(), "a lock", (1, 0))
    with pytest.raises(Panic, match="rw_exit"):
        lock.exit()
    lock.enter_write()
    with pytest.raises(Panic, match="rw_enter"):
        lock.enter_read()
