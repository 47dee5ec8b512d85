"""What each verb answers: a small program for each, and the errno and value of every op of it."""

from __future__ import annotations

import errno

from fuzz.execution.result import DONE, Entry, Found, Result

U64 = (1 << 64) - 1
MICRO, FAT, WORDS = (
    "zap z micro\n",
    "zap z fat hash64 leaf_shift=9\n",
    "zap z fat key=u64 prehashed leaf_shift=9\n",
)
GONE, THERE, LONG = Result(errno.ENOENT), Result(errno.EEXIST), Result(errno.ENAMETOOLONG)
NAME_255, NAME_256, NAME_1024 = "n" * 255, "n" * 256, "n" * 1024

FULL, OVER_QUOTA = Result(errno.ENOSPC), Result(errno.EDQUOT)

ANSWERS: dict[str, tuple[str, list[Result]]] = {
    "full": (
        """
        zap z fat hash64 leaf_shift=9
        zap d micro
        zap e micro
        add z "a"
        touch d "f"
        touch d "g"
        mkdir d "h"
        full
        add z "b"
        add z "a"
        remove z "c"
        lookup z "a"
        touch d "f"
        touch d "i"
        rename d e "g" "g"
        rename d d "g" "g"
        rename d e "none" "g"
        unlink d "f"
        rmdir d "h"
        destroy z
        create z
        full errno=122
        sync
        update z "b"
        unlink d "g"
        destroy e
        create e
        full on=0
        destroy e
        full
        add e "a"
        destroy e
        create e
        full on=0
        create e
        add z "b"
        """,
        [
            *(DONE, DONE, DONE, DONE, DONE),
            *(FULL, FULL, FULL, Result(0, b""), THERE, FULL, FULL, DONE, GONE, DONE, DONE, FULL, THERE),
            *(DONE, DONE, OVER_QUOTA, DONE, OVER_QUOTA, THERE),
            *(DONE, DONE, DONE, GONE, GONE, FULL, DONE, DONE, DONE),
        ],
    ),
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
    "ints": (
        f"""
        {MICRO}
        add_int z id=0x1f
        add z "1f" int=8
        lookup_int z id=0x1f
        add_int_key z id={U64} value=5
        add_int_key z id={U64} value=5
        update_int_key z id={U64} value=7
        lookup_int_key z id={U64}
        lookup z "ffffffffffffffff" int=8 len=1
        increment_int z id=0x1f delta={U64 - 0x1E}
        lookup_int z id=0x1f
        remove_int z id=0x1f
        update z "2" int=8 len=2
        lookup_int z id=2
        lookup_int_key z id=2
        increment_int z id=2
        increment_int z id=2 delta=0
        destroy z
        add_int z id=1
        """,
        [
            *(DONE, THERE, DONE, DONE, THERE, DONE, Result(0, 7), Result(0, b"\7"), DONE, GONE, GONE, DONE),
            *(Result(errno.EOVERFLOW), Result(errno.EOVERFLOW), Result(errno.EOVERFLOW), DONE, DONE, GONE),
        ],
    ),
    "ints of words": (
        f"{WORDS}\nadd_int z id=1\nlookup_int_key z id=1\njoin z z\n",
        [Result(errno.ENOTSUP)] * 3,
    ),
    "join": (
        f"""
        {MICRO}
        zap y fat hash64 leaf_shift=9
        zap x micro
        add_int z id=1
        add_int z id=2
        join z y
        join z y
        join_key z x value=9
        join_increment z x
        lookup_int_key x id=1
        lookup_int_key x id=2
        join_increment x x
        lookup_int_key x id=1
        add y "q" len=3
        remove_int y id=1
        remove_int y id=2
        join y z
        destroy y
        join z y
        """,
        [
            *(DONE, DONE, DONE, THERE, DONE, DONE, Result(0, 10), Result(0, 11), DONE, Result(0, 20)),
            *(DONE, DONE, DONE, Result(errno.EINVAL), DONE, GONE),
        ],
    ),
    "prefetch": (
        f"""
        {FAT}
        zap y micro
        prefetch z "a"
        add z "a"
        prefetch z "a"
        prefetch y "a"
        update y "a" int=8 len=2
        prefetch y "a"
        destroy y
        prefetch y "a"
        prefetch_object y
        """,
        [DONE, DONE, DONE, Result(errno.ENOTSUP), DONE, DONE, DONE, GONE, GONE],
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
    "objects that somebody owns": (
        """
        zap p micro usage=project leaf_shift=9
        zap u micro usage=user leaf_shift=9
        allocate count=3 id=0x3e8
        allocate count=4 first=2 id=0x7d0
        allocate count=2
        chown count=200 id=0x5 whose=4
        chown first=9
        count p
        sync
        count p
        lookup p "5" int=8 len=1
        lookup p "obj-6" int=8 len=1
        lookup u "3e8" int=8 len=1
        resize blocks=2
        free first=1 count=2
        free first=1
        txg
        lookup p "5" int=8 len=1
        finish
        lookup p "5" int=8 len=1
        lookup p "6" int=8 len=1
        add p "x" int=8
        remove p "5"
        destroy u
        create u
        unlink u "5"
        """,
        [
            *(Result(0, 3), Result(0, 3), Result(errno.EEXIST), Result(0, 6), GONE, Result(0, 0), DONE),
            *(Result(0, 12), Result(0, b"\0\2"), Result(0, b"\1"), Result(0, b"\0\2")),
            *(Result(0, 1), Result(0, 2), GONE, DONE, Result(0, b"\0\2"), DONE, Result(0, b"\0\6"), GONE),
            *[Result(errno.EPERM)] * 5,
        ],
    ),
    "sync tasks": (
        """
        zap m micro leaf_shift=9 mos
        add m "a" int=8
        add m "a" int=8
        early
        remove m "a"
        count m
        destroy m
        touch m "b"
        txg
        increment m "a" delta=0x5
        finish
        lookup m "a" int=8
        early on=0
        remove_norm m "b" match=1
        sync
        lookup m "a" int=8
        reopen
        """,
        [
            *(DONE, DONE, DONE, DONE, Result(0, 0), Result(errno.EPERM), Result(errno.EPERM), DONE, DONE),
            *(Result(0, (errno.ENOENT, 0, errno.EEXIST)), Result(0, b""), DONE, DONE),
            *(Result(0, (0, errno.ENOTSUP)), Result(0, b"\5"), DONE),
        ],
    ),
    "reads that fail": (
        """
        zap z fat key=u64 prehashed leaf_shift=9
        zap m micro mos
        add z 0x0 len=148
        add z 0x8000000000000000 len=148
        sync
        fail z block=1
        fail z block=2 errno=52
        lookup z 0x0 len=0
        lookup z 0x8000000000000000 len=0
        update z 0x0
        count z
        fail m
        fail z level=1
        fail z block=2
        remove z 0x8000000000000000
        heal z
        lookup z 0x0 len=0
        heal z
        """,
        [
            *[DONE] * 5,
            *(Result(errno.EIO), Result(errno.EBADE), Result(errno.EIO), Result(0, 2)),
            *(DONE, Result(errno.ENOTSUP), DONE, Result(errno.EIO), DONE),
            *(Result(errno.EOVERFLOW, b""), DONE),
        ],
    ),
    "a crash": (
        """
        zap z fat key=u64 prehashed leaf_shift=9
        zap d micro leaf_shift=9
        add z 0x0 len=148
        sync
        add z 0x4000000000000000 len=148
        add d "a" int=8
        txg
        cursor c z
        next c
        remove z 0x0
        destroy d
        finish
        create d
        crash
        next c
        count z
        count d
        remove z 0x0
        destroy d
        sync
        create d
        crash
        count z
        count d
        create d
        """,
        [
            *(*[DONE] * 6, Result(0, Entry((0,), 1, 148, 0)), *[DONE] * 5),
            *(Result(errno.EBADF), Result(0, 2), Result(0, 1), *[DONE] * 5),
            *(Result(0, 1), GONE, DONE),
        ],
    ),
    "nobody owns anything without usage": (
        f"""
        {MICRO}
        allocate
        chown
        resize
        free
        """,
        [Result(errno.ENOTSUP)] * 4,
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
