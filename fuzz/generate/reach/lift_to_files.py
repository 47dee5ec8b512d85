"""From a program on small leaves to one that a user can type: file operations in directories as they are by
default, which go the same way.

A key of the small program becomes a group of file names whose hashes begin with the key's. What a large
entry does to a leaf of 512 bytes, that it leaves no room for another one, 42 names of 255 bytes do to one of
16 KiB. The larger table needs its bits: five zeros come before the key's own. Names of one length keep the
differences of their hashes under every salt (a CRC is linear), and a difference that all hashes share only
mirrors the tree of leaves; so the names are computed once, for any directory.

Of every group that fills a leaf all names but one come first, so that little happens between the ops that
matter. How many names each of these brings then, and where one more must begin the table's growth or push it
on, is searched for on the model, the fewest first.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

from fuzz.language.program import Key, Op, Program, Zap
from zapcore import layout as L
from zapcore.hashing import crc64, name_for_hash

FILE_SHIFT = 14
NAME_BYTES = 255
"""The longest name of a default dataset: the fewest of them fill a leaf."""
GROUP_BITS = 24
"""Bits of the hash that all names of a group share: more than any table has here."""
ANY_SALT = 1
PAD = b"z"

CHUNKS = 1 + L.array_chunks(NAME_BYTES + 1) + L.array_chunks(8)
FULL = L.geometry(FILE_SHIFT).chunks // CHUNKS
"""Names of 255 bytes that a leaf takes."""


class NoWay(Exception):
    """A program cannot become file operations in this way; the text says why."""


@functools.cache
def file_name(hashed: int, number: int, bits: int = GROUP_BITS, length: int = NAME_BYTES) -> bytes:
    """The number-th name of `length` bytes whose hash, were the salt ANY_SALT, begins with `bits` bits of
    `hashed`; those of the next bits tell the names apart."""
    stem = b"%03d" % number
    pad = PAD * (length - len(name_for_hash(ANY_SALT, 0, 0, stem)))
    wanted = hashed >> (64 - bits) << (64 - bits)
    if bits <= 56:
        wanted |= number << (56 - bits)
    return pad + name_for_hash(crc64(ANY_SALT, pad), wanted, min(64, bits + 8), stem)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How many names an add brings in its turn: of its own group, of the fullest one, and of an unrelated one
    whose only effect is a step of the table's growth."""

    own: int
    more: int = 0
    push: int = 0


class Lift:
    """Writes one program's file operations for a plan of each of its adds."""

    def __init__(self, program: Program) -> None:
        if len(program.zaps) != 1 or program.schedule:
            raise NoWay("it has several ZAPs or threads")
        self.header = program.zaps[0]
        self.shift = FILE_SHIFT - self.header.leaf_shift
        self.ops = [op for op in program.ops if op.verb not in ("length", "count")]
        for op in self.ops:
            if op.verb not in ("add", "update", "remove", "lookup", "contains", "txg", "sync", "finish"):
                raise NoWay(f"`{op.verb}` has no file operation like it")
        self.adds = [index for index, op in enumerate(self.ops) if op.verb in ("add", "update")]
        hashes = {op.key: self._hash(op.key) for op in self.ops if op.key is not None}
        depth = self._depth(list(hashes.values()))
        mask = ((1 << depth) - 1) << (64 - depth)
        self.places: dict[Key, int] = {key: (h & mask) >> self.shift for key, h in hashes.items()}
        self.fullest = self.ops[self.adds[0]].key

    def _hash(self, key: Key) -> int:
        from fuzz.generate.keys_for_hash import hash_of

        return hash_of(self.header, key)

    @staticmethod
    def _depth(hashes: Sequence[int]) -> int:
        """Bits that tell all keys apart, and one more."""
        pairs = itertools.combinations(hashes, 2)
        return min(20, max((64 - (a ^ b).bit_length() for a, b in pairs if a != b), default=0) + 2)

    def first_of_its_part(self, index: int) -> bool:
        """Whether an add is the first one in its half of the hashes, or half of the half..., that is: whether
        it meets an empty leaf."""
        mine = self._hash(self.ops[index].key or (0,))
        before = [self._hash(self.ops[at].key or (0,)) for at in self.adds if at < index]
        return not any((mine ^ other) >> 63 == 0 for other in before)

    def program(self, plans: dict[int, Plan]) -> Program:
        """The file operations for these plans."""
        names: dict[Key | None, list[bytes]] = {}
        made: dict[Key | None, int] = {}
        ops: list[Op] = []

        def bring(key: Key | None, count: int) -> None:
            place = 1 << 62 >> self.shift | 1 << (63 - self.shift) if key is None else self.places[key]
            for _ in range(count):
                number = made.get(key, 0)
                made[key] = number + 1
                name = file_name(place, number)
                names.setdefault(key, []).append(name)
                ops.append(Op("touch", "d", name, fill=1))

        for index in self.adds:
            if self.first_of_its_part(index):
                bring(self.ops[index].key, FULL - 1)
        for index, op in enumerate(self.ops):
            if index in plans:
                bring(op.key, plans[index].own)
                bring(self.fullest, plans[index].more)
                bring(None, plans[index].push)
            elif op.verb == "remove":
                ops += [Op("unlink", "d", name) for name in names.pop(op.key, ())]
            elif op.verb in ("lookup", "contains"):
                ops += [Op("contains", "d", name) for name in names.get(op.key, ())[-1:]]
            else:
                ops.append(op)
        return Program((Zap("d", fat=False, leaf_shift=FILE_SHIFT),), tuple(ops))

    def plans(self) -> Iterator[dict[int, Plan]]:
        """Every plan, the likely ones first. What brings no new key only pushes growth on."""
        again = {at for at in self.adds if self.ops[at].key in {self.ops[x].key for x in self.adds if x < at}}
        new = [at for at in self.adds if at not in again]
        sizes = [
            (0,) if at in again else (0, 1) if self.first_of_its_part(at) else (1, 2) for at in self.adds
        ]
        spots = [(at, "more", 1) for at in new]
        spots += [(at, "push", count) for at in again or new for count in (1, 2, 3)]
        # one name begins the table's growth, and in the place of each add of what is there one pushes it on
        for extra in sorted(range(4), key=lambda extra: abs(extra - 1 - len(again))):
            for chosen in sorted(
                itertools.combinations(spots, extra),
                key=lambda chosen: -sum(at in again for at, _, _ in chosen),
            ):
                if len({(at, what) for at, what, _ in chosen}) < extra:
                    continue
                for own in itertools.product(*sizes):
                    plans = {at: Plan(count) for at, count in zip(self.adds, own, strict=True)}
                    for at, what, count in chosen:
                        plans[at] = dataclasses.replace(plans[at], **{what: count})
                    if self._fills(plans):
                        yield plans

    def _fills(self, plans: dict[int, Plan]) -> bool:
        """Whether every half of the hashes gets more names than a leaf takes."""
        counts: dict[int, int] = {}
        for at, plan in plans.items():
            half = self._hash(self.ops[at].key or (0,)) >> 63
            bulk = FULL - 1 if self.first_of_its_part(at) else 0
            counts[half] = counts.get(half, 0) + bulk + plan.own
        return all(count > FULL for count in counts.values())


@dataclasses.dataclass(slots=True)
class Tried:
    """How many programs of file operations were tried, and how many there are to try at most; 0 where nobody
    knows yet."""

    done: int = 0
    most: int = 0

    @property
    def part(self) -> float | None:
        """The part of them that was tried."""
        return min(self.done / self.most, 1.0) if self.most else None


def lifted(
    program: Program, fails: Callable[[Program], bool], tries: int = 3000, tried: Tried | None = None
) -> Program:
    """The first program of file operations that `fails` takes. Raises NoWay."""
    lift, tried = Lift(program), tried or Tried()
    tried.done, tried.most = 0, sum(1 for _ in itertools.islice(lift.plans(), tries))
    for plans in itertools.islice(lift.plans(), tries):
        tried.done += 1
        made = lift.program(plans)
        if fails(made):
            return made
    raise NoWay(f"none of {tries} programs of file operations goes the same way on the model")
