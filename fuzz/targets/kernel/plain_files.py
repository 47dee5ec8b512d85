"""Which programs are operations that a plain user can do with files, and their bytes for the agent.

The objects of a program with a ZAP of project usage are files in a directory of that ZAP's name: their owner
gives them to any project. Users and groups are for root to choose.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping

from fuzz.language.program import TO_UPPER, USAGES, Key, Op, Program, Zap
from fuzz.language.validate import CASES, COMPRESSIONS, ENCRYPTIONS, FORMS
from zapcore.zpl import MASTER_NODE

LETTERS = {
    "touch": b"c",
    "mkdir": b"m",
    "unlink": b"u",
    "rmdir": b"d",
    "rename": b"r",
    "exchange": b"x",
    "whiteout": b"w",
    "link": b"k",
    "symlink": b"y",
    "readdir": b"l",
    "contains": b"s",
    "dirlook": b"s",
    "allocate": b"p",
    "chown": b"q",
    "free": b"f",
}
"""The verbs that are system calls of the user's, and the agent's letter for each."""
OWNING = ("allocate", "chown", "free")
"""Those whose files are numbers."""
PROJECT = USAGES.index("project")
LAST_PROJECT = 0xFFFF_FFFE
"""The largest project id that a file may have: the next one means none (zpl_is_valid_projid)."""

TIME = frozenset(("txg", "finish", "spa_sync", "sync", "reopen", "evict"))
"""Verbs that move time: root does them, as well as it can from outside. `txg`, `sync` and `finish` all wait
until everything is on disk; `evict` drops the kernel's caches."""

FAT_SHIFT = 14
"""log2 of the block size that a directory gets when it becomes fat (fzap_default_block_shift)."""
LONGEST_NAME = 255
"""Bytes of a name in a dataset without longname=on."""
MAKING = ("touch", "mkdir", "symlink", "whiteout")
MOVING = ("rename", "exchange", "whiteout")
"""Verbs that make a file, and verbs that ask whether two names are of one file."""


def why_not_files(program: Program) -> str | None:
    """What keeps a program from being plain file operations in directories; None if nothing does."""
    for zap in program.zaps:
        if (wrong := _not_a_directory(zap)) is not None:
            return f"{zap.name}: {wrong}"
    made = [op.inode for op in program.ops if op.verb in MAKING and op.inode > MASTER_NODE]
    if len(set(made)) < len(made) and any(op.verb in MOVING for op in program.ops):
        return "two names are made with one number, and are links of one file only here"
    zaps = {zap.name: zap for zap in program.zaps}
    kept = {zap.name for zap in program.zaps if zap.usage}
    for op in program.ops:
        if op.subject in kept or op.other in kept:
            return f"`{op.verb}` works on a ZAP that nobody but syncing context writes"
        if op.verb in OWNING and (wrong := _not_a_project(op, bool(kept))) is not None:
            return f"`{op.verb}`: {wrong}"
        if op.thread:
            return "it has threads"
        if op.verb == "contains" and (wrong := why_not_contains(zaps[op.subject], op.key)) is not None:
            return f"`contains` {wrong}"
        if op.verb not in LETTERS and op.verb not in TIME:
            return f"`{op.verb}` is none of the file operations that are done there"
        for name in (op.key, op.to):
            if isinstance(name, bytes) and (b"/" in name or name in (b".", b"..")):
                return f"{name!r} cannot be a file's name"
    return None


def why_not_contains(zap: Zap, name: Key | None) -> str | None:
    """What keeps a lookup of a file from being one of the ZAP's alone; None if nothing does."""
    assert isinstance(name, bytes)
    if zap.norm:
        return "looks for a name as it is spelled, and the file system does not"
    if len(name) > LONGEST_NAME and not zap.properties.longname:
        return "looks for a name that is too long for the file system, which does not ask the ZAP"
    if zap.properties.utf8only and not is_utf8(name):
        return "looks for a name that is no UTF-8, and the file system refuses it before the ZAP"
    return None


def is_utf8(name: bytes) -> bool:
    """Whether it has characters throughout."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_a_project(op: Op, kept: bool) -> str | None:
    if not kept:
        return "no header line has usage=project"
    if op.verb != "free" and op.whose and not op.whose & 1 << PROJECT - 1:
        return "a user's or a group's id is for root to choose"
    if op.verb != "free" and op.owner + op.many - 1 > LAST_PROJECT:
        return f"a file's project id is at most {LAST_PROJECT:#x}"
    return None


def _not_a_directory(zap: Zap) -> str | None:
    if zap.usage not in (0, PROJECT):
        return "a user's or a group's id is for root to choose"
    if zap.words:
        return "its keys are words, a directory's are names"
    if zap.fat:
        return "a directory, or a ZAP of usage, begins as a micro ZAP"
    if zap.leaf_shift != FAT_SHIFT:
        return f"a directory's leaves have {1 << FAT_SHIFT} bytes"
    if zap.by_dnode:
        return "which functions the kernel calls is its own choice"
    if zap.inode:
        return "which number a directory has is not for its user to choose"
    if zap.micro_max:
        return "how large micro ZAPs may be is for root to choose"
    if zap.norm and zap.dataset is None:
        return "a normal form comes from its file system's properties: casesensitivity= and normalization="
    return None


def dataset_words(zap: Zap) -> tuple[str, ...]:
    """What `zfs create -o` is told for the file system that a directory declares; nothing where it is as it
    is by default."""
    if zap.dataset is None:
        return ()
    form = next(name for name, flags in FORMS.items() if flags == zap.norm & ~TO_UPPER)
    words = [f"casesensitivity={CASES[zap.dataset.case]}"] * bool(zap.dataset.case)
    words += [f"normalization={form}"] * (form != "none")
    words += ["utf8only=on"] * (zap.dataset.utf8only and form == "none")
    words += ["longname=on"] * zap.dataset.longname
    words += [f"compression={COMPRESSIONS[zap.dataset.compression]}"] * bool(zap.dataset.compression)
    words += [f"encryption={ENCRYPTIONS[zap.dataset.encryption]}"] * bool(zap.dataset.encryption)
    return tuple(words)


def has_long_names(program: Program) -> bool:
    """Whether any name is too long for a dataset as it is by default, and none is declared to be so."""
    declared = any(zap.dataset is not None for zap in program.zaps)
    return not declared and any(len(name) > LONGEST_NAME for name in names_of(program))


def names_of(program: Program) -> Iterator[bytes]:
    """Every name that a program speaks of, as often as it does."""
    for op in program.ops:
        for name in (op.key, op.to):
            if isinstance(name, bytes):
                yield name


def projects_of(program: Program) -> Mapping[int, int]:
    """How many files each project has after a program whose ops are all done."""
    files: dict[int, int] = {}
    for op in program.ops:
        for number in range(op.first, op.first + op.many) if op.verb in OWNING else ():
            if op.verb == "free":
                files.pop(number, None)
            elif (number in files) is (op.verb == "chown"):
                files[number] = op.owner + number - op.first
    return Counter(files.values())


def slots_of(program: Program) -> dict[str, int]:
    """The number that the agent calls each directory by; that of files with owners has no name of its own."""
    slots = {zap.name: slot for slot, zap in enumerate(program.zaps, 1)}
    for zap in program.zaps:
        if zap.usage:
            slots[""] = slots[zap.name]
    return slots


def pack(op: Op, directories: Mapping[str, int]) -> bytes:
    """One operation as the agent reads it."""
    if op.verb in OWNING:
        numbers = f"{op.first} {op.many} {op.owner}"
        return LETTERS[op.verb] + _name(directories[""], numbers.encode())
    assert op.key is None or isinstance(op.key, bytes)
    assert op.to is None or isinstance(op.to, bytes)
    target = _name(directories[op.subject], op.key or b"")
    rest = _name(directories[op.other], op.to) if op.to is not None else b""
    return LETTERS[op.verb] + target + rest


def pack_open(slot: int, path: bytes) -> bytes:
    """Open a directory for the operations that name its slot."""
    return b"o" + _name(slot, path)


def _name(slot: int, name: bytes) -> bytes:
    return struct.pack("<BH", slot, len(name)) + name
