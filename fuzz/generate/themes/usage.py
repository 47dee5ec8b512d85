"""Programs about user accounting: objects change owners, and ids come to the ZAPs of usage and go in syncing
context.

Ids come in runs, which fill leaves evenly, and in crowds whose hashes begin alike, which make leaves split
and tables grow; four ids of one hash make a micro ZAP fat. They go when their objects do, in part or all at
once, so that leaves are joined again. Cursors and lookups look on between txgs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

from fuzz.generate.ids_for_hash import ids_for_hash
from fuzz.language.program import DEFAULT_SALT, USAGES, Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore.hashing import crc64

KINDS = range(1, len(USAGES))
RUN = (1, 2, 3, 8, 8, 20, 60)
CROWD = (2, 3, 4, 4, 6, 8, 13)
ALIKE = (1, 2, 3, 4, 5, 6, 8, 10, 12, 28, 28)
"""Bits in which the hashes of a crowd agree."""
MANY_BITS = 20
"""With more bits than this, crowds are of a few known hashes, since to find one takes time."""
MOST_OBJECTS = 400
_UNEQUAL = 0.3
"""How often new objects have not one id for all that they have."""
_KNOWN = 0.5
"""How often objects are on disk before their size changes, and again after it."""
STEPS = (6, 40)
_TIME = ("sync", "sync", "sync", "txg", "txg", "finish", "evict", "reopen")
_TIME_WEIGHTS = (20, 20, 20, 10, 10, 10, 8, 1)


class _Drawn:
    """A program that is being drawn. `runs` has the first object and the number of objects that belong
    together."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        shift = 9 if rng.random() < 0.85 else rng.choice((10, 11, 12))
        kinds = rng.sample(KINDS, rng.choice((1, 1, 1, 2, 3)))
        self.zaps = [self._zap(f"u{kind}", kind, shift) for kind in kinds]
        if rng.random() < 0.1:
            self.zaps.append(Zap("z", words=1, prehashed=True, leaf_shift=9))
        self.whose = 0 if rng.random() < 0.1 else sum(1 << kind - 1 for kind in kinds)
        self.ops: list[Op] = []
        self.runs: list[tuple[int, int]] = []
        self.next = 0

    def _zap(self, name: str, kind: int, shift: int) -> Zap:
        salt = self.rng.getrandbits(64) | 1 if self.rng.random() < 0.2 else DEFAULT_SALT
        return Zap(name, self.rng.random() < 0.7, leaf_shift=shift, salt=salt, usage=kind)

    def allocate(self) -> None:
        """New objects, of a run of ids or of a crowd."""
        if self.next > MOST_OBJECTS:
            self.next = 0
        rng = self.rng
        if rng.random() < 0.5:
            ids = [rng.choice((0, 1, 0x3E8, 0xFFFFFFF0, rng.getrandbits(32)))]
            counts = [rng.choice(RUN)]
        else:
            ids = self._crowd()
            counts = [1] * len(ids)
        start = self.next
        for owner, count in zip(ids, counts, strict=True):
            self.ops.append(Op("allocate", size=count, length=self.next, fill=owner, extra=self.whose))
            self.next += count
        self.runs.append((start, self.next - start))
        if rng.random() < _UNEQUAL:
            self.ops.append(self._for_one_kind(start, min(self.next - start, 255)))

    def _for_one_kind(self, first: int, count: int) -> Op:
        """Objects get another user, or group, or project than they had: the three are not the same then."""
        owner = self.rng.choice((1, 0x3E8, self.rng.getrandbits(32)))
        return Op("chown", size=count, length=first, fill=owner, extra=1 << self.rng.choice(KINDS) - 1)

    def _crowd(self) -> list[int]:
        """Ids whose hashes agree in some bits, those of one or the other of their two names."""
        rng = self.rng
        prefix = rng.choice((b"", b"", b"obj-"))
        salt = rng.choice([zap.salt for zap in self.zaps if zap.usage])
        near = rng.choice((0, 0, 1 << 63, rng.getrandbits(64)))
        if (bits := rng.choice(ALIKE)) > MANY_BITS or rng.random() < 0.5:
            near = crc64(salt, prefix + b"%x" % (1 << 28 | rng.getrandbits(2)))
        found = ids_for_hash(salt, near, bits, rng, prefix)
        return list(itertools.islice(found, rng.choice(CROWD)))

    def _some_run(self) -> tuple[int, int]:
        """The whole of a run of objects, or a part, or one of them."""
        first, count = self.rng.choice(self.runs) if self.runs else (0, 1)
        choice = self.rng.random()
        if choice < 0.2:
            return first + self.rng.randrange(count), 1
        if choice < 0.35:
            return first, (count + 1) // 2
        return first, count

    def chown(self) -> None:
        """Objects of a run get other ids: one after the other, or all the same."""
        first, count = self._some_run()
        owner = self.rng.choice((0, 1, 0x3E8, self.rng.getrandbits(32), *self._crowd()[:1]))
        if self.rng.random() < 0.3:
            whose = self.rng.randrange(8)
            self.ops += [
                Op("chown", size=1, length=number, fill=owner, extra=whose)
                for number in range(first, first + min(count, 12))
            ]
        else:
            self.ops.append(Op("chown", size=min(count, 255), length=first, fill=owner, extra=self.whose))

    def free(self) -> None:
        """A run goes, in one step or one by one."""
        first, count = self._some_run()
        if self.rng.random() < 0.3:
            numbers = list(range(first, first + min(count, 12)))
            self.rng.shuffle(numbers)
            for number in numbers:
                self.ops.append(Op("free", size=1, length=number))
                if self.rng.random() < 0.4:
                    self.time()
        else:
            self.ops.append(Op("free", size=min(count, 255), length=first))

    def free_all(self) -> None:
        """Everything goes."""
        self.ops += [Op("free", size=255, length=first) for first in range(0, MOST_OBJECTS + 255, 255)]
        self.runs, self.next = [], 0

    def resize(self) -> None:
        """Objects of a run get blocks, or lose them. Those that are on disk keep their owners then."""
        first, count = self._some_run()
        resized = Op("resize", size=min(count, 255), length=first, fill=self.rng.randrange(4))
        known = self.rng.random() < _KNOWN
        self.ops += [Op("sync"), resized, Op("sync")] if known else [resized]

    def time(self) -> None:
        """Txgs move."""
        self.ops.append(Op(self.rng.choices(_TIME, _TIME_WEIGHTS)[0]))

    def look(self) -> None:
        """Look into one of the ZAPs, or go on with a walk."""
        rng = self.rng
        name = rng.choice(self.zaps[:3]).name
        steps = [Op("next", "c")] * rng.choice((1, 1, 2, 5))
        opened = [Op("cursor", "c", other=name), *steps]
        self.ops += rng.choice(
            (opened, opened, steps, steps, [Op("retrieve", "c")], [Op("count", name)], [Op("stats", name)])
        )


def usage_program(rng: Random, model: ModelTarget) -> Program:
    """A whole program."""
    drawn = _Drawn(rng)
    steps: tuple[Callable[[], None], ...] = (
        *(drawn.allocate, drawn.chown, drawn.free, drawn.free_all, drawn.resize, drawn.time, drawn.look),
    )
    weights = [rng.choice((6, 12)), 4, 6, 2, 3, rng.choice((8, 16)), rng.choice((0, 4, 8))]
    for _ in range(rng.randint(*STEPS)):
        rng.choices(steps, weights)[0]()
    drawn.ops.append(Op("sync"))
    return Program(tuple(drawn.zaps), tuple(drawn.ops))
