"""Programs about directories in directories: names that lead to other ZAPs of the header, so that directories
are moved into each other, replaced and removed while they have entries, or when they are empty."""

from __future__ import annotations

from random import Random

from fuzz.generate.whole_language import DIRECTORIES, with_dataset, with_micro_max
from fuzz.language.program import Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS

NUMBERS = (2, 3, 4, 5)
"""Of the directories."""
LEADS = 0.7
"""How often a directory that is made is one of the header's."""
WEIGHTS = {
    **DIRECTORIES,
    **{
        "mkdir": 14,
        "touch": 5,
        "rmdir": 10,
        "unlink": 5,
        "rename": 18,
        "exchange": 5,
        "whiteout": 3,
        "link": 1,
    },
    **{"destroy": 0.5, "create": 1, "reopen": 0.1},
}
NAMES = (b"a", b"b", b"c", b"A", b"d")
LONG = b"n" * 60


def with_numbers(zaps: list[Zap]) -> list[Zap]:
    """The same directories, each with a number to which names lead, but for the first, which is on top."""
    return [zap._replace(inode=number) for zap, number in zip(zaps, (0, *NUMBERS), strict=False)]


def _zaps(rng: Random) -> list[Zap]:
    """A few directories of one file system, some of them fat from the start where that has no properties."""
    first = with_micro_max(rng, Zap("z", fat=False, leaf_shift=9))
    first = with_dataset(rng, first) if rng.random() < 0.5 else first
    zaps = [first._replace(name=name) for name in "zyxw"[: rng.choice((2, 3, 3, 4))]]
    if first.dataset is None and rng.random() < 0.3:
        zaps[-1] = zaps[-1]._replace(fat=True, hash64=True, micro_max=0)
    if rng.random() < 0.5:  # the top can be moved, too
        return [zap._replace(inode=number) for zap, number in zip(zaps, NUMBERS, strict=False)]
    return with_numbers(zaps)


def tree_program(rng: Random) -> Program:
    """A whole program."""
    zaps = _zaps(rng)
    names = rng.sample(NAMES, rng.randint(2, len(NAMES)))
    numbers = [zap.inode for zap in zaps if zap.inode]
    verbs, weights = list(WEIGHTS), list(WEIGHTS.values())
    ops: list[Op] = []
    for verb in rng.choices(verbs, weights, k=rng.randint(10, 60)):
        row, zap = VERBS[verb], rng.choice(zaps).name
        key = LONG if rng.random() < 0.03 else rng.choice(names)
        other, to = rng.choice(zaps).name, rng.choice(names)
        op = Op(verb)
        if verb in ("cursor", "next"):
            op = Op(verb, "c", other=other if row.other else "")
        elif verb == "lookup":
            op = Op(verb, zap, key, 8, 1)
        elif verb == "getdents":
            op = Op(verb, zap, length=rng.choice((1, 2, 100)))
        elif row.subject is Subject.ZAP:
            op = Op(verb, zap, key if row.key else None)
            op = op._replace(other=other if row.other else "", to=to if row.to else None)
        if verb == "mkdir" and numbers and rng.random() < LEADS:
            op = op._replace(fill=rng.choice(numbers))
        elif verb in ("touch", "mkdir", "symlink", "whiteout"):
            op = op._replace(fill=rng.randint(6, 9))
        ops.append(op)
    return Program(tuple(zaps), tuple(ops))
