"""What operations do on a damaged object is tried, on the object's own bytes: no sentence is a guess.

Each try that may change something has a world of its own; nothing is ever written to the object.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from zapcore import layout
from zapcore.verify.report import FoundEntry, shown_key
from zapcore.verify.trial_world import ABSENT, NUMBER, End, Entries, Patient, World, attempt
from zapcore.verify.words_for_hazards import CODES, Effect, Hazard
from zapcore.zap import ptrtbl
from zapcore.zap.leaf import to_stored
from zapcore.zap.name import Key, stored_key
from zapcore.zap.zap import FTAG, Zap, lock

MAX_LOOKUPS, MAX_WRITES, MAX_LEAVES, MAX_PROBES = 4000, 200, 24, 128
"""Names looked up, and tried to be added and removed; leaves that are tried, and names absent from each."""
MAX_NAMES = 100_000
"""Names that a cursor walks over."""
MAX_SHIFT = 22
"""Of a pointer table that operations may run through whole."""


def _as_read(entry: FoundEntry) -> bytes:
    """An entry's value as a lookup gives it."""
    return to_stored(entry.value, entry.size)


class Trials:
    """Tries every operation on one object; what came of it is in `hazards`, how often each was tried in
    `tries`."""

    def __init__(
        self,
        patient: Patient,
        entries: Sequence[FoundEntry],
        total: int,
        damaged: Iterable[int],
        words: bool,
        nameless: Iterable[FoundEntry] = (),
    ) -> None:
        """`entries` are those of which the whole name was read, `nameless` those of which it was not, `total`
        is how many there are in all."""
        self.nameless = list(nameless)
        self.patient = patient
        self.total = total
        self.words = words
        self.damaged = set(damaged)
        self.entries = sorted(entries, key=lambda entry: (entry.block not in self.damaged, entry.block))
        self.with_entries = {entry.block for entry in entries}
        self.found: dict[tuple[int, str, str], Hazard] = {}
        self.tries: Counter[str] = Counter()
        self.fine: set[tuple[int, int]] = set()

    @property
    def hazards(self) -> list[Hazard]:
        """Each once for a block, an operation and a kind, the worst first."""
        rank = list(Effect)
        return sorted(self.found.values(), key=lambda hazard: rank.index(hazard.effect))

    def run(self) -> None:
        """Try everything."""
        self.lookups()
        self.cursor()
        self.count()
        is_fat = World(self.patient).is_fat()
        if is_fat and not self.patient.sane_table:
            for entry in self.nameless[:MAX_PROBES]:
                self.compared(entry.block, [entry.hash])
            return
        self.adds()
        self.removes()
        if is_fat:
            for blkid, hashed in self.leaves():
                self.absent(blkid, hashed)
                self.fill(blkid, hashed)
                self.split(blkid, hashed)
        elif not self.words:
            self.upgrade()

    def run_on_leaf(self) -> None:
        """Try what one leaf by itself can tell, with a table that leads nowhere else."""
        self.lookups()
        self.cursor()
        self.adds()
        self.removes()
        for blkid, hashed in self.leaves():
            self.absent(blkid, hashed)
            self.fill(blkid, hashed)

    def tried(self, operation: str, end: End) -> None:
        """Count a try that came to a certain end."""
        self.tries[operation] += end.code != "unknown"

    def note(
        self,
        operation: str,
        block: int,
        code: str,
        key: Key | None = None,
        hashed: int | None = None,
        assertion: str = "",
        **fields: object,
    ) -> None:
        """Something went wrong."""
        place = (block, operation, code)
        known = self.found.get(place)
        if known is not None:
            self.found[place] = known._replace(times=known.times + 1)
            return
        effect = Effect[code.upper()] if code in ("hang", "outside", "panic") else Effect.WRONG
        subject = "" if key is None else shown_key(key)
        if hashed is not None:
            subject = f"a name that is not there, of hash {hashed:#x}"
        why = CODES[code].format(subject, **fields) if code in CODES else subject or "the whole of it"
        if code == "panic":
            why = f"{why}: {fields['panic']}"
        self.found[place] = Hazard(block, operation, effect, why, code, key, hashed, 1, assertion)

    def bad_end(
        self, operation: str, block: int, end: End, key: Key | None, hashed: int | None = None
    ) -> bool:
        """Note an end that is none of an operation's answers; False if it was one."""
        if end.code in ("hang", "outside", "panic"):
            self.note(operation, block, end.code, key, hashed, end.assertion, panic=end.value)
        elif end.code == "errno":
            name = errno.errorcode.get(end.error, str(end.error))
            error = f"{name} ({os.strerror(end.error)})"
            self.note(operation, block, "errno", key, hashed, end.assertion, error=error)
        return end.code != "ok"

    def hash_for(self, entry: FoundEntry) -> int | None:
        return None if self.patient.salted else entry.hash

    def lookups(self) -> None:
        """Every name that is there."""
        world = World(self.patient)
        for entry in self.entries[:MAX_LOOKUPS]:
            sized = entry.size in (1, 2, 4, 8) and entry.size * entry.length <= layout.MAX_VALUE_LEN
            size, length = (entry.size, max(entry.length, 1)) if sized else (8, 1)
            end = world.lookup(entry.key, self.hash_for(entry), size, length)
            self.tried("lookup", end)
            if self.bad_end("lookup", entry.block, end, entry.key):
                world = World(self.patient)
            elif end.value is None:
                self.note("lookup", entry.block, "not-found", entry.key, assertion=end.assertion)
            elif (
                sized
                and len(entry.value) == size * entry.length
                and end.value != to_stored(entry.value, size)
            ):
                self.note("lookup", entry.block, "other-value", entry.key, assertion=end.assertion)
            else:
                self.fine.add((entry.block, entry.chunk))

    def adds(self) -> None:
        """Every name that is there: EEXIST."""
        for entry in self.entries[:MAX_WRITES]:
            end = World(self.patient).add(entry.key, self.hash_for(entry))
            self.tried("add", end)
            if end.value != errno.EEXIST and not self.bad_end("add", entry.block, end, entry.key):
                self.note("add", entry.block, "added-twice", entry.key, assertion=end.assertion)

    def removes(self) -> None:
        """Every name that is there, each from the whole object."""
        for entry in self.entries[:MAX_WRITES]:
            world = World(self.patient)
            end = world.remove(entry.key, self.hash_for(entry))
            self.tried("remove", end)
            if self.bad_end("remove", entry.block, end, entry.key):
                continue
            if end.value == errno.ENOENT:
                self.note("remove", entry.block, "not-found", entry.key, assertion=end.assertion)
                continue
            self.afterwards("remove", entry.block, world, end, entry.key, gone=1)
            if world.lookup(entry.key, self.hash_for(entry)).value is not None:
                self.note("remove", entry.block, "stays", entry.key)

    def afterwards(
        self,
        operation: str,
        block: int,
        world: World,
        end: End,
        key: Key | None = None,
        hashed: int | None = None,
        gone: int = 0,
    ) -> None:
        """Compare the blocks that were written with what they were; `gone` entries of the key may miss.

        What lies in a block to which nothing leads, as the copy of a leaf where the next table shall be, is
        no entry that could be lost.
        """
        before: Entries = Counter()
        after: Entries = Counter()
        links = 0
        blocks = sorted({*world.changed(), block})
        for blkid in blocks:
            was, wrong = world.contents(blkid, self.words, now=False)
            is_now, now_wrong = world.contents(blkid, self.words, now=True)
            before += was if blkid in self.with_entries else Counter()
            after += is_now
            links += len(now_wrong) - len(wrong)
        stored = None if key is None else stored_key(key)
        lost = before - after
        for entry in list(lost):
            if entry[0] == stored and gone:
                lost[entry] -= gone
                gone = 0
        count = (+lost).total()
        if not count and operation != "remove":
            count = self.unfound(world, blocks)
        if count:
            self.note(operation, block, "others-lost", key, hashed, end.assertion, count=count)
        elif links > 0 and operation != "split":
            self.note(operation, block, "new-damage", key, hashed, end.assertion)

    def unfound(self, world: World, blocks: Sequence[int]) -> int:
        """How many of the names that were found in these blocks are not any more."""
        there = [
            each for each in self.entries if (each.block, each.chunk) in self.fine and each.block in blocks
        ]
        ends = [world.lookup(entry.key, self.hash_for(entry)) for entry in there[:100]]
        return sum(end.code == "ok" and end.value is None for end in ends)

    def cursor(self) -> None:
        """A walk over all entries."""
        seen, end = World(self.patient).names(2 * min(self.total, MAX_NAMES) + 1000)
        self.tried("cursor", end)
        block = self.entries[0].block if self.entries else 0
        if end.code == "errno" and end.error == errno.ENOENT:
            missing = Counter({entry.key: 1 for entry in self.entries}) - seen
            for entry in self.entries:
                if missing[entry.key] > 0:
                    missing[entry.key] = 0
                    self.note("cursor", entry.block, "left-out", entry.key, assertion=end.assertion)
        else:
            self.bad_end("cursor", min(self.damaged, default=block), end, None)

    def count(self) -> None:
        """How many entries there are."""
        end = World(self.patient).count()
        self.tried("count", end)
        if not self.bad_end("count", 0, end, None) and end.value != self.total:
            self.note("count", 0, "count", counted=end.value, count=self.total)

    def leaves(self) -> Iterator[tuple[int, int]]:
        """Damaged blocks that the table leads to, each with the least hash that leads there; with them some
        that are not, if it is the header or the table that is damaged."""
        world = World(self.patient)
        header = self.patient.stored.get(0) or b""
        q = memoryview(header[: len(header) // 8 * 8]).cast("Q")
        shift = q[layout.Q_TBL_SHIFT]
        first: dict[int, int] = {}
        loaded = attempt(lambda: ptrtbl.load_range(self.opened(world), 0, 1 << shift)).value
        for index, blkid in enumerate(loaded if isinstance(loaded, list) else ()):
            first.setdefault(blkid, index)
        existing = [blkid for blkid in first if 0 < blkid < self.patient.blocks]
        chosen = [blkid for blkid in existing if blkid in self.damaged]
        if len(chosen) < len(self.damaged):
            chosen += [blkid for blkid in existing if blkid not in self.damaged][:2]
        for blkid in chosen[:MAX_LEAVES]:
            yield blkid, first[blkid] << (64 - shift) if shift else 0

    def opened(self, world: World) -> Zap:
        return lock(world.objset, NUMBER, FTAG, None, False, True, False)

    def probes(self, blkid: int, hashed: int) -> list[int]:
        """Hashes that lead to a leaf, one for each of its buckets that is not empty, as far as they do."""
        raw = self.patient.stored.get(blkid) or b""
        geo = layout.geometry(len(raw).bit_length() - 1)
        h = memoryview(raw).cast("H")
        low = 64 - geo.hash_shift - h[layout.H_PREFIX_LEN]
        if low < 0:
            return [hashed]
        buckets = [b for b in range(geo.hash_entries) if h[geo.h_hash + b] != layout.CHAIN_END]
        if len(buckets) > MAX_PROBES:
            buckets = Random(blkid).sample(buckets, MAX_PROBES)
        world = World(self.patient)
        zap = attempt(lambda: self.opened(world)).value
        if not isinstance(zap, Zap):
            return [hashed]
        shift = zap.dbuf.buf.q[layout.Q_TBL_SHIFT]
        hashes = []
        for bucket in buckets:
            value = (hashed & ~((geo.hash_entries - 1) << low) | bucket << low) & zap.hash_mask
            leads = attempt(lambda at=value >> (64 - shift): ptrtbl.load(zap, at))  # type: ignore[misc]
            if leads.value == blkid and (value >> low) & (geo.hash_entries - 1) == bucket:
                hashes.append(value)
        return hashes or [hashed]

    def absent(self, blkid: int, hashed: int) -> None:
        """Names that are not there, in each bucket of a leaf, and of the hash of each entry whose name cannot
        be read: only those are compared with it."""
        nameless = dict.fromkeys(entry.hash for entry in self.nameless if entry.block == blkid)
        self.compared(blkid, [*self.probes(blkid, hashed), *list(nameless)[:MAX_PROBES]])

    def compared(self, blkid: int, hashes: Iterable[int]) -> None:
        """Names that are not there, of these hashes: all entries of the same hash are compared with them,
        whatever their own names have become."""
        for value in hashes:
            world = World(self.patient)
            key = (value,) if self.words else ABSENT
            end = world.lookup(key, value)
            self.tried("lookup", end)
            if end.code in ("hang", "outside", "panic"):
                self.bad_end("lookup", blkid, end, key, value)
                self.bad_end("add", blkid, World(self.patient).add(key, value), key, value)
                self.bad_end("remove", blkid, World(self.patient).remove(key, value), key, value)

    def fill(self, blkid: int, hashed: int) -> None:
        """New entries in a leaf until it says that it is full."""
        world = World(self.patient)
        added: list[tuple[Key, bytes]] = []
        for number in range(64):
            raw = world.dnode.peek(blkid)
            free = int.from_bytes(raw[2 * layout.H_NFREE : 2 * layout.H_NFREE + 2], "little")
            if free < 4:
                break
            value = bytes([number + 1]) * min(layout.MAX_VALUE_LEN, (free - 2) * layout.ARRAY_BYTES)
            key: Key = (hashed | number,) if self.words else ABSENT + b"%d" % number
            end = world.add(key, hashed, 1, value)
            self.tried("add", end)
            if end.code != "ok" or end.value:
                if end.code in ("hang", "outside", "panic"):
                    self.bad_end("add", blkid, end, key, hashed)
                return
            added.append((key, value))
        for key, value in added:
            end = world.lookup(key, hashed, 1, len(value))
            if end.code != "ok" or end.value != value:
                self.note("add", blkid, "others-lost", key, hashed, end.assertion, count=1)
                return
        if added:
            self.afterwards("add", blkid, world, End("ok"), added[0][0], hashed)

    def split(self, blkid: int, hashed: int) -> None:
        """A leaf becomes two."""
        world = World(self.patient)
        end = world.split(hashed)
        self.tried("split", end)
        if end.code == "ok":
            self.afterwards("split", blkid, world, end, None, hashed)
        elif end.code in ("hang", "outside", "panic"):
            self.bad_end("split", blkid, end, None, hashed)

    def upgrade(self) -> None:
        """A micro ZAP becomes fat for a name that is too long for it; all names are still there."""
        world = World(self.patient)
        end = world.add(ABSENT * 6)
        self.tried("upgrade", end)
        if self.bad_end("upgrade", 0, end, None):
            return
        there = [entry for entry in self.entries if (entry.block, entry.chunk) in self.fine]
        gone = sum(world.lookup(entry.key).value is None for entry in there)
        if gone:
            self.note("upgrade", 0, "others-lost", None, None, end.assertion, count=gone)
