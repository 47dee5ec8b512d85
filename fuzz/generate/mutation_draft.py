"""A program taken apart, to be changed: what `fuzz.generate.mutation` works on."""

from __future__ import annotations

from random import Random

from fuzz.generate.leaf_programs import Theme, plain_key, sizes_that_matter, theme
from fuzz.language.program import MAX_VALUE, Key, Program, Zap
from fuzz.language.validate import beside
from fuzz.language.verb_sets import BRINGS, TAKES

MAX_PIECE = 12


class Draft:
    """A program being changed."""

    def __init__(self, program: Program) -> None:
        self.zaps = {zap.name: zap for zap in program.zaps}
        self.ops = list(program.ops)
        self.schedule = program.schedule

    def program(self, max_ops: int) -> Program:
        """The program as it is now, cut to so many ops. Of ZAPs that cannot stand beside each other, as two
        programs brought them, the first stays as it is."""
        zaps: list[Zap] = []
        for zap in self.zaps.values():
            zaps.append(beside(zap, zaps))
        return Program(tuple(zaps), tuple(self.ops[:max_ops]), self.schedule)

    def place(self, rng: Random) -> int:
        """Where an op can be inserted."""
        return rng.randint(0, len(self.ops))

    def piece(self, rng: Random, longest: int = MAX_PIECE) -> slice:
        """A short run of ops, often just one; empty only where there are no ops."""
        start = rng.randrange(len(self.ops)) if self.ops else 0
        return slice(start, start + (1 if rng.random() < 0.4 else rng.randint(1, longest)))

    def where(self, *verbs: str) -> list[int]:
        """The indexes of the ops with these verbs."""
        return [index for index, op in enumerate(self.ops) if op.verb in verbs]

    def keyed(self) -> list[int]:
        """The indexes of the ops that have a key."""
        return [index for index, op in enumerate(self.ops) if op.key is not None]

    def keys(self, zap: str) -> list[Key]:
        """The keys that the ops name, each once, in order."""
        return list(dict.fromkeys(op.key for op in self.ops if op.subject == zap and op.key is not None))

    def alive(self, zap: str, at: int) -> list[Key]:
        """The keys that are there before op `at`, if every op does what it says."""
        there: dict[Key, None] = {}
        for op in self.ops[:at]:
            if op.subject != zap:
                continue
            if op.key is not None and op.verb in BRINGS:
                there[op.key] = None
            elif op.key is not None and op.verb in TAKES:
                there.pop(op.key, None)
            elif op.verb == "destroy":
                there.clear()
        return list(there)

    def some_zap(self, rng: Random) -> Zap:
        """One of its ZAPs."""
        return self.zaps[rng.choice(list(self.zaps))]

    def about(self, rng: Random) -> Theme:
        """A theme of the keys and lengths that the program has, and a few new ones."""
        fresh = theme(rng)
        keys: dict[str, list[Key]] = {}
        lengths: dict[str, list[int]] = {}
        for name, zap in self.zaps.items():
            keys[name] = self.keys(name) or [plain_key(zap, n, 2) for n in range(4)]
            used = {op.size * op.length for op in self.ops if op.subject == name and op.verb == "add"}
            lengths[name] = sorted(min(length, MAX_VALUE) for length in used) or [sizes_that_matter(zap, rng)]
        return Theme(self.zaps, keys, lengths, fresh.verbs, fresh.weights)
