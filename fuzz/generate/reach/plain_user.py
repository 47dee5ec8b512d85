"""Programs of a plain user's file operations, in directories as they are by default or of file systems with
any properties, for a real kernel.

Leaves have 16 KiB there, so a name is a long one, and 42 of them fill a leaf. Groups of names are drawn whose
hashes begin alike, under any salt (see `lift_to_files`): a group fills leaves, splits them, and is removed
again, so that leaves are joined; between that single names are made, moved, removed and looked for, and where
a file system has properties these are spelled in other ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from fuzz.generate.reach.lift_to_files import FILE_SHIFT, FULL, file_name
from fuzz.generate.whole_language import PIECES, respelled, with_dataset
from fuzz.language.program import Op, Program, Zap
from fuzz.language.validate import COMPRESSIONS, ENCRYPTIONS
from fuzz.targets.kernel.plain_files import why_not_contains
from fuzz.targets.model.target import ModelTarget

MOST_OPS = 400
MOST_MOVES = 14
SOME = (1, 2, 5, 20, FULL - 1, FULL, FULL + 1, FULL + 3)
"""How many names of a group are made or removed at once: about as many as a leaf takes."""
GROUP_BITS = (0, 1, 1, 2, 2, 3, 4, 6, 9, 12)
"""How many bits of the hash the names of a group share: so deep is the table after one more than FULL."""
TIMES = ("txg", "txg", "evict", "reopen")
DECLARED = 0.4
"""The probability that file systems are declared: a guest needs some seconds to make them."""
MAKING = ("touch", "mkdir", "symlink", "whiteout")
TWO_NAMES = ("rename", "link", "exchange", "whiteout")
SHORT = ("touch", "touch", "mkdir", "symlink", "unlink", "rmdir", "contains", "rename", *TWO_NAMES)
"""How often each verb on short names is drawn."""


class Group:
    """Names whose hashes begin alike; the `there` are those that were made in a directory."""

    def __init__(self, rng: Random) -> None:
        self.bits = rng.choice(GROUP_BITS)
        self.place = rng.getrandbits(self.bits) << (64 - self.bits) if self.bits else 0
        self.there: list[tuple[str, bytes]] = []
        self.made = 0

    def name(self, number: int) -> bytes:
        """One of its names. The numbers' bits come in reverse, so that names of a few numbers lie apart."""
        spread = int(f"{number % 256:08b}"[::-1], 2)
        return file_name(self.place | spread << (56 - self.bits), number, self.bits + 8)


class _Drawing:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.directories = ("d", "e")[: rng.choice((1, 1, 1, 2))]
        self.zaps = _zaps(rng, self.directories)
        self.groups = [Group(rng) for _ in range(rng.randint(1, 4))]
        self.ops: list[Op] = []
        self.inode = 1

    def directory(self) -> str:
        return self.rng.choice(self.directories)

    def do(self, verb: str, directory: str, name: bytes, other: str = "", to: bytes | None = None) -> None:
        """An operation; what it makes has a number that nothing else has."""
        inode = self.inode if verb in MAKING else 0
        self.ops.append(Op(verb, directory, name, fill=inode, other=other, to=to))
        self.inode += inode > 0

    def fill(self) -> None:
        """Make names of one group, next to each other."""
        group, directory = self.rng.choice(self.groups), self.directory()
        for _ in range(self.rng.choice(SOME)):
            name = group.name(group.made)
            group.made = (group.made + 1) % 200
            self.do("touch", directory, name)
            group.there.append((directory, name))

    def empty(self) -> None:
        """Remove names of one group, the oldest or the youngest first."""
        group = self.rng.choice(self.groups)
        count = self.rng.choice((*SOME, len(group.there)))
        there = group.there if self.rng.random() < 0.5 else group.there[::-1]
        for directory, name in there[:count]:
            self.do("unlink", directory, name)
        group.there = there[count:]

    def move(self) -> None:
        """Give a few names another name or another directory."""
        group = self.rng.choice(self.groups)
        for _ in range(min(self.rng.randint(1, 4), len(group.there))):
            directory, name = group.there.pop(self.rng.randrange(len(group.there)))
            to, other = group.name(group.made), self.directory()
            group.made = (group.made + 1) % 200
            self.do("rename", directory, name, other, to)
            group.there.append((other, to))

    def short(self) -> None:
        """Operations on a few short names, which are refused as often as not."""
        for _ in range(self.rng.randint(1, 8)):
            verb, directory, name = self.rng.choice(SHORT), self.directory(), self.short_name()
            if verb == "contains" and why_not_contains(self.zaps[directory], name) is not None:
                continue
            two = (self.directory(), self.short_name()) if verb in TWO_NAMES else ()
            self.do(verb, directory, name, *two)

    def short_name(self) -> bytes:
        """One of a few; in other spellings and of any bytes where a file system has properties."""
        name = b"n%d" % self.rng.randrange(6)
        if self.zaps[self.directories[0]].dataset is None:
            return name
        if self.rng.random() < 0.5:
            name = b"".join(self.rng.choices(PIECES, k=self.rng.choice((1, 1, 2))))
        if self.rng.random() < 0.05:
            name = b"l" * self.rng.choice((255, 256, 1023, 1024))
        return respelled(self.rng, name)

    def look(self) -> None:
        """List a directory, or look for names of a group, whether they are there or not."""
        directory, group = self.directory(), self.rng.choice(self.groups)
        if self.zaps[directory].norm or self.rng.random() < 0.5:
            self.ops.append(Op("readdir", directory))
            return
        for _ in range(3):
            self.do("contains", directory, group.name(self.rng.randrange(200)))

    def time(self) -> None:
        """Let time pass."""
        self.ops.append(Op(self.rng.choice(TIMES)))


def _zaps(rng: Random, names: Sequence[str]) -> dict[str, Zap]:
    """Directories of the default dataset, or of declared ones, mostly of one."""
    zaps = {name: Zap(name, fat=False, leaf_shift=FILE_SHIFT) for name in names}
    if rng.random() < DECLARED:
        first = _declared(rng, zaps[names[0]])
        for name, plain in zaps.items():
            zaps[name] = first._replace(name=name) if rng.random() < 0.8 else _declared(rng, plain)
    return zaps


def _declared(rng: Random, zap: Zap) -> Zap:
    zap = with_dataset(rng, zap)
    assert zap.dataset is not None
    compression = rng.randrange(len(COMPRESSIONS)) if rng.random() < 0.3 else 0
    encryption = rng.randrange(len(ENCRYPTIONS)) if rng.random() < 0.3 else 0
    return zap._replace(dataset=zap.dataset._replace(compression=compression, encryption=encryption))


MOVES: Mapping[Callable[[_Drawing], None], int] = {
    _Drawing.fill: 10,
    _Drawing.empty: 8,
    _Drawing.move: 3,
    _Drawing.short: 3,
    _Drawing.look: 3,
    _Drawing.time: 2,
}
"""Every move and how often it is drawn."""


def plain_user_program(rng: Random, model: ModelTarget) -> Program:
    """A program of file operations."""
    drawing = _Drawing(rng)
    for move in rng.choices(list(MOVES), list(MOVES.values()), k=rng.randint(3, MOST_MOVES)):
        if len(drawing.ops) < MOST_OPS:
            move(drawing)
    for name in drawing.directories:
        drawing.ops.append(Op("readdir", name))
    return Program(tuple(drawing.zaps.values()), tuple(drawing.ops))
