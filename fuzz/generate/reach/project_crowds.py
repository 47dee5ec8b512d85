"""Programs of project ids that a plain user may type, on a dataset as it is by default: leaves of 16 KiB.

The ZAP of usage has two names for an id, its digits and `obj-` before them, and a CRC tells both apart from
those of other ids by the same bits, under any salt: ids whose hashes begin alike crowd one leaf twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from random import Random

from fuzz.generate.ids_for_hash import ids_for_hash
from fuzz.language.program import Op, Program, Zap
from zapcore import layout as L

SHIFT = 14
FULL = L.geometry(SHIFT).chunks // 3
"""Entries of an id's name and one integer that a leaf takes."""
FAT = 1030
"""Ids whose names a micro ZAP does not take."""
CROWD_BITS = 13
"""Bits of the hash in which the ids of a crowd agree, but for one, that leaves its table of four blocks
doubling."""
MOST_BITS = 24
"""Bits in which more ids agree than a leaf takes; in 25 there are none so many."""
PROJECT = 4
LATER = 3000
"""The first file of those that come behind the damage."""
LEAF_BITS, MORE = 5, 12
"""Bits in which ids agree that lie in one leaf, and how many come before and after it is full."""
FIRST = 0x1000_0000
"""An id with all its digits."""


def _in_steps(verb: str, first: int, many: int, owner: int = 0) -> list[Op]:
    whose = 0 if verb == "free" else PROJECT
    return [
        Op(verb, size=min(255, many - at), length=first + at, fill=owner and owner + at, extra=whose)
        for at in range(0, many, 255)
    ]


def fat() -> list[Op]:
    """So many ids come and go that the ZAP is a fat one, with two leaves."""
    return [*_in_steps("allocate", 0, FAT, FIRST), Op("txg"), *_in_steps("free", 0, FAT), Op("txg")]


def crowded(ids: Sequence[int]) -> list[Op]:
    """Ids of one crowd, the last one in a txg of its own, and then they go."""
    made = [Op("allocate", size=1, length=FAT + at, fill=each, extra=PROJECT) for at, each in enumerate(ids)]
    gone = _in_steps("free", FAT, len(ids))
    return [*made[:-1], Op("txg"), made[-1], Op("txg"), *gone, Op("txg")]


def ids_alike(bits: int) -> list[int]:
    """As many ids as a leaf has room for, whose hashes agree in so many bits."""
    found = dict.fromkeys(itertools.islice(ids_for_hash(1, 0, bits, Random(1)), 2 * FULL))
    return list(found)[:FULL]


def away(bits: int) -> int:
    """An id that agrees with those in one bit less."""
    return next(ids_for_hash(1, 1 << (64 - bits), bits, Random(1)))


def project_programs() -> Iterator[Program]:
    """Ids that come and go; a crowd that makes the table large; one that begins another doubling as its leaf
    is split, so that zap_trunc() moves the free mark before the table being built, and others after it."""
    zap = Zap("z", fat=False, leaf_shift=SHIFT, usage=3)
    yield Program((zap,), (*fat(), Op("sync")))
    for bits, later in ((MOST_BITS, ()), (CROWD_BITS, _others())):
        ids = [away(bits), *ids_alike(bits)]
        yield Program((zap,), (*fat(), *crowded(ids), *later, Op("sync")))


def _others() -> tuple[Op, ...]:
    """Other ids: some that fill two leaves, one by one as these are split, so that each txg has little in it
    and is on disk before the next; then one for each part of the table."""
    number = itertools.count(LATER)
    filling = [*dict.fromkeys(itertools.islice(ids_for_hash(1, 0, LEAF_BITS, Random(2)), 2 * FULL))][
        : FULL + MORE
    ]
    spread = [next(ids_for_hash(1, part << 60, 4, Random(3))) for part in range(16)]
    made = [
        Op("allocate", size=1, length=next(number), fill=each, extra=PROJECT) for each in (*filling, *spread)
    ]
    together, each_alone = made[: FULL - MORE], made[FULL - MORE :]
    return (*together, Op("txg"), *itertools.chain.from_iterable((op, Op("txg")) for op in each_alone))
