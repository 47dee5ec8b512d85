"""When a program makes sense: every number in its bounds, every name declared, every key of its ZAP's kind.

How a program is written (text, bytes) is not known here. The reader of the text form asks for one header
line or one op at a time and maps the field at fault back to its column; everybody else asks `problems`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from fuzz.language.program import (
    MAX_NAME,
    MAX_WORDS,
    NAME,
    TO_UPPER,
    U64,
    USAGES,
    Key,
    Op,
    Program,
    Switch,
    Zap,
)
from fuzz.language.verb_row import Number, Subject
from fuzz.language.verbs import VERBS

MAX_ZAPS = 255
"""ZAPs in one program, and different cursor names in one program: both have one byte in the byte form."""
MAX_CURSORS = 255
MAX_THREAD = 15
MAX_OPS = 1_000_000
"""Ops, switches of a schedule, and comments, each: what keeps a file's program within memory."""
MAX_NOTES = 65_536
MAX_STEP = (1 << 32) - 1
LEAF_SHIFTS = range(9, 18)
HASH_BITS = range(8, 25)
"""Bits of a hash, where a header says how many; the table then has at most a quarter as many entries as
hashes."""
INDIRECT_SHIFTS = range(9, 17)
"""From one sector, with room for 4 block pointers (OpenZFS makes none under 12, but takes what is there), to
less than its default."""
MICRO_MAXIMA = range(512, (1 << 24) + 1)
"""From the block of a new micro ZAP to the largest that a pool has (SPA_MAXBLOCKSIZE); since 2.3 more than
1 MiB is 1 MiB."""
INODES = range(2, 1 << 48)
"""Numbers that a directory may have: what an entry has room for, but for the master node's and none."""
NORMS = tuple(case | form for form in (0, 0x10, 0x20, 0x50, 0x60) for case in (0, 2, 4))
"""Normalization flags that u8_textprep_str (module/unicode/u8_textprep.c) accepts: at most one case folding
(2 to upper, 4 to lower) and one of no form, NFD, NFKD, NFC, NFKC."""

CASES = ("sensitive", "insensitive", "mixed")
FORMS = {"none": 0, "formC": 0x50, "formD": 0x10, "formKC": 0x60, "formKD": 0x20}
"""The values of casesensitivity=, by their numbers, and of normalization=, with the flags of each."""
COMPRESSIONS = ("on", "off", "lzjb", "zle", "lz4", "gzip", "zstd")
ENCRYPTIONS = ("off", "on", *(f"aes-{bits}-{mode}" for mode in ("ccm", "gcm") for bits in (128, 192, 256)))
"""The values of compression= (without levels) and encryption=, first what a file system has by default. Of
compression that is `on` since 2.2. What they change is said at `zapcore.zpl.FileSystem`."""

CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
"""What may stand in no comment: control characters but the tab, and halves of surrogate pairs."""


class Fault(NamedTuple):
    """What is wrong with one record: the attribute at fault, what it should be, what it is."""

    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found}"


def zap_fault(zap: Zap, names: Collection[str]) -> Fault | None:
    """What is wrong with a header line, given the names of the ZAPs before it."""
    if not NAME.fullmatch(zap.name):
        return Fault("name", f"a name like {NAME.pattern}", show(zap.name))
    if zap.name in names:
        return Fault("name", "a name that no other ZAP has", show(zap.name))
    if len(names) >= MAX_ZAPS:
        return Fault("name", f"at most {MAX_ZAPS} ZAPs", "one more")
    if not 0 <= zap.words <= MAX_WORDS:
        return Fault("words", f"0 to {MAX_WORDS} words", show(zap.words))
    if zap.shorter and zap.words < 2:
        return Fault("shorter", "shorter only with words=2 or more", "shorter alone")
    if zap.leaf_shift not in LEAF_SHIFTS:
        return Fault("leaf_shift", f"{LEAF_SHIFTS[0]} to {LEAF_SHIFTS[-1]}", show(zap.leaf_shift))
    if zap.norm not in NORMS:
        return Fault("norm", f"one of {', '.join(map(str, NORMS))}", show(zap.norm))
    if not 1 <= zap.salt <= U64:
        return Fault("salt", f"1 to {U64:#x}", show(zap.salt))
    if zap.hash_bits and zap.hash_bits not in HASH_BITS:
        expected = f"{HASH_BITS[0]} to {HASH_BITS[-1]}, or 0"
        return Fault("hash_bits", expected, show(zap.hash_bits))
    if zap.indirect_shift and (fault := _indirect_fault(zap)) is not None:
        return fault
    if zap.micro_max and (fault := _micro_max_fault(zap)) is not None:
        return fault
    if zap.inode and (fault := _inode_fault(zap)) is not None:
        return fault
    if zap.by_dnode and (zap.usage or zap.mos):
        return Fault("by_dnode", "no usage or mos with by_dnode", _those(zap, "usage", "mos"))
    if zap.usage:
        return _usage_fault(zap)
    if zap.mos and (zap.hash_bits or zap.dataset is not None):
        found = _those(zap, "hash_bits", "dataset")
        return Fault("mos", "no hash_bits and no file system's properties with mos", found)
    if zap.prehashed and not zap.words:
        return Fault("prehashed", "prehashed only with key=u64", "prehashed with key=name")
    if zap.norm and zap.words:
        return Fault("norm", "norm only with key=name", "norm with key=u64")
    if not zap.fat and (zap.words or zap.hash64):
        return Fault("fat", "fat (a micro ZAP has keys that are names, and no flags)", "micro")
    if zap.fat and not (zap.words or zap.hash64):
        return Fault("fat", "hash64 or key=u64 with fat (else OpenZFS makes a micro ZAP)", "fat alone")
    return _dataset_fault(zap)


_IN_A_HEADER = {"dataset": "casesensitivity", "words": "key=u64"}
"""What a field is called in a header line, if not as it is here."""


def _those(zap: Zap, *fields: str) -> str:
    """Which of these a header line has, though it may not."""
    return ", ".join(_IN_A_HEADER.get(field, field) for field in fields if getattr(zap, field))


def _indirect_fault(zap: Zap) -> Fault | None:
    if zap.indirect_shift not in INDIRECT_SHIFTS:
        expected = f"{INDIRECT_SHIFTS[0]} to {INDIRECT_SHIFTS[-1]}, or 0"
        return Fault("indirect_shift", expected, show(zap.indirect_shift))
    if zap.usage or zap.mos or zap.hash_bits or zap.dataset is not None:
        expected = "no usage, mos, hash_bits and file system's properties with indirect_shift"
        return Fault("indirect_shift", expected, _those(zap, "usage", "mos", "hash_bits", "dataset"))
    return None


def _micro_max_fault(zap: Zap) -> Fault | None:
    if zap.micro_max not in MICRO_MAXIMA:
        expected = f"{MICRO_MAXIMA[0]} to {MICRO_MAXIMA[-1]} bytes, or 0"
        return Fault("micro_max_size", expected, show(zap.micro_max))
    if zap.fat or zap.usage or zap.mos:
        expected = "micro, and no usage or mos, with micro_max_size"
        return Fault("micro_max_size", expected, _those(zap, "fat", "usage", "mos"))
    return None


def _inode_fault(zap: Zap) -> Fault | None:
    if zap.inode not in INODES:
        return Fault("inode", f"{INODES[0]} to {INODES[-1]:#x}, or 0", show(zap.inode))
    if zap.words or zap.usage or zap.mos:
        expected = "keys that are names, and no usage or mos, with inode"
        return Fault("inode", expected, _those(zap, "words", "usage", "mos"))
    return None


def _dataset_fault(zap: Zap) -> Fault | None:
    """What is wrong with the file system of a directory: what `zfs create` refuses, or no flags of it."""
    if zap.dataset is None:
        return None
    case, utf8only, _, compression, encryption = zap.dataset
    if zap.fat:
        return Fault("casesensitivity", "micro with properties of a directory", "fat")
    if case not in range(len(CASES)):
        return Fault("casesensitivity", f"one of {', '.join(CASES)}", show(case))
    if zap.norm - TO_UPPER * bool(case) not in FORMS.values():
        return Fault("norm", "the flags of casesensitivity= and normalization=", show(zap.norm))
    if zap.norm & ~TO_UPPER and not utf8only:
        return Fault("utf8only", "utf8only=on with a normalization", "utf8only=off")
    if compression not in range(len(COMPRESSIONS)):
        return Fault("compression", f"one of {', '.join(COMPRESSIONS)}", show(compression))
    if encryption not in range(len(ENCRYPTIONS)):
        return Fault("encryption", f"one of {', '.join(ENCRYPTIONS)}", show(encryption))
    return None


def _usage_fault(zap: Zap) -> Fault | None:
    """What is wrong with the header line of a ZAP that syncing context keeps, its own fields apart."""
    if zap.usage not in range(len(USAGES)):
        return Fault("usage", f"one of {', '.join(USAGES[1:])}", show(zap.usage))
    for field in ("words", "prehashed", "hash64", "norm", "hash_bits"):
        if getattr(zap, field):
            return Fault(field, "keys that are names, and no more options", f"{field} with usage")
    if zap.dataset is not None:
        return Fault("casesensitivity", "no file system's properties with usage", _those(zap, "dataset"))
    if zap.mos:
        return Fault("mos", "usage or mos", "both")
    return None


def usages_fault(zap: Zap, others: Iterable[Zap]) -> Fault | None:
    """What is wrong with a header line of usage beside the others: there is one ZAP for each kind of id, and
    one tunable for the size of their leaves."""
    for other in others:
        if zap.usage and other.usage == zap.usage:
            return Fault("usage", "one ZAP for each kind of id", f"another for {USAGES[zap.usage]}")
        if zap.usage and other.usage and other.leaf_shift != zap.leaf_shift:
            return Fault("leaf_shift", f"{other.leaf_shift}, as of {other.name}", show(zap.leaf_shift))
    return None


def beside_fault(zap: Zap, others: Collection[Zap]) -> Fault | None:
    """What is wrong with a header line beside the others."""
    if zap.inode and any(other.inode == zap.inode for other in others):
        return Fault("inode", "a number that no other directory has", show(zap.inode))
    return usages_fault(zap, others)


def beside(zap: Zap, others: Collection[Zap]) -> Zap:
    """A header line that can stand beside the others: without a number that another directory has; and where
    there is a ZAP of that usage already, or one with leaves of another size, it is a fat one without
    usage."""
    if any(other.inode == zap.inode for other in others):
        zap = zap._replace(inode=0)
    return zap if usages_fault(zap, others) is None else zap._replace(fat=True, hash64=True, usage=0)


def op_fault(op: Op, zaps: Mapping[str, Zap]) -> Fault | None:
    """What is wrong with an op, given the ZAPs of the header by name."""
    verb = VERBS.get(op.verb)
    if verb is None:
        return Fault("verb", f"one of {', '.join(VERBS)}", show(op.verb))
    if not 0 <= op.thread <= MAX_THREAD:
        return Fault("thread", f"a thread from 0 to {MAX_THREAD}", show(op.thread))
    if verb.subject is Subject.ZAP and op.subject not in zaps:
        return Fault("subject", "a ZAP that a header line declares", show(op.subject))
    if verb.subject is Subject.CURSOR and not NAME.fullmatch(op.subject):
        return Fault("subject", f"a cursor's name like {NAME.pattern}", show(op.subject))
    if verb.subject is Subject.NONE and op.subject:
        return Fault("subject", f"no target of {op.verb}", show(op.subject))
    if verb.other and op.other not in zaps:
        return Fault("other", "a ZAP that a header line declares", show(op.other))
    if not verb.other and op.other:
        return Fault("other", f"nothing more after {op.verb}", show(op.other))
    if verb.key:
        if (fault := key_fault(op.key, zaps[op.subject])) is not None:
            return fault
    elif op.key is not None:
        return Fault("key", f"no key of {op.verb}", show(op.key))
    if verb.to:
        if (fault := key_fault(op.to, zaps[op.subject])) is not None:
            return fault._replace(field="to")
    elif op.to is not None:
        return Fault("to", f"no second key of {op.verb}", show(op.to))
    numbers = verb.numbers
    for number in numbers:
        if (fault := number_fault(number, getattr(op, number.field))) is not None:
            return fault
    for field in {"size", "length", "fill", "extra"} - {number.field for number in numbers}:
        if getattr(op, field) != 0:
            return Fault(field, f"no {field} of {op.verb}", show(getattr(op, field)))
    return None


def key_fault(key: Key | None, zap: Zap) -> Fault | None:
    """What is wrong with a key of a ZAP."""
    words = zap.words
    if words == 0:
        if not isinstance(key, bytes):
            return Fault("key", "a name in double quotes", show(key))
        if not 1 <= len(key) <= MAX_NAME:
            return Fault("key", f"a name of 1 to {MAX_NAME} bytes", f"one of {len(key)}")
        if 0 in key:
            return Fault("key", "a name without NUL bytes", show(key))
        return None
    if not isinstance(key, tuple):
        return Fault("key", "a key of 64-bit words such as 0x1f", show(key))
    if zap.shorter and not 1 <= len(key) <= words:
        return Fault("key", f"a key of 1 to {words} words", f"one of {len(key)}")
    if len(key) != words and not zap.shorter:
        return Fault("key", f"a key of {words} word{'s' * (words > 1)}", f"one of {len(key)}")
    for word in key:
        if not 0 <= word <= U64:
            return Fault("key", "words below 2^64", show(word))
    return None


def number_fault(number: Number, value: int) -> Fault | None:
    """What is wrong with a numeric field's value."""
    if number.choices:
        if value not in number.choices:
            return Fault(number.field, f"one of {', '.join(map(str, number.choices))}", show(value))
    elif not number.low <= value <= number.high:
        high = hex(number.high) if number.hex else number.high
        return Fault(number.field, f"{number.low} to {high}", show(value))
    return None


def switch_fault(switch: Switch, last: int) -> Fault | None:
    """What is wrong with a switch of a schedule, given the step of the one before (-1 for the first)."""
    if not last < switch.step <= MAX_STEP:
        return Fault("step", f"a step from {last + 1} to {MAX_STEP}", show(switch.step))
    if not 0 <= switch.thread <= MAX_THREAD:
        return Fault("thread", f"a thread from 0 to {MAX_THREAD}", show(switch.thread))
    return None


def problems(program: Program) -> str | None:
    """The first thing wrong with a program, in one line; None if it is valid."""
    if not program.zaps:
        return "header: expected a zap line, found none"
    zaps: dict[str, Zap] = {}
    for index, zap in enumerate(program.zaps):
        if (fault := zap_fault(zap, zaps) or beside_fault(zap, zaps.values())) is not None:
            return f"zap {index}: {fault}"
        zaps[zap.name] = zap
    last = -1
    for index, switch in enumerate(program.schedule):
        if (fault := switch_fault(switch, last)) is not None:
            return f"switch {index}: {fault}"
        last = switch.step
    for count in (len(program.ops), len(program.schedule)):
        if count > MAX_OPS:
            return f"expected at most {MAX_OPS} ops and switches each, found {count}"
    cursors: set[str] = set()
    for index, op in enumerate(program.ops):
        if (fault := op_fault(op, zaps)) is not None:
            return f"op {index} ({show(op.verb)}): {fault}"
        if VERBS[op.verb].subject is Subject.CURSOR:
            cursors.add(op.subject)
            if len(cursors) > MAX_CURSORS:
                return f"op {index}: expected at most {MAX_CURSORS} cursors, found one more"
    return _note_problem(program)


def statements(program: Program) -> int:
    """How many statements the text form has: header lines (one for the schedule, if any) and ops."""
    return len(program.zaps) + bool(program.schedule) + len(program.ops)


def _note_problem(program: Program) -> str | None:
    if len(program.notes) > MAX_NOTES:
        return f"notes: expected at most {MAX_NOTES}, found {len(program.notes)}"
    low, high = 0, statements(program)
    for index, text in program.notes:
        if not low <= index <= high:
            return f"notes: expected a place from {low} to {high}, found {index}"
        if CONTROL.search(text) or text != text.rstrip(" \t"):
            return f"notes: expected one line of text without trailing blanks, found {show(text)}"
        low = index
    return None


def show(value: object) -> str:
    """A value as an error shows it: short, on one line, printable."""
    if value is None:
        return "none"
    if isinstance(value, tuple) and all(isinstance(word, int) for word in value):
        text = ":".join(map(hex, value[:4]))
    elif isinstance(value, int):
        text = str(value) if abs(value) < 1 << 32 else hex(value) if abs(value) <= U64 else "a huge number"
    elif isinstance(value, bytes):
        text = ascii(value[:64])[1:]
    else:
        text = ascii(str(value)[:64])
    return text if len(text) <= 48 else text[:45] + "..."
