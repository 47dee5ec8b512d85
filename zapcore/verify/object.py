"""Judge a whole ZAP object by its raw blocks: what is wrong where, what can still be read, what would happen
to operations. Any bytes give a report: nothing here raises, loops, or keeps more than a bounded amount.

The checks themselves stand in `leaf`, `fat` and `micro`; this collects them, adds those that
need the whole object at rest (names against their hashes, unused bytes), and bounds them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from zapcore import layout as L
from zapcore.byteorder import is_big, swap_leaf, swap_micro, swap_words, table_is_big
from zapcore.release import RELEASES
from zapcore.verify.block_kind import is_whole_leaf_head, kind_of
from zapcore.verify.fat import Fat, fat_violations, next_table_blocks, order_violation
from zapcore.verify.invariants import Violation
from zapcore.verify.leaf import check_leaf, is_leaf
from zapcore.verify.leaf_report import LeafEntry, LeafReport
from zapcore.verify.link_hints import link_hint
from zapcore.verify.micro import check_micro
from zapcore.verify.name_hash import hash_of_key, known_form
from zapcore.verify.report import FoundEntry, Report, shown_key
from zapcore.verify.trial_world import Patient, Stored
from zapcore.verify.trials import MAX_SHIFT, Trials
from zapcore.verify.trials_on_a_lone_leaf import try_on_leaf
from zapcore.zap.name import LONG_NAME, key_of
from zapcore.zap.norm import forms_of

MAX_LISTED = 1000
"""Violations that a report lists; `unlisted` counts the rest by invariant."""
MAX_OF_A_KIND = 12
"""Of one invariant in one block."""
MAX_HINTS = 12
"""Of one leaf."""
MAX_LOOK = 4096
"""Blocks that are looked at for a leaf where the header is none."""
MAX_ENTRY_BYTES = 32 << 20
"""Of entries that a report keeps, with what Python takes for each; `entries_read` counts them all."""
_ENTRY_COST = 600


def check_object(
    blocks: Sequence[bytes], lower_case: bool = True, hash_bits: int = 0, operations: bool = True
) -> Report:
    """Check an object, its blocks in order (the last may be short: the rest counts as zero). `lower_case` as
    `zapcore.release` has it of the release that wrote them, `hash_bits` how many bits its hashes have (0: as
    its flags say). `operations` says that what they do on damage is to be tried.

    Needs the blocks one at a time, each leaf once and table blocks at most twice, so a lazy sequence over a
    file will do.
    """
    first = bytes(blocks[0]) if blocks else b""
    kind = kind_of(first, len(blocks))
    headless = kind == "unknown" and _has_leaf(blocks)
    if headless:
        kind = "fat"
    report = Report(kind, "little", len(first), len(blocks))
    checker = _Checker(report, blocks, lower_case, hash_bits)
    if kind == "micro":
        checker.micro(first)
    elif kind in ("fat", "leaf") and len(first) in L.BLOCK_SIZES:
        if headless:
            checker.headless()
        elif kind == "leaf":
            checker.leaves_alone()
        else:
            checker.fat()
    elif kind in ("fat", "leaf"):
        checker.wrong(Violation("object", 0, "block", f"{len(first)} bytes, not a power of two from 512"))
    else:
        found = f"{L.HEADER.read(first, 'zap_block_type'):#x}: no ZAP's" if first else "no bytes at all"
        checker.wrong(Violation("header", 0, "zap_block_type", found))
    checker.finish(operations)
    return report


def _has_leaf(blocks: Sequence[bytes]) -> bool:
    """Whether one of the first blocks after block 0 is a leaf."""
    if not blocks or len(blocks[0]) not in L.BLOCK_SIZES:
        return False
    return any(is_whole_leaf_head(bytes(blocks[blkid])) for blkid in range(1, min(len(blocks), MAX_LOOK)))


class _Checker:
    """Collects what is found in one object."""

    def __init__(self, report: Report, blocks: Sequence[bytes], lower_case: bool, hash_bits: int) -> None:
        self.hash_bits = hash_bits
        self.report = report
        self.blocks = blocks
        self.lower_case = lower_case
        self.listed: dict[tuple[str, int], int] = {}
        self.damaged: set[int] = set()
        self.named: list[FoundEntry] = []
        self.nameless: list[FoundEntry] = []
        self.read_native: Callable[[int], bytes] | None = None
        self.total = 0
        self.sane_table = False
        self.kept = 0
        self.orders: set[str] = set()
        self.unhashed = False
        self.header_known = True

    def wrong(self, violation: Violation) -> None:
        """List a violation, or count it where there are too many; note what follows from it."""
        report = self.report
        self.damaged.add(violation.block)
        kind = violation.invariant, violation.block
        count = self.listed[kind] = self.listed.get(kind, 0) + 1
        if count > MAX_OF_A_KIND or len(report.violations) >= MAX_LISTED:
            report.unlisted[violation.invariant] = report.unlisted.get(violation.invariant, 0) + 1
            return
        report.violations.append(violation)

    def finish(self, operations: bool) -> None:
        """What is known at the end, and what operations would do."""
        report = self.report
        if operations and report.violations and self.read_native is not None:
            if report.kind != "leaf":
                self.try_operations()
            elif report.blocks == 1:
                release = RELEASES["2.3" if self.lower_case else "2.4"]
                raw = self.read_native(0)
                report.hazards, report.tries = try_on_leaf(raw, self.words, self.named, True, release)
        if self.orders:
            self.report.byte_order = "mixed" if len(self.orders) > 1 else next(iter(self.orders))

    def keep(self, entry: FoundEntry, named: bool = True) -> None:
        """Keep an entry that can be read, within bounds; `named` if all of its name can."""
        self.report.entries_read += 1
        self.kept += _ENTRY_COST + len(entry.key) + len(entry.value)
        if self.kept <= MAX_ENTRY_BYTES:
            self.report.entries.append(entry)
            (self.named if named else self.nameless).append(entry)

    def try_operations(self) -> None:
        """Run each operation on the model, and keep what went wrong."""
        report = self.report
        assert self.read_native is not None
        there = {entry.key for entry in self.named if not entry.lost}
        entries = [entry for entry in self.named if not (entry.lost and entry.key in there)]
        size = report.block_size if report.kind == "fat" else len(self.read_native(0))
        release = RELEASES["2.3" if self.lower_case else "2.4"]
        stored = Stored(self.read_native, report.blocks)
        patient = Patient(stored, size, report.blocks, release, True, self.sane_table, self.hash_bits)
        norm = report.header.get("zap_normflags", report.header.get("mz_normflags", 0))
        if not known_form(norm):
            report.notes.append(
                f"what operations would do was not tried: names of norm {norm:#x} are unknown"
            )
            return
        trials = Trials(patient, entries, self.total, self.damaged, self.words, self.nameless)
        trials.run()
        report.hazards, report.tries = trials.hazards, dict(trials.tries)

    def micro(self, raw: bytes) -> None:
        """A micro ZAP: one block."""
        raw = raw[: L.MAX_MICRO]
        if len(raw) % 512 or len(self.blocks) > 1:
            found = (
                f"{len(raw)} bytes, {len(self.blocks)} blocks; a micro ZAP is one block, 512 bytes or more"
            )
            self.wrong(Violation("object", 0, "block", found))
        raw = raw.ljust(-(-max(len(raw), L.slot_offset(1)) // L.SLOT_SIZE) * L.SLOT_SIZE, b"\0")
        if is_big(raw):
            self.orders.add("big")
            raw = swap_micro(raw)
        self.report.header = {
            field.name: L.MICRO_HEADER.read(raw, field.name)
            for field in L.MICRO_HEADER
            if not field.is_padding
        }
        self.read_native = lambda _: raw
        self.words = False
        found_micro = check_micro(raw, self.lower_case, self.hash_bits)
        for violation in found_micro.violations:
            self.wrong(violation)
        for slot, name, value_hash, cd, value in found_micro.entries:
            self.keep(FoundEntry(0, slot, name, value_hash or 0, cd, 8, 1, value.to_bytes(8, "big")))
        self.total = self.report.entries_read

    def fat(self) -> None:
        """A fat ZAP."""
        report = self.report
        size = report.block_size
        last = len(self.blocks) - 1
        if len(self.blocks[last]) != size:
            self.wrong(Violation("object", last, "block", f"{len(self.blocks[last])} bytes, not {size}"))
        header = self.read(0)
        self.big_header = is_big(header) or L.HEADER.read(header, "zap_magic", order="big") == L.ZAP_MAGIC
        self.orders.add("big" if self.big_header else "little")
        if self.big_header:
            header = swap_words(header)
        q = memoryview(header).cast("Q")
        report.header = {field.name: word for field, word in zip(L.HEADER, q, strict=False)}
        self.q = q
        self.words = bool(q[L.Q_FLAGS] & L.FLAG_UINT64_KEY)
        self.more_header_violations(header)
        table, table_blocks = self.table(header)
        leaves: dict[int, LeafReport] = {}
        for blkid in self.leaf_blocks(table):
            leaf = self.leaf(blkid, lost=False)
            if leaf is not None:
                leaves[blkid] = leaf
        fat = Fat(q, size, table, leaves, report.entries_read, self.word_block)
        self.total = report.entries_read
        before = len(report.violations)
        for violation in fat_violations(fat):
            self.wrong(violation)
        wrong_header = any(each.invariant in ("header", "table-size") for each in report.violations[before:])
        self.sane_table = not wrong_header and q[L.Q_TBL_SHIFT] <= MAX_SHIFT
        self.tables = {*table_blocks, *next_table_blocks(q)} if self.sane_table else {*table_blocks}
        self.header = header
        self.read_native = self.native
        self.leftovers(leaves, table_blocks)
        if self.unhashed:
            report.notes.append("not every name has a normal form: its hash was not compared")

    def headless(self) -> None:
        """A fat ZAP whose first block is no header: nothing says which of its leaves are still its own."""
        self.big_header = False
        found = f"{self.read(0)[:8].hex(' ')}: no ZAP's header, but there are leaves behind it"
        self.wrong(Violation("header", 0, "zap_block_type", found))
        self.guess_words(1)
        for blkid in range(1, len(self.blocks)):
            if is_whole_leaf_head(self.read(blkid)):
                self.leaf(blkid, lost=True)

    def leaves_alone(self) -> None:
        """Leaf blocks without the header before them: each is judged by itself."""
        report = self.report
        self.big_header = is_big(self.read(0))
        self.guess_words(0)
        report.notes.append(
            f"{'a leaf' if len(self.blocks) == 1 else 'leaves'}, without the object's first block: "
            "what the header, the table and the names' hashes would tell is not judged"
        )
        for blkid in range(len(self.blocks)):
            self.leaf(blkid, lost=False)
        raw = self.read(0)
        self.read_native = lambda _: swap_leaf(raw) if self.big_header else raw

    def guess_words(self, first: int) -> None:
        """Whether keys are words, by what makes the leaves' arrays fit; no header says it, nor the rest."""
        self.q = memoryview(bytes(8 * L.BLOCK_SIZES[0])).cast("Q")
        self.words = False
        self.header_known = False
        for blkid in range(first, min(len(self.blocks), first + MAX_LOOK)):
            raw = self.read(blkid)
            raw = swap_leaf(raw) if is_big(raw) else raw
            shift = len(raw).bit_length() - 1
            if not is_leaf(raw):
                continue
            names, words = (check_leaf(raw, shift, blkid, words, unused=True) for words in (False, True))
            if names.entries:
                wrong = len(words.violations) - len(names.violations)
                self.words = wrong < 0 or (not wrong and names.entries[0].name[-1:] != b"\0")
                return

    def read(self, blkid: int) -> bytes:
        """A block as it lies there, zero where the object has none."""
        raw = bytes(self.blocks[blkid]) if blkid < len(self.blocks) else b""
        return raw[: self.report.block_size].ljust(self.report.block_size, b"\0")

    def native(self, blkid: int) -> bytes:
        """A block as a little-endian machine reads it. What begins as a leaf is swapped as one, whatever
        leads to it (fzap_byteswap)."""
        if blkid == 0:
            return self.header
        raw = self.read(blkid)
        if blkid in self.tables and not (is_leaf(raw) or is_big(raw)):
            return self.word_block(blkid)
        big_magic = raw[24:28] == L.ZAP_LEAF_MAGIC.to_bytes(4, "big")
        return swap_leaf(raw) if is_big(raw) or (self.big_header and big_magic) else raw

    def word_block(self, blkid: int) -> bytes:
        """A table block in little-endian order."""
        raw = self.read(blkid)
        big = table_is_big(raw, len(self.blocks))
        if big:
            self.orders.add("big")
        return swap_words(raw) if big else raw

    def table(self, header: bytes) -> tuple[array[int], range]:
        """The pointer table, as far as the object has blocks for it, and those blocks."""
        q = self.q
        entries = array("Q")
        if not q[L.Q_TBL_NUMBLKS]:
            entries.frombytes(header[len(header) // 2 :])
            return entries, range(0)
        first = min(q[L.Q_TBL_BLK], len(self.blocks))
        blocks = range(first, min(first + q[L.Q_TBL_NUMBLKS], len(self.blocks)))
        for blkid in blocks:
            entries.frombytes(self.word_block(blkid))
        return entries, blocks

    def leaf_blocks(self, table: array[int]) -> list[int]:
        """The blocks that the table leads to and that exist, in the order of the table."""
        found: dict[int, None] = {}
        step = 1 << 16
        for at in range(0, len(table), step):
            for blkid in dict.fromkeys(table[at : at + step]):
                if 0 < blkid < len(self.blocks):
                    found[blkid] = None
        return list(found)

    def leaf(self, blkid: int, lost: bool) -> LeafReport | None:
        """Check one leaf and keep its entries; None if it is none. What it says is dropped but the prefix."""
        raw = self.read(blkid)
        big_magic = L.LEAF_HEADER.read(raw, "lh_magic", order="big") == L.ZAP_LEAF_MAGIC
        if is_big(raw) or (self.big_header and big_magic):
            self.orders.add("big")
            raw = swap_leaf(raw)
        elif is_leaf(raw):
            self.orders.add("little")
        shift = len(raw).bit_length() - 1
        found = check_leaf(raw, shift, blkid, self.words, unused=True)
        for index, violation in enumerate(found.violations):
            hint = link_hint(raw, violation, found.unreached) if index < MAX_HINTS else ""
            self.wrong(violation._replace(found=f"{violation.found}; {hint}") if hint else violation)
        if not is_leaf(raw):
            return None
        disorder = order_violation(blkid, found.flags, self.q[L.Q_NORMFLAGS])
        if disorder is not None and self.header_known:
            self.wrong(disorder)
        names: dict[bytes, int] = {}
        for entry in found.entries:
            if not lost:
                self.check_name(entry, blkid)
                self.check_twice(entry, blkid, names)
            key = key_of(entry.name, self.words)
            rest = entry.hash, entry.cd, entry.size, entry.length, entry.value
            self.keep(FoundEntry(blkid, entry.chunk, key, *rest, lost), self.is_named(entry))
        return found._replace(entries=[], violations=[], unreached=b"")

    def is_named(self, entry: LeafEntry) -> bool:
        """Whether all of its name was read."""
        complete = len(entry.name) == entry.name_ints * (8 if self.words else 1) > 0
        return complete and (self.words or entry.name.find(b"\0") == len(entry.name) - 1 > 0)

    def check_twice(self, entry: LeafEntry, blkid: int, names: dict[bytes, int]) -> None:
        """No name is there twice; two of one hash are in one leaf. `names` are those before it there."""
        if self.is_named(entry):
            first = names.setdefault(entry.name, entry.chunk)
            if first != entry.chunk:
                key = key_of(entry.name, self.words)
                text = f"{shown_key(key)} is in chunk {first} too"
                self.wrong(Violation("one-name", blkid, "name", text, entry.chunk))

    def check_name(self, entry: LeafEntry, blkid: int) -> None:
        """The name's form, its hash (zap_hash), and the differentiator's bound (zap_maxcd)."""
        q = self.q
        flags = q[L.Q_FLAGS]
        wide = flags & L.FLAG_HASH64
        if entry.cd >= (0xFFFF if wide else L.NEED_CD):
            self.wrong(Violation("differentiator", blkid, "le_cd", f"{entry.cd:#x}", entry.chunk))
        ints = entry.name_ints
        if len(entry.name) < ints * (8 if self.words else 1):
            return
        if self.words:
            well_formed = ints > 0
            text = "no words"
        else:
            well_formed = 1 < ints <= LONG_NAME and entry.name.find(b"\0") == ints - 1
            text = f"{ints} bytes, its first NUL at {entry.name.find(0)}"
        if not well_formed:
            self.wrong(Violation("name", blkid, "name", text, entry.chunk))
            return
        if not self.header_known:
            return
        key = key_of(entry.name, self.words)
        norm = forms_of(q[L.Q_NORMFLAGS], self.lower_case)
        hashed = hash_of_key(key, q[L.Q_SALT], flags, norm, self.hash_bits)
        if hashed is None:
            self.unhashed = True
        elif hashed != entry.hash:
            text = f"{entry.hash:#x}, but its name hashes to {hashed:#x}"
            self.wrong(Violation("hash", blkid, "le_hash", text, entry.chunk))

    def more_header_violations(self, header: bytes) -> None:
        """Flags that nobody knows, and bytes of the header that nothing uses."""
        flags, norm = self.q[L.Q_FLAGS], self.q[L.Q_NORMFLAGS]
        if flags & ~L.KNOWN_FLAGS or flags & 6 == L.FLAG_PRE_HASHED_KEY:
            self.wrong(Violation("header", 0, "zap_flags", f"{flags:#x}"))
        if norm & ~L.KNOWN_NORMFLAGS:
            self.wrong(Violation("header", 0, "zap_normflags", f"{norm:#x}"))
        if any(header[L.HEADER.size : len(header) // 2]):
            self.wrong(Violation("unused", 0, "padding", "not zero between the header and its table"))

    def leftovers(self, leaves: dict[int, LeafReport], table: range) -> None:
        """Blocks that nothing uses are holes; a leaf among them is lost, with its entries."""
        larger = next_table_blocks(self.q)
        for blkid in range(1, len(self.blocks)):
            if blkid in leaves or blkid in table or blkid in larger:
                continue
            raw = self.read(blkid)
            if not any(raw):
                continue
            where = " at or past zap_freeblk" if blkid >= self.q[L.Q_FREEBLK] else ""
            if is_leaf(raw) or is_big(raw):
                self.wrong(Violation("unused", blkid, "leaf", f"nothing leads to it{where}"))
                self.leaf(blkid, lost=True)
            else:
                self.wrong(Violation("unused", blkid, "bytes", f"not zero, and nothing uses it{where}"))
