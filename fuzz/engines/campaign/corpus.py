"""What all parts of a store come to. Two campaigns may write to one store, and both may put parts together.

A part that holds the sum of others (a base) is written beside them, and they are removed much later. So what
counts is found by rules that need no lock:

1. A base counts, and what it covers does not, unless another base covers some of the same parts. Of two such
   the one of the later generation counts, of the same the one whose name comes first; the other is as if it
   were not there.
2. A part that is covered is removed once one process has seen it covered for GRACE_SECONDS, each time by some
   base that is whole and counts. That need not be the same one: bases follow each other faster than that.
   Between a look at the store and the writing of a base there is much less.
3. A part that is not whole is being written, or was cut short. It is read again at the next look. What can be
   read of it counts, but for a base whose parts are all there, or are in a base that is whole.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from fuzz.engines.campaign.ledger import Ledger, total
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.store import Store, part_name

GRACE_SECONDS = 600.0


class Corpus:
    """The parts of a store that this process has seen, and their sum. `torn` are those that are not whole."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.parts: dict[str, Part] = {}
        self.torn: set[str] = set()
        self.ledger = Ledger()
        self._counted: set[str] | None = set()
        self._seen_since: dict[str, float] = {}

    def look(self) -> None:
        """Read what is new in the store. Raises NoStore."""
        names = set(self.store.names())
        for name in names - self.parts.keys() | self.torn & names:
            self._read(name)
        for name in self.parts.keys() - names:  # somebody has removed what is in another part
            del self.parts[name]
        self.torn &= names
        self._sum()

    def take(self, name: str) -> None:
        """Read one part of which its writer has told. Raises NoStore."""
        if name not in self.parts:
            self._read(name)
            self._sum()

    def _read(self, name: str) -> None:
        part = self.store.read(name)
        if part is None or not part.whole:
            self.torn.add(name)
        else:
            self.torn.discard(name)
        if part is not None:
            self.parts[name] = part

    def _sum(self) -> None:
        """Bring the sum up to date: by what is new alone, where nothing else has changed."""
        now = counting(self.parts)
        if self._counted is not None and self._counted <= now:
            for name in sorted(now - self._counted):
                self.ledger.add(self.parts[name].ledger)
        else:
            self.ledger = total(self.parts[name].ledger for name in sorted(now))
        self._counted = (
            None if self.torn & now else now
        )  # what is not whole is read again: no sum of it stays

    def write_base(self) -> str | None:
        """Write the sum as a base; its name. None if there is nothing to put together, or somebody else did
        so meanwhile. Raises NoStore."""
        before = counting(self.parts) - self.torn
        if len(before) < 2:
            return None
        return self._write(before, total(self.parts[each].ledger for each in sorted(before)), self._settled())

    def write_smaller(self, base: str, inputs: set[bytes]) -> str | None:
        """Write a base again, with other inputs that reach the same. None if it does not count any more.
        Raises NoStore."""
        part = self.parts[base]
        ledger = total([part.ledger])
        ledger.inputs = inputs
        return self._write({base}, ledger, part.covers & self.parts.keys() | {base})

    def _settled(self) -> frozenset[str]:
        """All parts that were seen: they count, or are covered, or are bases that do not count. What is
        covered by a base that was cut short, and counts, stays with that."""
        torn = self.torn & counting(self.parts)
        return frozenset(self.parts.keys() - self.torn).difference(
            *(self.parts[each].covers for each in torn)
        )

    def _write(self, of: set[str], ledger: Ledger, covers: frozenset[str]) -> str | None:
        generation = 1 + max(self.parts[each].generation for each in of)
        self.look()
        if of - counting(self.parts):
            return None
        name = part_name("base")
        self.store.write(name, Part(ledger, covers, generation))
        self.look()
        return name

    def remove_covered(self, now: float | None = None) -> int:
        """Remove what has been in another part for long. Returns how many. Raises NoStore."""
        now = time.monotonic() if now is None else now
        whole = counting(self.parts) - self.torn
        held = {name for base in whole for name in self.parts[base].covers & self.parts.keys()}
        self._seen_since = {name: self._seen_since.get(name, now) for name in held}
        gone = sorted(name for name, since in self._seen_since.items() if now - since >= GRACE_SECONDS)
        self.store.remove(gone)
        for name in gone:
            del self.parts[name]
        return len(gone)

    def base(self) -> str:
        """The name of the youngest base, "" if there is none: what slices begin with."""
        return max((name for name in counting(self.parts) if self.parts[name].covers), default="")


def counting(parts: Mapping[str, Part]) -> set[str]:
    """The names of the parts whose sum is what is known."""
    covered: set[str] = set()
    losers: set[str] = set()
    bases = sorted(
        (name for name in parts if parts[name].covers),
        key=lambda name: (not parts[name].whole, -parts[name].generation, name),
    )
    for name in bases:
        part = parts[name]
        if name in covered:
            continue
        if part.covers & covered or not (part.whole or part.covers - parts.keys()):
            losers.add(name)
        else:
            covered |= part.covers
    return parts.keys() - covered - losers
