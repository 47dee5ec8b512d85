"""The one table of verbs: what each is, what it needs, what it does to the world, how often it is drawn.

Everything that is data about a verb stands in its row, and every set of verbs that the project asks for is
made from the rows (`fuzz.language.verb_sets`). What a verb *means* stands in three places that are
independent on purpose: the model (`fuzz.targets.model`), the real library's adapter
(`fuzz.targets.libzpool`), and the oracle (`fuzz.judge`). Each of them registers a function for every verb,
and cannot be imported while one is missing (`fuzz.language.by_verb`).
"""

from __future__ import annotations

from collections.abc import Mapping

from fuzz.language.program import MAX_OBJECT, MAX_VALUE, U64
from fuzz.language.verb_row import Draw, Effect, Number, Subject, Verb

VALUE_ARGUMENTS = (
    Number("size", "int", 1, 1, 8, (1, 2, 4, 8)),
    Number("length", "len", 1, 0, MAX_VALUE),
    Number("fill", "fill", 0, 0, U64, hex=True),
)
_ROOM = (
    Number("size", "int", 1, 1, 8, (1, 2, 4, 8)),
    Number("length", "len", MAX_VALUE, 0, MAX_VALUE),
)
_MATCH = Number("extra", "match", 0, 0, 3)
NAME_ROOM = 2048
"""For a name that a call gives back where `room` says nothing: more than any name takes."""
_NAME_ROOM = Number("fill", "room", 0, 0, NAME_ROOM)
_SEARCH_ROOM = _NAME_ROOM._replace(field="length")
_INODE = Number("fill", "inode", 1, 0, (1 << 48) - 1, hex=True)
_DELTA = Number("fill", "delta", 1, 0, U64, hex=True)
_PLACE = Number("fill", "from", 0, 0, U64, hex=True)
_WANTED = Number("fill", "value", 0, 0, U64, hex=True)
_MASK = Number("extra", "mask", 0, 0, U64, hex=True)
_MOST = Number("length", "names", MAX_VALUE, 1, MAX_VALUE)
READ_ERRORS = (5, 52)
"""What a read that fails gives: EIO, and EBADE, which OpenZFS calls ECKSUM on Linux."""
NO_ROOM = (28, 122)
"""What a transaction is refused with: ENOSPC, and EDQUOT."""
MOVES = {21: "2.1", 23: "2.3", 24: "2.4"}
"""The releases that a pool goes to, by what the text form calls them."""
MAX_BLOCK = (1 << 32) - 1
_ID = Number("fill", "id", 1, 0, U64, hex=True)
_OF_ID = Number("extra", "value", 0, 0, U64, hex=True)
_OBJECTS = (Number("size", "count", 1, 1, 255), Number("length", "first", 0, 0, MAX_OBJECT))
_OWNERS = (Number("fill", "id", 1, 0, U64, hex=True), Number("extra", "whose", 0, 0, 7))

VERBS: Mapping[str, Verb] = {
    "add": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_add: a new entry; EEXIST if there is one",
        key=True,
        numbers=VALUE_ARGUMENTS,
        draw=Draw(weight=30, anywhere=14, bytes=(64, 58), always=True),
        rank=1,
        threads=True,
        refused_if_there=True,
    ),
    "update": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_update: a new entry or a new value",
        key=True,
        numbers=VALUE_ARGUMENTS,
        draw=Draw(group="changes", weight=6, anywhere=5, bytes=(170, 12)),
        rank=9,
        threads=True,
    ),
    "remove": Verb(
        Subject.ZAP,
        Effect.TAKES,
        "zap_remove",
        key=True,
        draw=Draw(weight=24, anywhere=9, bytes=(122, 48), always=True),
        rank=2,
        threads=True,
    ),
    "lookup": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_lookup into len integers of int bytes",
        key=True,
        numbers=_ROOM,
        draw=Draw(weight=2, bytes=(236, 4)),
        rank=8,
        threads=True,
    ),
    "length": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_length: integer size and number of integers",
        key=True,
        draw=Draw(bytes=(240, 2)),
        rank=7,
        threads=True,
    ),
    "count": Verb(Subject.ZAP, Effect.LOOKS, "zap_count", draw=Draw(bytes=(242, 2)), rank=6, threads=True),
    "destroy": Verb(
        Subject.ZAP,
        Effect.OBJECT,
        "zap_destroy",
        draw=Draw(group="objects", weight=2, anywhere=0.7),
        rank=15,
        steers=True,
        threads=True,
    ),
    "create": Verb(
        Subject.ZAP,
        Effect.OBJECT,
        "zap_create again, as the header line says; the same object if it is free by then",
        draw=Draw(group="objects", weight=2, anywhere=1.5, bytes=(246, 2)),
        rank=14,
        threads=True,
    ),
    "cursor": Verb(
        Subject.CURSOR,
        Effect.LOOKS,
        "zap_cursor_init_serialized; an open cursor of that name is closed",
        other=True,
        numbers=(_PLACE,),
        draw=Draw(group="cursors", weight=3, anywhere=2, bytes=(209, 8)),
        rank=12,
        threads=True,
        steers=True,
    ),
    "next": Verb(
        Subject.CURSOR,
        Effect.LOOKS,
        "zap_cursor_advance (unless nothing was retrieved yet) and retrieve",
        draw=Draw(group="cursors", weight=8, anywhere=4, bytes=(217, 14)),
        rank=10,
        threads=True,
    ),
    "retrieve": Verb(
        Subject.CURSOR,
        Effect.LOOKS,
        "zap_cursor_retrieve where it stands",
        draw=Draw(group="cursors", weight=3, anywhere=2, bytes=(231, 3)),
        rank=11,
        threads=True,
        steers=True,
    ),
    "close": Verb(
        Subject.CURSOR,
        Effect.LOOKS,
        "zap_cursor_fini",
        draw=Draw(group="cursors", bytes=(234, 2)),
        rank=13,
        threads=True,
    ),
    "txg": Verb(
        Subject.NONE,
        Effect.TIME,
        "open the next txg; the open one stays in flight (the oldest of two ends)",
        draw=Draw(group="time", weight=6, anywhere=3, bytes=(182, 22)),
        rank=0,
        threads=True,
        steers=True,
    ),
    "finish": Verb(
        Subject.NONE,
        Effect.TIME,
        "let the oldest txg in flight sync to its end",
        draw=Draw(group="time", weight=3, anywhere=1.5, bytes=(206, 3)),
        rank=4,
        threads=True,
        steers=True,
    ),
    "sync": Verb(
        Subject.NONE,
        Effect.TIME,
        "let every txg sync to its end, the open one too",
        draw=Draw(group="time", weight=3, bytes=(204, 2)),
        rank=3,
        threads=True,
        steers=True,
    ),
    "evict": Verb(
        Subject.NONE,
        Effect.TIME,
        "dmu_objset_evict_dbufs: drop every dbuf that nobody holds",
        draw=Draw(group="time", bytes=(244, 2)),
        rank=5,
        threads=True,
        steers=True,
    ),
    "contains": Verb(
        Subject.ZAP, Effect.LOOKS, "zap_contains: a lookup that reads no value", key=True, threads=True
    ),
    "increment": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_increment: add to one 64-bit integer, modulo 2^64; zero removes it",
        key=True,
        numbers=(_DELTA,),
        draw=Draw(group="changes"),
        threads=True,
    ),
    "search": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_value_search: the first name whose first integer is value under mask (0: all bits), into room "
        "bytes (0: enough; 2.1 is not told of them)",
        numbers=(_WANTED, _MASK, _SEARCH_ROOM),
        names=True,
        threads=True,
    ),
    "stats": Verb(Subject.ZAP, Effect.LOOKS, "zap_get_stats", threads=True),
    "advance": Verb(
        Subject.CURSOR, Effect.LOOKS, "zap_cursor_advance", draw=Draw(group="cursors", weight=2), threads=True
    ),
    "serialize": Verb(
        Subject.CURSOR,
        Effect.LOOKS,
        "zap_cursor_serialize",
        draw=Draw(group="cursors", weight=3),
        threads=True,
    ),
    "lookup_norm": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_lookup_norm: match is 1 to normalize, plus 2 to match case; the name as it is stored, too, in "
        "room bytes (0: enough)",
        key=True,
        numbers=(*_ROOM, _MATCH, _NAME_ROOM),
        names=True,
        draw=Draw(group="forms"),
        threads=True,
    ),
    "remove_norm": Verb(
        Subject.ZAP,
        Effect.TAKES,
        "zap_remove_norm",
        key=True,
        numbers=(_MATCH,),
        names=True,
        draw=Draw(group="forms"),
        threads=True,
    ),
    "reopen": Verb(
        Subject.NONE,
        Effect.TIME,
        "close all cursors, sync, export the pool and import it again",
        draw=Draw(group="time", anywhere=0.05),
    ),
    "touch": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zfs_create: a file's name in a directory",
        key=True,
        numbers=(_INODE,),
        names=True,
        draw=Draw(group="directories", anywhere=2),
        refused_if_there=True,
        threads=True,
    ),
    "mkdir": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zfs_mkdir: a directory's name",
        key=True,
        numbers=(_INODE,),
        names=True,
        draw=Draw(group="directories", anywhere=2),
        refused_if_there=True,
        threads=True,
    ),
    "unlink": Verb(
        Subject.ZAP,
        Effect.TAKES,
        "zfs_remove: EPERM for a directory's name",
        key=True,
        names=True,
        draw=Draw(group="directories", anywhere=1.5),
        threads=True,
    ),
    "rmdir": Verb(
        Subject.ZAP,
        Effect.TAKES,
        "zfs_rmdir: ENOTDIR for a file's name",
        key=True,
        names=True,
        draw=Draw(group="directories", anywhere=1.5),
        threads=True,
    ),
    "rename": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zfs_rename: into the directory that comes next",
        key=True,
        to=True,
        other=True,
        names=True,
        draw=Draw(group="directories", anywhere=2),
        threads=True,
    ),
    "readdir": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zfs_readdir: all names, in the cursor's order",
        names=True,
        draw=Draw(group="directories"),
        threads=True,
    ),
    "symlink": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zfs_symlink: a symbolic link's name",
        key=True,
        numbers=(_INODE,),
        names=True,
        draw=Draw(group="directories"),
        refused_if_there=True,
        threads=True,
    ),
    "link": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zfs_link: another name of a file, in the directory that comes next",
        key=True,
        to=True,
        other=True,
        names=True,
        draw=Draw(group="directories"),
        threads=True,
    ),
    "exchange": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zfs_rename with RENAME_EXCHANGE: two names change places; EINVAL before 2.2",
        key=True,
        to=True,
        other=True,
        names=True,
        draw=Draw(group="directories"),
        threads=True,
    ),
    "whiteout": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zfs_rename with RENAME_WHITEOUT: a whiteout comes to the old name; EINVAL before 2.2",
        key=True,
        to=True,
        other=True,
        numbers=(_INODE,),
        names=True,
        draw=Draw(group="directories"),
        threads=True,
    ),
    "getdents": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zfs_readdir from a position on, with room for so many names, `.` and `..` among them",
        numbers=(_PLACE, _MOST),
        names=True,
        draw=Draw(group="directories"),
        threads=True,
    ),
    "spa_sync": Verb(
        Subject.NONE,
        Effect.TIME,
        "spa_sync: as finish; beside other threads it is done step by step, and they come between",
        draw=Draw(group="sync", weight=0, anywhere=0),
        threads=True,
        steers=True,
    ),
    "allocate": Verb(
        Subject.NONE,
        Effect.OBJECT,
        "dmu_object_alloc: make objects that an id, and the next ones, own; whose is 1 for the user, 2 the "
        "group, 4 the project, 0 all",
        numbers=(*_OBJECTS, *_OWNERS),
        draw=Draw(group="usage", anywhere=0.1),
    ),
    "chown": Verb(
        Subject.NONE,
        Effect.OBJECT,
        "zfs_setattr: give objects to an id, and the next ones; whose as for allocate",
        numbers=(*_OBJECTS, *_OWNERS),
        draw=Draw(group="usage", anywhere=0.1),
    ),
    "free": Verb(
        Subject.NONE,
        Effect.OBJECT,
        "dmu_object_free: objects of allocate",
        numbers=_OBJECTS,
        draw=Draw(group="usage", anywhere=0.1),
    ),
    "resize": Verb(
        Subject.NONE,
        Effect.OBJECT,
        "dmu_write, dmu_free_range: let objects of allocate have so many blocks of 512 bytes",
        numbers=(*_OBJECTS, Number("fill", "blocks", 0, 0, 3)),
        draw=Draw(group="usage", anywhere=0.1),
    ),
    "early": Verb(
        Subject.NONE,
        Effect.TIME,
        "dsl_early_sync_task_nowait: from here on, ops on ZAPs of the MOS are done before their txg writes "
        "anything; with on=0 after it has written the MOS, which is written again (dsl_sync_task_nowait)",
        numbers=(Number("fill", "on", 1, 0, 1),),
        draw=Draw(group="tasks", anywhere=0.1),
    ),
    "fail": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zio_inject_fault: from here on reads from disk of so many blocks fail, with EIO (5) or as a wrong "
        "checksum (52), and each op on entries begins with nothing cached that nobody holds; level=1 and 2 "
        "are indirect blocks, of a ZAP with indirect_shift",
        numbers=(
            Number("size", "level", 0, 0, 2),
            Number("length", "many", 1, 1, MAX_VALUE),
            Number("fill", "block", 0, 0, MAX_BLOCK),
            Number("extra", "errno", 5, 5, 52, READ_ERRORS),
        ),
        draw=Draw(group="errors", anywhere=0.1),
    ),
    "heal": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zio_clear_fault: every block of the ZAP can be read again",
        draw=Draw(group="errors", anywhere=0.1),
    ),
    "crash": Verb(
        Subject.NONE,
        Effect.TIME,
        "lose what is in memory, and import the pool as the last txg that has synced left it",
        draw=Draw(group="crashes", anywhere=0.05),
    ),
    "seek": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "dmu_offset_next: the next data from a byte of the object on, or with hole=1 the next hole; EBUSY "
        "where it would wait because the object is dirty",
        numbers=(_PLACE, Number("extra", "hole", 0, 0, 1)),
        draw=Draw(group="holes", anywhere=0.4),
        threads=True,
    ),
    "prefetch": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_prefetch: begin to read a key's leaf; ENOTSUP for a micro ZAP, of which no caller asks, unless "
        "blind=1",
        key=True,
        numbers=(Number("extra", "blind", 0, 0, 1, drawn=False),),
        draw=Draw(group="helpers"),
        threads=True,
    ),
    "prefetch_object": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_prefetch_object: read every block; ENOTSUP before 2.3",
        draw=Draw(group="helpers"),
        threads=True,
    ),
    "join": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zap_join: add all entries to the ZAP that comes next, up to the first that cannot be (until 2.4)",
        other=True,
        names=True,
        draw=Draw(group="helpers"),
    ),
    "join_key": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zap_join_key: the same, each with this value",
        other=True,
        numbers=(Number("fill", "value", 0, 0, U64, hex=True),),
        names=True,
        draw=Draw(group="helpers"),
    ),
    "join_increment": Verb(
        Subject.ZAP,
        Effect.MOVES,
        "zap_join_increment: the same, but to the integers that are there already their own are added",
        other=True,
        names=True,
        draw=Draw(group="helpers"),
    ),
    "add_int": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_add_int: an id, its digits for a name and itself for a value; EEXIST if there is one",
        numbers=(_ID,),
        names=True,
        draw=Draw(group="ints", weight=3),
        refused_if_there=True,
        threads=True,
    ),
    "remove_int": Verb(
        Subject.ZAP,
        Effect.TAKES,
        "zap_remove_int: an id goes",
        numbers=(_ID,),
        names=True,
        draw=Draw(group="ints", weight=2),
        threads=True,
    ),
    "lookup_int": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_lookup_int: whether an id is there",
        numbers=(_ID,),
        names=True,
        draw=Draw(group="ints"),
        threads=True,
    ),
    "add_int_key": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_add_int_key: an id with a value; EEXIST if there is one",
        numbers=(_ID, _OF_ID),
        names=True,
        draw=Draw(group="ints"),
        refused_if_there=True,
        threads=True,
    ),
    "update_int_key": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_update_int_key: an id with a value, new or not",
        numbers=(_ID, _OF_ID),
        names=True,
        draw=Draw(group="ints"),
        threads=True,
    ),
    "lookup_int_key": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zap_lookup_int_key: the value of an id",
        numbers=(_ID,),
        names=True,
        draw=Draw(group="ints"),
        threads=True,
    ),
    "increment_int": Verb(
        Subject.ZAP,
        Effect.BRINGS,
        "zap_increment_int: zap_increment of an id (until 2.4)",
        numbers=(_ID, Number("extra", "delta", 1, 0, U64, hex=True)),
        names=True,
        draw=Draw(group="ints"),
        threads=True,
    ),
    "move": Verb(
        Subject.NONE,
        Effect.TIME,
        "close all cursors, sync, export the pool, and let another release import it: 21 is 2.1.11, 23 is "
        "2.3.2, 24 is 2.4.4; ENOTSUP with long names for 2.1, with usage=, mos, or reads that fail",
        numbers=(Number("fill", "to", 23, 21, 24, tuple(MOVES)),),
        draw=Draw(group="moves", anywhere=0.02),
    ),
    "dirlook": Verb(
        Subject.ZAP,
        Effect.LOOKS,
        "zfs_dirlook: whether a directory has a name; it shares the name's lock with others",
        key=True,
        names=True,
        draw=Draw(group="directories"),
        threads=True,
    ),
    "claim": Verb(
        Subject.ZAP,
        Effect.OBJECT,
        "zap_create_claim_norm: create it under the number that it had; ENOSPC where that is not free, or "
        "no txg has synced after the one that freed it; ENOTSUP for one with flags or small indirect blocks, "
        "and while there is no room",
        draw=Draw(group="objects", weight=2, anywhere=0.7),
    ),
    "create_link": Verb(
        Subject.ZAP,
        Effect.OBJECT,
        "zap_create_link: create it, and in the ZAP that comes next a name for it, the digits of id, whose "
        "value is its place in the header; callers know that neither is there (EEXIST)",
        other=True,
        numbers=(_ID,),
        names=True,
        draw=Draw(group="objects", anywhere=0.7),
    ),
    "full": Verb(
        Subject.NONE,
        Effect.LOOKS,
        "dsl_dir_tempreserve_space: from here on the pool has no room (ENOSPC, 28), or the file system is "
        "over its quota (EDQUOT, 122), and dmu_tx_assign refuses transactions, but those of unlink and rmdir "
        "(dmu_tx_mark_netfree); with on=0 there is room again; ENOTSUP with usage= or mos",
        numbers=(Number("fill", "on", 1, 0, 1), Number("extra", "errno", 28, 28, 122, NO_ROOM)),
        draw=Draw(group="room", anywhere=0.05),
    ),
}
"""Every verb, in the order of the byte form's opcodes: append only."""
