"""Random programs whose threads work on ZAPs of names: micro ones, which grow or become fat while others
look, and directories, with the locks that their callers hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from fuzz.language.program import TO_UPPER, Dataset, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import DIRECTORIES
from fuzz.language.verbs import VERBS

NAMES = tuple(name.encode() for name in ("a", "A", "b", "B", "foo", "Foo", "é", "e\u0301", "É"))
LONG = (b"l" * 49, b"l" * 60, b"m" * 255)
"""The first is the longest that a slot holds, but for its NUL."""
BROKEN = (b"\xff", b"a\xff", b"F\xc3", b"\xe1\x84")
"""No UTF-8, or cut short."""
FILLERS = tuple(b"f%d" % number for number in range(7))
"""As many as a micro ZAP's first block holds."""

FIRST_BLOCK, SOON_FAT = 512, 0.4
"""How often a micro ZAP becomes fat when that block is full."""

_PLAIN = {
    **{"add": 10, "update": 8, "remove": 9, "lookup": 6, "length": 2, "contains": 2, "count": 4},
    **{"increment": 5, "search": 1, "stats": 0.5, "next": 4, "cursor": 1, "readdir": 1},
}
_DIRECTORY = {
    **{"touch": 9, "mkdir": 4, "unlink": 9, "rmdir": 3, "rename": 10, "link": 4, "symlink": 1, "exchange": 4},
    **{
        "dirlook": 4,
        "whiteout": 3,
        "readdir": 4,
        "getdents": 2,
        "lookup": 3,
        "count": 3,
        "next": 2,
        "add": 1,
        "remove": 1,
    },
    **{"destroy": 0.7, "create": 0.7},
}
_TIME = {"txg": 1, "finish": 0.5, "evict": 0.5}
_SETUP_TIME = ("txg", "sync", "evict")


def program_of_names(rng: random.Random) -> Program:
    """A setup, and a section with threads; half of them on directories."""
    directories = rng.random() < 0.6
    zaps = [_header(rng, "d", directories)]
    if directories and rng.random() < 0.3:
        zaps.append(zaps[0]._replace(name="e"))
    names = _names(rng)
    weights = (_DIRECTORY if directories else _PLAIN) | _TIME
    ops = _setup(rng, zaps, names, directories)
    threads = 3 if rng.random() < 0.1 else 2
    hot = [*names, *[rng.choice(names)] * (len(names) if rng.random() < 0.5 else 0)]
    verbs, shares = list(weights), list(weights.values())
    for thread in range(1, threads + 1):
        for verb in rng.choices(verbs, shares, k=rng.randint(1, 3)):
            ops.append(_op(rng, verb, zaps, hot, thread))
    return Program(tuple(zaps), tuple(ops))


def change_of(program: Program, rng: random.Random, thread: int) -> Op:
    """Another op for such a program; of thread 0 for its setup."""
    names = sorted({op.key for op in program.ops if isinstance(op.key, bytes)}) or list(NAMES)
    weights = _DIRECTORY if any(op.verb in DIRECTORIES for op in program.ops) else _PLAIN
    weights = (weights | _TIME) if thread else weights
    verb = rng.choices(list(weights), list(weights.values()))[0]
    return _op(rng, verb, program.zaps, names, thread)


def _header(rng: random.Random, name: str, directory: bool) -> Zap:
    zap = Zap(name, fat=False, leaf_shift=9, micro_max=FIRST_BLOCK if rng.random() < SOON_FAT else 0)
    if not directory or rng.random() < 0.5:
        return zap
    case = rng.choice((0, 1, 1, 2))
    form = rng.choice((0, 0, 0x10, 0x50))
    return zap._replace(norm=form | TO_UPPER * bool(case), dataset=Dataset(case, bool(form), True))


def _names(rng: random.Random) -> list[bytes]:
    names = rng.sample(NAMES, rng.randint(1, 4))
    if rng.random() < 0.2:
        names.append(rng.choice(LONG))
    if rng.random() < 0.08:
        names.append(rng.choice(BROKEN))
    return names


def _setup(rng: random.Random, zaps: Sequence[Zap], names: Sequence[bytes], directories: bool) -> list[Op]:
    full = FILLERS[: rng.choice((0, 0, 4, 5, 6, 7))]
    ops = [_entry(rng, rng.choice(zaps).name, name, directories, 0) for name in names if rng.random() < 0.6]
    ops += [_entry(rng, "d", name, directories, 0) for name in full]
    if rng.random() < 0.25:  # it is fat from here on, of small leaves
        ops.append(Op("add", "d", b"fat", 8, 2))
    ops += [Op(rng.choice(_SETUP_TIME)) for _ in range(rng.choice((0, 0, 1, 2)))]
    if rng.random() < 0.3:
        ops += [Op("cursor", "c1", other="d"), *[Op("next", "c1")] * rng.randint(0, 3)]
    return ops


def _entry(rng: random.Random, zap: str, name: bytes, directory: bool, thread: int) -> Op:
    if directory:
        return Op(rng.choice(("touch", "touch", "mkdir")), zap, name, fill=rng.randint(1, 4), thread=thread)
    length = 1 if rng.random() < 0.9 else 2
    return Op("add", zap, name, 8, length, rng.randrange(1, 4), thread=thread)


def _op(rng: random.Random, verb: str, zaps: Sequence[Zap], names: Sequence[bytes], thread: int) -> Op:
    """One op of a verb. Every thread has a cursor of its own; the setup's is the first one's."""
    row, zap = VERBS[verb], rng.choice(zaps).name
    if row.subject is Subject.NONE:
        return Op(verb, thread=thread)
    if row.subject is Subject.CURSOR:
        other = zap if row.other else ""
        return Op(verb, f"c{max(thread, 1)}", other=other, thread=thread)
    if verb == "add" or verb == "update":
        return _entry(rng, zap, rng.choice(names), False, thread)._replace(verb=verb)
    key = rng.choice(names) if row.key else None
    other, to = (rng.choice(zaps).name, rng.choice(names)) if row.to else ("", None)
    fill = rng.randint(1, 4) if verb in _WITH_FILL else 0
    size, length = (8, 1) if verb == "lookup" else (0, rng.randint(1, 8) if verb == "getdents" else 0)
    return Op(verb, zap, key, size, length, fill, other=other, to=to, thread=thread)


_WITH_FILL = frozenset(("touch", "mkdir", "symlink", "whiteout", "increment", "search"))

Draw = Callable[[random.Random], Program]
