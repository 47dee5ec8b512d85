"""Single operations on a damaged object, as a build without assertions runs them.

Such a build has no ASSERTs, only VERIFYs. The model does without them, too (`zapcore.errors.compiled_out`):
it goes on with what is there, until that never ends, leaves the block, or gives an answer. What depends on
memory behind a block, or on arithmetic that C does not define, comes to no end that is known.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from zapcore import errors
from zapcore import layout as L
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, LimitExceeded, Panic, ZapErrno, openzfs_place
from zapcore.release import Release
from zapcore.verify.leaf import check_leaf, is_leaf
from zapcore.verify.words_for_hazards import Effect
from zapcore.zap import Cursor, fat, micro
from zapcore.zap.name import Key, Name, stored_key
from zapcore.zap.zap import FTAG, Zap, lock, unlock

NUMBER = 1
ABSENT = b"\xff\xfezapfuzz"
"""A name that no file system has."""
MAX_FAILED, MAX_FREED = 2000, 1 << 14
"""Assertions that may fail in one operation before the try is given up; chunks freed again before that has no
end."""

MAX_GROWN = 1 << 24
"""Bytes that a try may add to the object: a leaf that no split empties lets the table grow to half a GiB."""

_KEPT = ("fzap_add_cd(", "zfs_btree_find(", "out of entries!")
"""How the expressions begin that are VERIFYs or panics in every build."""
NOT_ASSERTED = ("the chain of a bucket ends", "the chunks of an array are in its leaf")
"""What the model promises and no build of OpenZFS looks at."""
_LEAVES = ("chunk < ZAP_LEAF_NUMCHUNKS(l)", "the chunks of an array are in its leaf")
_FREED_AGAIN = ("zlf->lf_type != ZAP_CHUNK_FREE", "la_type == ZAP_CHUNK_ARRAY")


Entries = Counter[tuple[object, ...]]
"""Name, integer size, value and hash of entries."""


class _Ends(Exception):
    """What a release build does from here on is a hang, or outside of the block."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect


class _GivesUp(Exception):
    """Nothing certain can be said of how this goes on."""


class End(NamedTuple):
    """How a try ended: `code` is ok, errno, hang, outside, panic or unknown."""

    code: str
    value: object = None
    error: int = 0
    assertion: str = ""


def attempt(call: Callable[[], object]) -> End:
    """Run something on the model as a build without assertions would."""
    failed = 0
    first = ""

    def goes_on(expression: str, macro: str, place: str) -> bool:
        nonlocal failed, first
        failed += 1
        if not first and expression not in NOT_ASSERTED:
            first = f"{place or openzfs_place()}: {expression}"
        if expression.startswith(_KEPT) or macro == "PANIC":
            return False
        if expression.startswith(_LEAVES):
            raise _Ends(Effect.OUTSIDE)
        if expression == "the chain of a bucket ends":
            raise _Ends(Effect.HANG)
        if expression.endswith(_FREED_AGAIN):
            if failed > MAX_FREED:
                raise _Ends(Effect.HANG)
        elif failed > MAX_FAILED:
            raise _GivesUp
        return True

    errors.compiled_out = goes_on
    try:
        return End("ok", call(), assertion=first)
    except ZapErrno as error:
        return End("errno", error=error.code, assertion=first)
    except _Ends as ends:
        return End("hang" if ends.effect is Effect.HANG else "outside", assertion=first)
    except (IndexError, struct.error):
        return End("outside", assertion=first)
    except Panic as panic:
        if panic.kind is Kind.DEADLOCK:
            return End("hang", assertion=first)
        certain = panic.expression.startswith(_KEPT) or panic.macro == "PANIC"
        found = "" if panic.values is None else f" ({' == '.join(panic.values)})"
        text = f"{panic.place}: {panic.macro}({panic.expression}){found}"
        return End("panic" if certain else "unknown", text)
    except (LimitExceeded, _GivesUp, ValueError, OverflowError, AssertionError, TypeError):
        return End("unknown", assertion=first)
    finally:
        errors.compiled_out = None


class Stored(dict[int, bytes]):
    """An object's blocks as a dnode has them on disk, each read when it is asked for."""

    def __init__(self, read: Callable[[int], bytes], blocks: int) -> None:
        self.read = read
        self.blocks = blocks

    def get(self, blkid: int, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        """A block; None behind the last."""
        return self.read(blkid) if blkid < self.blocks else default


class Patient(NamedTuple):
    """The object: its blocks in little-endian order, and what is known of it. `salted` says that names have
    the hash that its header gives; else each entry's own is taken. `sane_table` that all of the pointer table
    may be run through."""

    stored: Stored
    block_size: int
    blocks: int
    release: Release
    salted: bool = True
    sane_table: bool = True
    hash_bits: int = 0

    @property
    def last_block(self) -> int:
        """Behind the last block that exists or that the header counts as used, up to a bound."""
        free = L.HEADER.read(self.stored.read(0).ljust(L.HEADER.size, b"\0"), "zap_freeblk")
        return max(self.blocks, free if free < 1 << 40 else 0)


class World:
    """A model's world with just this object in it."""

    def __init__(self, patient: Patient) -> None:
        self.patient = patient
        limit = patient.last_block + MAX_GROWN // patient.block_size
        self.objset = Objset(patient.release, block_limit=limit, byte_limit=1 << 60, stale_bytes=False)
        self.tx = self.objset.open_tx
        if patient.hash_bits:
            self.objset.hash_bits[NUMBER] = patient.hash_bits
        self.dnode = dnode = self.objset.allocate(patient.block_size, self.tx, NUMBER)
        dnode.directory = True
        dnode.stable = patient.stored
        dnode.max_blkid = dnode.stable_max_blkid = patient.blocks - 1

    def named(self, zap: Zap, key: Key, hashed: int | None) -> Name:
        """A name; with a hash, one that has just that hash and is that of no entry."""
        if hashed is None:
            return Name(zap, key)
        name = Name.__new__(Name)
        name.zap, name.key, name.match, name.hash = zap, key, 0, hashed & zap.hash_mask
        name.stored = stored_key(key)
        name.numints = len(key) if isinstance(key, tuple) else len(key) + 1
        return name

    def lookup(self, key: Key, hashed: int | None = None, size: int = 8, length: int = 1) -> End:
        """zap_lookup(); its value is the value's bytes, None where there is no such name."""

        def call() -> object:
            zap = lock(self.objset, NUMBER, FTAG, None, False, True, False)
            look = fat.lookup if zap.micro is None else micro.lookup
            found = look(self.named(zap, key, hashed), size, length)
            unlock(zap, FTAG)
            return None if found is None else found.value

        return attempt(call)

    def add(self, key: Key, hashed: int | None = None, size: int = 8, value: bytes = bytes(8)) -> End:
        """zap_add(); its value is 0 or EEXIST."""

        def call() -> object:
            zap = lock(self.objset, NUMBER, FTAG, self.tx, True, True, True)
            name = self.named(zap, key, hashed)
            put = fat.add if zap.micro is None else micro.add
            code = put(name, size, len(value) // size, value, FTAG, self.tx)
            unlock(name.zap, FTAG)
            return code

        return attempt(call)

    def remove(self, key: Key, hashed: int | None = None) -> End:
        """zap_remove(); its value is 0 or ENOENT."""

        def call() -> object:
            zap = lock(self.objset, NUMBER, FTAG, self.tx, True, True, False)
            name = self.named(zap, key, hashed)
            code = fat.remove(name, self.tx) if zap.micro is None else micro.remove(name)
            unlock(name.zap, FTAG)
            return code

        return attempt(call)

    def split(self, hashed: int) -> End:
        """What an add does to the leaf of a hash if that is full."""

        def call() -> object:
            zap = lock(self.objset, NUMBER, FTAG, self.tx, True, False, False)
            name = self.named(zap, (hashed,) if zap.words else ABSENT, hashed)
            leaf = fat.deref_leaf(zap, name.hash, self.tx, True)
            fat.put_leaf(fat.expand_leaf(name, leaf, FTAG, self.tx))
            unlock(name.zap, FTAG)
            return 0

        return attempt(call)

    def names(self, most: int) -> tuple[Counter[Key], End]:
        """All that a cursor gives, and how it ended: with ENOENT, if it came to the end."""
        seen: Counter[Key] = Counter()

        def call() -> object:
            cursor = Cursor(self.objset, NUMBER)
            while seen.total() < most:
                seen[cursor.retrieve().key] += 1
                cursor.advance()
            raise _GivesUp

        return seen, attempt(call)

    def count(self) -> End:
        """zap_count()."""

        def call() -> object:
            zap = lock(self.objset, NUMBER, FTAG, None, False, True, False)
            return fat.count(zap) if zap.micro is None else len(zap.micro.entries)

        return attempt(call)

    def is_fat(self) -> bool:
        """Whether the header is one of a fat ZAP."""
        end = attempt(lambda: lock(self.objset, NUMBER, FTAG, None, False, True, False).micro is None)
        return end.value is True

    def contents(
        self, blkid: int, words: bool, now: bool
    ) -> tuple[Counter[tuple[object, ...]], set[tuple[str, int]]]:
        """The whole entries of a leaf block, before all or now, and its wrong links."""
        before = self.patient.stored.get(blkid) or bytes(self.patient.block_size)
        raw = self.dnode.peek(blkid) if now else before
        if not is_leaf(raw):
            return Counter(), set()
        found = check_leaf(raw, len(raw).bit_length() - 1, blkid, words)
        unit = 8 if words else 1
        whole = [
            (entry.name, entry.size, entry.value, entry.hash)
            for entry in found.entries
            if len(entry.name) == entry.name_ints * unit and len(entry.value) == entry.size * entry.length
        ]
        links = {
            (each.field, each.chunk)
            for each in found.violations
            if each.invariant == "chunk-link" and "already" in each.found
        }
        return Counter(whole), links

    def changed(self) -> list[int]:
        """The blocks that were written."""
        return [blkid for blkid, dbuf in self.dnode.dbufs.items() if dbuf.dirty]
