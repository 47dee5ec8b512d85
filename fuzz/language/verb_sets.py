"""Every set of verbs that the project asks for, made from the rows of the table (`fuzz.language.verbs`)."""

from __future__ import annotations

from fuzz.language.program import Key, Op
from fuzz.language.verb_row import Effect, Subject
from fuzz.language.verbs import VALUE_ARGUMENTS, VERBS


def _with(effect: Effect) -> frozenset[str]:
    return frozenset(name for name, verb in VERBS.items() if verb.effect is effect)


READING, BRINGS, TAKES, TIME = map(_with, (Effect.LOOKS, Effect.BRINGS, Effect.TAKES, Effect.TIME))
"""Verbs that change no block; after which the op's key is there; after which it is not; that move time."""
VALUED = frozenset(name for name, verb in VERBS.items() if verb.numbers == VALUE_ARGUMENTS)
"""Verbs that write a value of so many integers."""
DIRECTORIES = frozenset(name for name, verb in VERBS.items() if verb.draw.group == "directories")
"""Verbs on directories: several calls of the ZAP, whose transaction begins when names were looked up."""
JOINS = frozenset(("join", "join_key", "join_increment"))
"""Verbs that add the entries of one ZAP to another."""
INTS = frozenset(name for name, verb in VERBS.items() if verb.draw.group == "ints")
"""Verbs whose key is the digits of a number."""
SEVERAL_CALLS = DIRECTORIES | {"increment", "increment_int", "search"} | JOINS
"""Verbs during which other threads may come between two calls of the ZAP."""
MODIFIES = BRINGS | TAKES | _with(Effect.OBJECT)
MODIFIES &= frozenset(name for name, verb in VERBS.items() if verb.threads) - DIRECTORIES
"""Verbs whose transaction begins before they look at anything, of those that may stand in a section with
threads."""
CURSOR_VERBS = frozenset(name for name, verb in VERBS.items() if verb.subject is Subject.CURSOR)
CONCURRENT = frozenset(name for name, verb in VERBS.items() if verb.threads)
"""Verbs that may stand in a section with threads."""
FOR_THREADS = frozenset(name for name, verb in VERBS.items() if not verb.draw.weight)
"""Verbs that no generator of programs without threads draws: they do there what another does."""
OWNED = frozenset(name for name, verb in VERBS.items() if verb.draw.group == "usage")
"""Verbs on objects that somebody owns."""
UNFAILING = (
    _with(Effect.TIME)
    | OWNED
    | JOINS
    | {"claim", "create_link"}
    | frozenset(name for name, verb in VERBS.items() if verb.draw.group in ("errors", "room"))
)
"""Verbs during which every read works: `fail` is for those on entries, names and whole ZAPs. Joins take any
errno of their cursor for the end, and end well with a part of the entries."""
SYNCING = ("txg", "finish", "spa_sync", "sync")
"""Verbs during which a txg may sync, and reads of the ZAPs fail that it changes: not of others."""
ON_DISK = frozenset(
    name for name, verb in VERBS.items() if verb.draw.group in ("errors", "crashes", "moves", "room")
)
"""Verbs on what the disk does, how much it takes, and who imports it: their programs have no threads."""
DEFERRED = frozenset(("add", "update", "remove", "increment", "remove_norm")) | (INTS - READING)
"""Verbs that a ZAP of the MOS has as sync tasks."""
FREEING = ("unlink", "rmdir")
"""Verbs whose transaction says that it frees more than it takes (dmu_tx_mark_netfree): not zfs_rmnode's,
which destroys, nor zfs_rename's."""
CHANGING = (BRINGS | TAKES | _with(Effect.MOVES) | _with(Effect.OBJECT)) - OWNED
"""Verbs that write or free a ZAP: not one that syncing context keeps."""


def key_of(op: Op) -> Key | None:
    """The key that an op works on: its own, or the digits of its id."""
    return b"%x" % op.fill if op.verb in INTS else op.key


def unsettled(verb: str, before: bool) -> bool:
    """Whether there may be changes of owners after an op that syncing context has not accounted for, given
    whether there were before."""
    return verb in OWNED or verb == "txg" or (before and verb not in ("sync", "reopen"))


STEERING = frozenset(name for name, verb in VERBS.items() if verb.steers)
"""Verbs that decide which way a failure takes."""
