"""Programs in which every verb comes up, with answers of every kind."""

from __future__ import annotations

from fuzz.language.program import U64, Op, Program, Zap
from fuzz.language.syntax import parse

EVERY_VERB = Program(
    (
        Zap("z", words=2, leaf_shift=9),
        Zap("d", hash64=True, leaf_shift=10, salt=3),
        Zap("m", fat=False, leaf_shift=12),
        Zap("n", fat=False, norm=2),
    ),
    (
        Op("add", "z", (1, 2), 1, 180),
        Op("add", "z", (1, 2), 1, 1),
        Op("update", "z", (3, 1 << 63), 8, 3, 1 << 60),
        Op("add", "d", b'a "name"?\\*/\n\xff', 2, 5, 65535),
        Op("add", "m", b"short", 8, 1, 7),
        Op("add", "n", b"Name", 8, 1, 1),
        Op("lookup", "z", (3, 1 << 63), 8, 3),
        Op("lookup", "m", b"short", 8, 1),
        Op("lookup", "m", b"none", 8, 1),
        Op("length", "d", b'a "name"?\\*/\n\xff'),
        Op("count", "m"),
        Op("cursor", "c", other="d"),
        Op("next", "c"),
        Op("next", "c"),
        Op("advance", "c"),
        Op("retrieve", "c"),
        Op("txg"),
        Op("remove", "z", (1, 2)),
        Op("txg"),
        Op("remove", "z", (1, 2)),
        Op("txg"),
        Op("finish"),
        Op("spa_sync"),
        Op("close", "c"),
        Op("close", "c"),
        Op("destroy", "z"),
        Op("count", "z"),
        Op("create", "z"),
        Op("create", "z"),
        Op("add", "z", (9, 9), 1, 1),
        Op("contains", "z", (9, 9)),
        Op("contains", "d", b"no"),
        Op("increment", "m", b"short", fill=U64 - 6),
        Op("increment", "z", (9, 8), fill=5),
        Op("increment", "z", (9, 8), fill=U64 - 4),
        Op("increment", "z", (9, 9), fill=1),
        Op("search", "d", fill=65535),
        Op("search", "z", fill=1),
        Op("stats", "z"),
        Op("lookup_norm", "n", b"NAME", 8, 1, extra=1),
        Op("lookup_norm", "n", b"NAME", 8, 1, extra=3),
        Op("remove_norm", "n", b"name", extra=1),
        Op("remove_norm", "z", (9, 9), extra=1),
        Op("cursor", "c", other="d"),
        Op("next", "c"),
        Op("serialize", "c"),
        Op("close", "c"),
        Op("serialize", "c"),
        Op("seek", "z"),
        Op("sync"),
        Op("seek", "z"),
        Op("seek", "z", extra=1),
        Op("seek", "z", fill=1 << 40),
        Op("seek", "m", fill=1, extra=1),
        Op("evict"),
        Op("lookup", "z", (9, 9), 1, 1),
    ),
)
DIRECTORIES = Program(
    (Zap("a", fat=False), Zap("b", hash64=True, leaf_shift=9), Zap("w", words=1)),
    (
        Op("touch", "a", b"file", fill=7),
        Op("touch", "a", b"file", fill=8),
        Op("mkdir", "a", b"folder", fill=9),
        Op("mkdir", "b", b"folder", fill=10),
        Op("unlink", "a", b"folder"),
        Op("unlink", "a", b"none"),
        Op("rmdir", "a", b"file"),
        Op("rename", "a", b"file", other="b", to=b"file"),
        Op("rename", "a", b"file", other="b", to=b"file"),
        Op("rename", "b", b"file", other="a", to=b"folder"),
        Op("rename", "a", b"folder", other="b", to=b"file"),
        Op("rename", "a", b"folder", other="b", to=b"folder"),
        Op("rename", "b", b"file", other="b", to=b"file"),
        Op("rename", "b", b"file", other="a", to=b"y" * 250),
        Op("touch", "w", (1,)),
        Op("readdir", "w"),
        Op("readdir", "a"),
        Op("cursor", "c", other="b"),
        Op("next", "c"),
        Op("txg"),
        Op("touch", "a", b"again", fill=1),
        Op("reopen"),
        Op("next", "c"),
        Op("readdir", "b"),
        Op("unlink", "a", b"again"),
        Op("rmdir", "b", b"folder"),
        Op("add", "b", b"no entry of a directory", 1, 3),
        Op("readdir", "b"),
        Op("destroy", "b"),
        Op("reopen"),
        Op("create", "b"),
        Op("reopen"),
        Op("touch", "b", b"x", fill=3),
        Op("txg"),
        Op("txg"),
        Op("reopen"),
        Op("readdir", "b"),
    ),
)


FILE_SYSTEMS = parse(
    """
    zap i micro casesensitivity=insensitive normalization=formC longname=on
    zap j micro casesensitivity=insensitive normalization=formC longname=on
    zap k micro casesensitivity=mixed utf8only=on
    zap l micro casesensitivity=mixed utf8only=on compression=zstd encryption=on
    touch i "Foo" inode=0x8
    touch i "fOO" inode=0x9
    symlink i "u\\xcc\\x88" inode=0x9
    rename i j "\\xc3\\xbc" "bar"
    touch i "\\xff"
    touch i ".."
    link j i "BAR" "link"
    link j k "bar" "link"
    rename i j "LINK" "bAr"
    exchange i j "foo" "BAR"
    exchange i j "foo" "none"
    whiteout j i "Bar" "new" inode=0xa
    mkdir k "a" inode=0xb
    mkdir k "A" inode=0xc
    rmdir k "a"
    touch k "%s"
    dirlook i "FOO"
    dirlook k "A"
    dirlook l ".."
    getdents k
    getdents i names=3
    getdents i from=0x2 names=1
    rename k i "A" "A"
    rename k l "A" "A"
    readdir i
    readdir j
    """
    % ("n" * 256)
)


TREES = parse(
    """
    zap a micro inode=0x2
    zap b micro inode=0x3
    zap c micro inode=0x9
    mkdir a "b" inode=0x3
    mkdir b "c" inode=0x9
    touch b "file" inode=0x5
    rmdir a "b"
    rename a c "b" "b"
    rename b a "c" "c"
    mkdir a "c" inode=0x9
    unlink b "file"
    rmdir a "b"
    touch b "late" inode=0x6
    rmdir a "none"
"""
)
"""Directories in directories: not empty, into themselves, there already, and removed."""


HELPERS = parse(
    """
    zap z micro
    zap y fat hash64 leaf_shift=9
    zap x micro
    zap w fat key=u64
    add_int z id=0x1f
    add_int z id=0x1f
    lookup_int z id=0x1f
    add_int_key z id=0x100000000 value=0x5
    update_int_key z id=0x100000000 value=0x7
    lookup_int_key z id=0x100000000
    increment_int z id=0x1f delta=0xffffffffffffffff
    increment_int z id=0x20 delta=0x0
    remove_int z id=0x20
    join z y
    join z y
    join_key z x value=0x9
    join_increment z x
    lookup_int_key x id=0x1f
    add_int w
    prefetch z "1f"
    prefetch y "1f"
    prefetch w 0x5
    prefetch_object y
    update y "2" len=3
    remove_int y id=0x1f
    remove_int y id=0x100000000
    join y z
    destroy y
    prefetch y "a"
    prefetch_object y
    claim x
    claim y
    destroy x
    create_link x z id=0xf3
    create_link x z id=0xf3
    create_link w z
    destroy x
    claim x
    sync
    sync
    claim x
    add x "a"
    txg
    """
)


NO_ROOM = parse(
    """
    zap z fat hash64 leaf_shift=9
    zap d micro
    zap e micro
    zap n micro norm=2
    zap w fat key=u64 by_dnode leaf_shift=9
    zap l micro
    add z "a"
    add w 0x1
    add n "Name" int=8
    add_int e id=0x1
    touch d "file" inode=0x5
    touch d "other" inode=0x6
    mkdir d "folder" inode=0x7
    destroy l
    cursor c z
    full
    next c
    add z "b"
    add z "a"
    update w 0x2
    remove w 0x1
    lookup w 0x1
    increment z "n"
    remove_norm n "name" match=1
    add_int e id=0x1
    add_int_key e id=0x2 value=0x3
    update_int_key e id=0x2 value=0x3
    increment_int e id=0x1
    remove_int e id=0x1
    join e z
    join_key e z value=0x9
    join_increment e z
    sync
    claim l
    create l
    create_link l e id=0x2
    create_link l e id=0x1
    touch d "file" inode=0x8
    touch d "new" inode=0x8
    symlink d "new" inode=0x8
    mkdir d "new" inode=0x8
    link d d "file" "new"
    rename d d "file" "new"
    rename d d "file" "file"
    rename d d "none" "new"
    exchange d d "file" "other"
    whiteout d d "file" "new" inode=0x9
    unlink d "file"
    unlink d "file"
    rmdir d "folder"
    destroy z
    txg
    full errno=122
    unlink d "other"
    add z "b"
    add w 0x3
    finish
    reopen
    add z "b"
    create l
    readdir d
    full on=0
    add z "b"
    create l
    claim z
    remove w 0x1
    """
)
"""On a pool without room, and on a file system over its quota: what asks for room is refused, what frees goes
on, and what finds another fault before tells that."""
