"""Protects the micro ZAP: when it grows, each reason to become fat, and that nothing is lost on the way. What
the model does is compared with the real library, block for block, on both releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from fuzz.execution.execute import run
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore import zap
from zapcore.dmu.objset import Objset
from zapcore.errors import Panic
from zapcore.hashing import name_for_hash
from zapcore.release import the_release

Make = Callable[..., LibzpoolTarget]
RELEASES = ["2.1", "2.3", "2.4"]
SLOTS = 7
"""Of a block of 512 bytes: the first 64 are the header."""
LIMIT = 1 << 17
MOST = LIMIT // 64 - 1
COLLIDING = [name_for_hash(0x5A41_5046_555A_5A01, 5 << 60, 28, b"%d" % number) for number in range(4)]
"""Names of one hash. A slot may need 5 of the 18 chunks of a leaf of 512 bytes, so it takes 3 of them."""


def put(name: bytes | int, value: int = 7, verb: str = "add", size: int = 8, length: int = 1) -> Op:
    """A new entry or value."""
    return Op(verb, "z", b"%d" % name if isinstance(name, int) else name, size, length, value)


def shape(release: str, ops: Sequence[Op], zap: Zap | None = None) -> tuple[str, int]:
    """What kind of ZAP is there after the ops, and its block size. The oracle agrees with all answers."""
    target = ModelTarget(release)
    outcome = run(Program((zap or Zap("z", fat=False, leaf_shift=9),), tuple(ops)), target)
    assert outcome.fine, outcome
    blocks = target.blocks("z")
    assert blocks is not None
    kind = memoryview(blocks[0]).cast("Q")[L.Q_BLOCK_TYPE]
    return {L.ZBT_MICRO: "micro", L.ZBT_HEADER: "fat"}[kind], len(blocks[0])


def same(libzpool: Make, release: str, ops: Sequence[Op], zap: Zap | None = None) -> None:
    """The real library gives the same answers and blocks."""
    program = Program((zap or Zap("z", fat=False, leaf_shift=9),), tuple(ops))
    outcome = run(program, BothTarget(ModelTarget(release), libzpool(release)))
    assert outcome.fine, outcome


STAYS = {
    "a name of 49 bytes": [put(b"n" * 49)],
    "the largest value": [put(1, (1 << 64) - 1)],
    "a full block": [put(number) for number in range(SLOTS)],
    "three names of one hash": [put(name) for name in COLLIDING[:3]],
    "four of them, the last by an update, which does not look": [
        *(put(name) for name in COLLIDING[:3]),
        put(COLLIDING[3], verb="update"),
    ],
    "three of four names of one hash, the last with the number that was free": [
        *(put(name) for name in COLLIDING[:3]),
        Op("remove", "z", COLLIDING[1]),
        put(COLLIDING[3]),
    ],
    "lookups and removals of what it could not hold": [
        Op("lookup", "z", b"n" * 60, 8, 1),
        Op("remove", "z", b"n" * 60),
    ],
    "a name that is there already": [put(1), put(1)],
    "an increment": [put(1), Op("increment", "z", b"1", fill=1)],
}
BECOMES_FAT = {
    "a name of 50 bytes": [put(b"n" * 50)],
    "a name of 50 bytes, by an update": [put(b"n" * 50, verb="update")],
    "a name that is too long": [put(b"n" * 1024)],
    "integers of 4 bytes": [put(1, size=4)],
    "integers of 1 byte, by an update": [put(1), put(1, size=1, verb="update")],
    "two integers": [put(1, length=2)],
    "no integer": [put(1, length=0)],
    "a value that is too large": [put(1, length=1025)],
    "four names of one hash": [put(name) for name in COLLIDING],
    "a name that is there already, with two integers": [put(1), put(1, length=2)],
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("why", STAYS)
def test_what_a_micro_zap_holds(libzpool: Make, release: str, why: str) -> None:
    assert shape(release, STAYS[why]) == ("micro", 512)
    same(libzpool, release, STAYS[why])


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("why", BECOMES_FAT)
def test_each_reason_to_become_fat(libzpool: Make, release: str, why: str) -> None:
    """Alone, beside other entries, in the txg of their adds and in a later one, and while that one syncs."""
    ops = BECOMES_FAT[why]
    assert shape(release, ops) == ("fat", 512)
    before = [put(b"before%d" % number) for number in range(SLOTS + 2)]
    after = [Op("readdir", "z"), Op("stats", "z"), put(b"more"), Op("reopen"), Op("readdir", "z")]
    for between in ([], [Op("sync")], [Op("txg")], [Op("txg"), Op("remove", "z", b"before1"), Op("txg")]):
        steps = [*before, *between, *ops, *between, *after]
        assert shape(release, steps)[0] == "fat"
        same(libzpool, release, steps)


@pytest.mark.parametrize("release", RELEASES)
def test_creation_flags_make_it_fat_at_once(libzpool: Make, release: str) -> None:
    zap = Zap("z", hash64=True, leaf_shift=10)
    assert shape(release, [], zap) == ("fat", 1024)
    same(libzpool, release, [put(1)], zap)


@pytest.mark.parametrize("release", RELEASES)
def test_it_grows_by_512_bytes(libzpool: Make, release: str) -> None:
    """With every eighth entry; slots that are free again are used first, whatever txg they were freed in."""
    ops: list[Op] = []
    for number in range(4 * 8):
        assert shape(release, [*ops, put(number)]) == ("micro", 512 * ((number + 9) // 8))
        ops += [put(number), Op("txg")] if number % 5 == 0 else [put(number)]
    ops += [Op("remove", "z", b"%d" % number) for number in (3, 30, 11)]
    ops += [put(b"again%d" % number) for number in range(3)]
    assert shape(release, ops) == ("micro", 5 * 512)
    same(libzpool, release, [*ops, Op("reopen"), put(b"at last"), Op("readdir", "z")])


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("shift", "again"), [(9, True), (14, False)])
def test_at_128_kib_it_becomes_fat(libzpool: Make, release: str, shift: int, again: bool) -> None:
    """zap_micro_max_size is this by default in both: an add when all slots are taken makes it fat, one
    of a name that is there already, too. Its block size becomes that of its leaves."""
    zap = Zap("z", fat=False, leaf_shift=shift)
    steps = [
        (LIMIT, [put(number, number) for number in range(MOST)]),
        (LIMIT, [Op("reopen"), Op("count", "z"), Op("remove", "z", b"5"), put(b"in its slot")]),
        (1 << shift, [put(b"1") if again else put(b"one more")]),
        (1 << shift, [Op("txg"), Op("readdir", "z"), Op("lookup", "z", b"2000", 8, 1)]),
    ]
    model, real = ModelTarget(release), libzpool(release)
    for target in (model, real):
        target.begin(Program((zap,), ()))
    for size, ops in steps:
        assert real.apply_all(ops) == [model.apply(op) for op in ops]
        mine, its = model.blocks("z"), real.blocks("z")
        assert mine is not None and its is not None and len(mine[0]) == size
        both = max(len(mine), len(its))
        assert [block.ljust(size, b"\0") for block in mine + [b""] * (both - len(mine))] == [
            block.ljust(size, b"\0") for block in its + [b""] * (both - len(its))
        ]


def entries(count: int, first: int = 0) -> list[Op]:
    """New entries."""
    return [put(first + number) for number in range(count)]


@pytest.mark.parametrize(
    ("release", "limit", "fits"),
    [
        ("2.2", 512, 7),
        ("2.3", 512, 7),
        ("2.2", 1000, 7),
        ("2.3", 1000, 15),
        ("2.4", 1000, 15),
        ("2.3", 1536, 23),
    ],
)
def test_a_limit_of_its_own(release: str, limit: int, fits: int) -> None:
    """zap_micro_max_size: since 2.3 rounded up to whole sectors, before that every byte counts."""
    zap = Zap("z", fat=False, leaf_shift=9, micro_max=limit)
    assert shape(release, entries(fits), zap) == ("micro", 64 * (fits + 1))
    assert shape(release, entries(fits + 1), zap) == ("fat", 512)


def test_without_the_tunable_it_says_nothing() -> None:
    assert shape("2.1", entries(40), Zap("z", fat=False, leaf_shift=9, micro_max=512)) == ("micro", 6 * 512)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("limit", [512, 1000, 4096])
def test_the_library_has_the_same_limit(libzpool: Make, release: str, limit: int) -> None:
    """Of two ZAPs, each its own; and none is left to what OpenZFS writes itself when txgs sync."""
    zaps = (Zap("z", fat=False, leaf_shift=9, micro_max=limit), Zap("y", fat=False, leaf_shift=10))
    ops = [op for put_z in entries(70) for op in (put_z, put_z._replace(subject="y"))]
    ops[30:30] = [Op("sync"), Op("reopen")]
    outcome = run(
        Program(zaps, (*ops, Op("readdir", "z"))), BothTarget(ModelTarget(release), libzpool(release))
    )
    assert outcome.fine, outcome


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_more_than_128_kib(libzpool: Make, release: str) -> None:
    """With large_microzap, which the pool then has: through an import, up to its own limit."""
    most = LIMIT + 2 * 512
    zap = Zap("z", fat=False, leaf_shift=14, micro_max=most)
    ops = [*entries(MOST + 9), Op("sync"), Op("reopen"), Op("remove", "z", b"7"), *entries(9, MOST + 9)]
    kind = ("micro", most) if release != "2.1" else ("fat", 1 << 14)
    assert shape(release, ops[:-1], zap) == kind
    assert shape(release, ops, zap)[0] == "fat"
    same(libzpool, release, [*ops, Op("stats", "z"), Op("readdir", "z")], zap)


def test_slots_that_16_bits_cannot_count() -> None:
    """OpenZFS issue 16888, in 2.2 only: beyond 2 MiB no slot is free any more. 2.3 stops at 1 MiB."""
    objset = Objset(the_release("2.2"))
    objset.micro_max_size, tx = 1 << 22, objset.open_tx
    number = zap.create(objset, tx, salt=1)
    dnode = objset.dnode(number)
    dnode.set_block_size(1 << 21, tx)
    dbuf = dnode.hold(0, "test")
    dbuf.will_dirty(tx)
    for slot in range(L.slots_of(1 << 21)):
        at = L.slot_offset(slot) + L.B_MZE_NAME
        dbuf.buf.raw[at : at + 8] = b"%08d" % slot
    dbuf.rele("test")
    assert zap.count(objset, number) == (1 << 15) - 1
    with pytest.raises(Panic, match="out of entries!"):
        zap.add(objset, number, b"one more", 8, 1, bytes(8), tx)
    assert the_release("2.3").micro_max_size(1 << 22) == 1 << 20


@pytest.mark.parametrize("release", RELEASES)
def test_the_oracle_learns_from_answers_that_a_zap_became_fat_for_its_collisions(release: str) -> None:
    """Three fit and it answers as a micro ZAP does; with four it is fat, and refuses as a fat one does."""
    few = [put(name) for name in COLLIDING[:3]]
    asked = [
        Op("lookup", "z", COLLIDING[0], size, length)
        for size, length in ((4, 2049), (4, 0), (1, 0), (8, 1025))
    ]
    assert shape(release, few + asked)[0] == "micro"
    assert shape(release, [*few, put(COLLIDING[3]), *asked])[0] == "fat"
    assert shape(release, [*few, put(COLLIDING[3]), Op("lookup", "z", b"n" * 1030, 8, 1)])[0] == "fat"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("cd", [1, 0xFFFF, 0x1_0000, 0x1_0001, 0xFFFF_FFFE, 0xFFFF_FFFF])
def test_a_place_beyond_16_bits_of_differentiator(libzpool: Make, release: str, cd: int) -> None:
    """Found by fuzzing both sides: the search truncates it, so the walk begins at an earlier entry."""
    place = cd << 28 | 5 << 24
    walk = [Op("cursor", "c", other="z", fill=place), *(Op("next", "c"), Op("serialize", "c")) * 3]
    same(libzpool, release, [*(put(name) for name in COLLIDING[:2]), *walk])
