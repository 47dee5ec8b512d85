"""Protects what each verb answers: a small program each, its errnos and values on model and real library."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from fuzz.bench.census import FULL_BYTES, take, take_full
from fuzz.execution.execute import run
from fuzz.language.program import MAX_NAME, Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.language.verbs import VERBS
from fuzz.targets.base import DONE, Entry, Found, Result, TargetLike
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model import ModelTarget

Make = Callable[..., LibzpoolTarget]
U64 = (1 << 64) - 1
MICRO, FAT, WORDS = (
    "zap z micro\n",
    "zap z fat hash64 leaf_shift=9\n",
    "zap z fat key=u64 prehashed leaf_shift=9\n",
)
GONE, THERE, LONG = Result(errno.ENOENT), Result(errno.EEXIST), Result(errno.ENAMETOOLONG)
NAME_255, NAME_256, NAME_1024 = "n" * 255, "n" * 256, "n" * 1024

ANSWERS: dict[str, tuple[str, list[Result]]] = {
    "add": (
        f"""
        {FAT}
        add z "a"
        add z "a"
        add z "{NAME_255}" len=0
        add z "{NAME_256}"
        add z "b" int=8 len=1025
        add z "b" len=8192
        destroy z
        add z "a"
        """,
        [DONE, THERE, DONE, LONG, Result(errno.E2BIG), Result(errno.E2BIG), DONE, GONE],
    ),
    "update": (
        f"""
        {MICRO}
        update z "a" int=8
        update z "a" int=8 fill=0x5
        lookup z "a" int=8 len=1
        update z "{NAME_1024}"
        update z "a" len=8192
        length z "a"
        """,
        [DONE, DONE, Result(0, b"\5"), LONG, DONE, Result(0, (1, 8192))],
    ),
    "remove": (
        f"""
        {MICRO}
        add z "a" int=8
        remove z "a"
        remove z "a"
        remove z "{NAME_256}"
        """,
        [DONE, DONE, GONE, GONE],
    ),
    "lookup": (
        f"""
        {FAT}
        add z "a" int=2 len=3 fill=0x102
        lookup z "a"
        lookup z "a" int=2 len=3
        lookup z "a" int=2 len=2
        lookup z "a" int=8 len=8192
        lookup z "{NAME_256}"
        lookup z "b"
        """,
        [
            DONE,
            Result(errno.EINVAL),
            Result(0, b"\2\1\3\1\4\1"),
            Result(errno.EOVERFLOW, b"\2\1\3\1"),
            *(Result(errno.E2BIG), LONG, GONE),
        ],
    ),
    "lookup of a micro ZAP": (
        f"""
        {MICRO}
        add z "a" int=8 fill=0x7
        lookup z "a" int=8 len=0
        lookup z "a" len=1
        lookup z "a" int=8
        """,
        [DONE, Result(errno.EOVERFLOW, b""), Result(errno.EINVAL), Result(0, b"\7")],
    ),
    "length": (
        f"""
        {MICRO}
        add z "a" int=8
        length z "a"
        length z "b"
        """,
        [DONE, Result(0, (8, 1)), GONE],
    ),
    "keys of words up to the limit": (
        "zap z fat key=u64 words=33 leaf_shift=9\nadd z "
        + ":".join(["0x1"] * 33)
        + "\nlookup z "
        + ":".join(["0x1"] * 33)
        + "\nremove z "
        + ":".join(["0x1"] * 33)
        + "\n",
        [LONG, LONG, GONE],
    ),
    "contains": (
        f"""
        {FAT}
        add z "a"
        contains z "a"
        contains z "b"
        contains z "{NAME_256}"
        """,
        [DONE, DONE, GONE, LONG],
    ),
    "contains of words": (
        f"""
        {WORDS}
        add z 0x1
        contains z 0x1
        contains z 0x2
        """,
        [DONE, DONE, GONE],
    ),
    "increment": (
        f"""
        {MICRO}
        increment z "a" delta=0x5
        increment z "a" delta={U64 - 1:#x}
        lookup z "a" int=8
        increment z "a" delta={U64 - 2:#x}
        lookup z "a" int=8
        increment z "b" delta=0x0
        add z "c" int=8 len=2
        increment z "c"
        add z "d" int=2 fill=0xffff
        increment z "d"
        length z "d"
        """,
        [
            *(DONE, DONE, Result(0, b"\3"), DONE, GONE, DONE, DONE),
            *(Result(errno.EOVERFLOW), DONE, DONE, Result(0, (8, 1))),
        ],
    ),
    "increment of words": (
        f"""
        {WORDS}
        increment z 0x1
        increment z 0x1
        lookup z 0x1 int=8 len=1
        increment z 0x1 delta={U64 - 1:#x}
        lookup z 0x1
        """,
        [DONE, DONE, Result(0, b"\2"), DONE, GONE],
    ),
    "search": (
        f"""
        {MICRO}
        add z "a" int=8 fill=0x81
        add z "b" int=8 fill=0x82
        search z value=0x82
        search z value=0x1 mask=0xf
        search z value=0x3
        """,
        [DONE, DONE, Result(0, b"b"), Result(0, b"a"), GONE],
    ),
    "search of words": (
        f"""
        {WORDS}
        search z
        """,
        [Result(errno.ENOTSUP)],
    ),
    "stats": (
        f"""
        {MICRO}
        add z "a" int=8
        stats z
        destroy z
        stats z
        """,
        [DONE, Result(0, (0, 512, 1, *[0] * 8, 1, *[0] * 51)), DONE, GONE],
    ),
    "serialize and start there": (
        f"""
        {WORDS}
        add z 0x1000000000000000 int=8
        add z 0x2000000000000000 int=8 fill=0x7
        cursor c z
        serialize c
        next c
        advance c
        serialize c
        cursor d z from=0x11000000
        retrieve d
        next d
        serialize d
        advance e
        serialize e
        """,
        [
            *(DONE, DONE, DONE, Result(0, 0), Result(0, Entry((1 << 60,), 8, 1, 0)), DONE),
            *(
                Result(0, 1 << 24 | 1 << 28),
                DONE,
                Result(0, Entry((1 << 61,), 8, 1, 7)),
                GONE,
                Result(0, U64),
            ),
            *(Result(errno.EBADF), Result(errno.EBADF)),
        ],
    ),
    "lookup_norm": (
        """
        zap z micro norm=2
        add z "a" int=8 fill=0x3
        lookup_norm z "A" int=8 match=1
        lookup_norm z "A" int=8
        lookup_norm z "a" len=0 match=3
        add z "a2" len=3
        lookup_norm z "A2" len=1 match=1
        """,
        [
            *(
                DONE,
                Result(0, Found(b"\3", b"a", False)),
                GONE,
                Result(errno.EOVERFLOW, Found(b"", b"", False)),
            ),
            *(DONE, Result(errno.EOVERFLOW, Found(b"", b"a2", False))),
        ],
    ),
    "reopen": (
        f"""
        {FAT}
        add z "a" int=8 fill=0x9
        cursor c z
        next c
        txg
        add z "b"
        reopen
        next c
        lookup z "a" int=8 len=1
        count z
        """,
        [
            *(DONE, DONE, Result(0, Entry(b"a", 8, 1, 9)), DONE, DONE, DONE, Result(errno.EBADF)),
            *(Result(0, b"\t"), Result(0, 2)),
        ],
    ),
    "a ZAP created again is the same object": (
        f"""
        {FAT}
        cursor c z
        destroy z
        sync
        sync
        create z
        add z "a" int=8
        next c
        """,
        [*[DONE] * 6, Result(0, Entry(b"a", 8, 1, 0))],
    ),
    "but not while a dbuf of it is held": (
        f"""
        {FAT}
        add z "a" int=8
        cursor c z
        next c
        cursor d z
        destroy z
        sync
        sync
        create z
        add z "b" int=8
        next d
        """,
        [*[DONE] * 2, Result(0, Entry(b"a", 8, 1, 0)), *[DONE] * 6, GONE],
    ),
    "a cursor on a header of zeros": (
        f"""
        {MICRO}
        add z "a" int=8
        cursor c z
        next c
        update z "a" len=2
        destroy z
        next c
        count z
        """,
        [*[DONE] * 2, Result(0, Entry(b"a", 8, 1, 0)), DONE, DONE, Result(errno.EIO), GONE],
    ),
}


@pytest.mark.parametrize("release", ["2.1", "2.3", "real 2.1", "real 2.3", "real 2.4"])
@pytest.mark.parametrize("what", ANSWERS)
def test_answers(libzpool: Make, release: str, what: str) -> None:
    text, wanted = ANSWERS[what]
    program = parse(text)
    target: TargetLike = libzpool(release.split()[1]) if " " in release else ModelTarget(release)
    target.begin(program)
    assert [target.apply(op) for op in program.ops] == wanted
    if " " not in release:
        assert run(program, target).fine, "the oracle agrees"


@pytest.mark.parametrize("shift", range(9, 18))
def test_every_block_size_survives_reopening(libzpool: Make, shift: int) -> None:
    """Enough entries for a few leaves; the real library reads them back from a pool imported again."""
    names = [b"%d" % number * 20 for number in range(60)]
    ops = [Op("add", "z", name[:200], 1, (1 << shift) // 8) for name in names]
    ops = [op._replace(length=min(op.length, 8192)) for op in ops]
    tail = [
        Op("reopen"),
        Op("readdir", "z"),
        Op("stats", "z"),
        *[Op("lookup", "z", op.key, 1, 8192) for op in ops],
    ]
    for zap in (Zap("z", hash64=True, leaf_shift=shift), Zap("z", fat=False, leaf_shift=shift)):
        outcome = run(Program((zap,), (*ops, *tail)), BothTarget(ModelTarget("2.3"), libzpool("2.3")))
        assert outcome.fine, outcome


ROOM = {
    **{("micro", "2.1"): 256, ("micro", "2.3"): 1024, ("micro", "2.4"): 1024},
    **{("fat", release): 256 for release in ("2.1", "2.3", "2.4")},
}
"""Bytes of the longest name with its NUL; a ZAP that was created micro has the type of directories."""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize("kind", ["micro", "fat"])
@pytest.mark.parametrize("norm", [0, 0x52])
def test_the_longest_name_and_one_byte_more(libzpool: Make, release: str, kind: str, norm: int) -> None:
    """Written, found, walked, moved and removed at the limit; refused by every verb beyond it."""
    room = ROOM[kind, release]
    zap = Zap("z", fat=kind == "fat", hash64=kind == "fat", leaf_shift=12, norm=norm)
    first, last, over = b"a", b"n" * (room - 1), b"n" * room
    steps: list[tuple[Op, int]] = [
        (Op("add", "z", last, 8, 1, 5), 0),
        (Op("update", "z", last, 8, 1, 6), 0),
        (Op("lookup", "z", last, 8, 1), 0),
        (Op("contains", "z", last), 0),
        (Op("increment", "z", last, fill=1), 0),
        (Op("search", "z", fill=7), 0),
        (Op("cursor", "c", other="z"), 0),
        (Op("next", "c"), 0),
        (Op("readdir", "z"), 0),
        (Op("rename", "z", last, other="z", to=first), 0),
        (Op("rename", "z", first, other="z", to=last), 0),
        (Op("reopen"), 0),
        (Op("length", "z", last), 0),
        (Op("remove", "z", last), 0),
        (Op("touch", "z", last, fill=1), 0),
        (Op("unlink", "z", last), 0),
        (Op("touch", "z", first, fill=1), 0),
    ]
    no_form = norm and (release == "2.1" or room == 1024)
    refused, not_found = (errno.ENOTSUP,) * 2 if no_form else (errno.ENAMETOOLONG, errno.ENOENT)
    steps += [(Op(verb, "z", over, 8, 1), refused) for verb in ("add", "update", "lookup")]
    steps += [(Op("contains", "z", over), refused), (Op("increment", "z", over, fill=1), refused)]
    steps += [(Op("length", "z", over), not_found), (Op("remove", "z", over), not_found)]
    steps += [(Op(verb, "z", over, fill=1), errno.ENAMETOOLONG) for verb in ("touch", "mkdir")]
    steps += [(Op(verb, "z", over), errno.ENAMETOOLONG) for verb in ("unlink", "rmdir")]
    steps += [(Op("rename", "z", first, other="z", to=over), errno.ENAMETOOLONG)]
    program = Program((zap,), tuple(op for op, _ in steps))
    found: list[int] = []
    judged = run(program, ModelTarget(release), trace=lambda _, __, result: found.append(result.errno))
    assert judged.fine, judged
    assert found == [code for _, code in steps]
    assert run(program, BothTarget(ModelTarget(release), libzpool(release))).fine


def test_keys_are_tried_beyond_what_a_zap_takes() -> None:
    assert MAX_NAME > 1024


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_programs_over_everything_do_not_differ(libzpool: Make, release: str) -> None:
    """Seeded; every verb comes up. The census of a million ops is `python -m fuzz.bench.census`."""
    ops = 100_000 if os.environ.get("CI") == "true" else 4_000
    census, different = take(BothTarget(ModelTarget(release, block_limit=1 << 10), libzpool(release)), 3, ops)
    assert different is None, list(census.lines())[-1]
    assert set(census.verbs) == set(VERBS)
    assert {errno.ENOENT, errno.EEXIST, errno.ENOTSUP, errno.EOVERFLOW, errno.ENAMETOOLONG} <= set(
        census.errnos
    )


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="takes a gigabyte: in CI only")
@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_pointer_table_of_half_a_gibibyte_is_the_last(
    libzpool: Make, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC: with 28 bits of hash a table has at most 2^26 entries. Programs end at their bounds before."""
    monkeypatch.setattr("fuzz.targets.libzpool.child.RSS_LIMIT", FULL_BYTES)
    census = take_full(ModelTarget(release), libzpool(release, 120.0), 3, 100)
    assert census.both["add", 0] == 1 and census.both["add", errno.ENOSPC] == 101
    twice = "assertion dbuf.c:dbuf_verify_user holds >= db->db_dirtycnt"
    end = twice if release == "2.1" else "ENOSPC"
    assert list(census.ends) == [f"an update in a full table: {end}"]
