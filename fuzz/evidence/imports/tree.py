"""Programs made from what is on a machine: real names, in the order in which they cause trouble."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fuzz.evidence.imports.dataset import PLAIN, Properties
from fuzz.language.program import DEFAULT_SALT, Op, Program, Zap
from fuzz.language.syntax import SyntaxProblem
from fuzz.language.validate import MAX_OPS

PHASES = 3
"""All names created, all removed, all created again."""

MAX_NAMES = MAX_OPS
"""Names of one program, which may have one op for each name and phase."""

MAX_SEEN = 10_000_000
"""Distinct names of one tree, of which a program takes some."""

_DIRECTORY, _FILE, _LINK = 4 << 60, 8 << 60, 10 << 60
_FIRST_OBJECT = 0x80


def tree_program(
    directory: str | os.PathLike[str],
    *,
    names: int = MAX_NAMES,
    phases: int = PHASES,
    leaf_shift: int = 14,
    salt: int = DEFAULT_SALT,
    txgs: int = 1,
    sync: bool = True,
    properties: Properties = PLAIN,
) -> Program:
    """All names of a tree created in one directory, micro at first as ZFS makes it, all removed, all created
    again, or the first so many of these `phases`.

    Every base name below `directory` counts once, in the order of its bytes, at most so many `names` of
    them, and no more than the ops of a program are enough for, spread evenly over all. In each phase `txgs`
    times the next txg is opened, evenly placed; between phases everything syncs, if `sync`. A value is what
    a directory has: one 64-bit integer, object number and type in the top four bits (ZFS_DIRENT_MAKE,
    include/sys/zfs_znode.h). Folders that may not be read are left out, links are not followed. Raises
    SyntaxProblem if there is no such directory, or no name in it, or more than MAX_SEEN. `properties` are
    those of the file system that the directory is in.
    """
    kinds = _names(os.fsencode(directory))
    every = sorted(kinds)
    seen = len(every)
    names = min(names, (MAX_OPS - phases * (txgs + sync)) // phases)
    if seen > names:
        every = [every[index * len(every) // names] for index in range(names)]
    sets = [
        Op("add", "d", name, 8, 1, kinds[name] | _FIRST_OBJECT + index) for index, name in enumerate(every)
    ]
    between = [Op("sync")] if sync else []
    ops = list(_with_txgs(sets, txgs))
    if phases > 1:
        ops += [*between, *_with_txgs([Op("remove", "d", name) for name in every], txgs)]
    if phases > 2:
        ops += [*between, *_with_txgs([op._replace(fill=op.fill + len(every)) for op in sets], txgs)]
    zap = Zap(
        "d", fat=False, leaf_shift=leaf_shift, norm=properties.norm, salt=salt, dataset=properties.dataset
    )
    notes = ((1, f"{len(every)} of {seen} names"),) if len(every) < seen else ()
    return Program((zap,), tuple(ops), notes=notes)


def _with_txgs(ops: list[Op], txgs: int) -> Iterator[Op]:
    at = 0
    for step in range(1, txgs + 1):
        end = step * len(ops) // (txgs + 1)
        yield from ops[at:end]
        yield Op("txg")
        at = end
    yield from ops[at:]


def _names(directory: bytes) -> dict[bytes, int]:
    """Every base name below a directory with its type; where a name stands for several, the lowest type."""
    source = os.fsdecode(directory)
    kinds: dict[bytes, int] = {}
    folders = [directory]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    kind = _LINK if entry.is_symlink() else _FILE
                    if entry.is_dir(follow_symlinks=False):
                        kind = _DIRECTORY
                        folders.append(entry.path)
                    kinds[entry.name] = min(kind, kinds.get(entry.name, kind))
        except (OSError, ValueError) as error:
            if folder == directory:
                reason = getattr(error, "strerror", None) or str(error)
                raise SyntaxProblem(source, 0, 0, "a directory that can be read", reason) from None
        if len(kinds) > MAX_SEEN:
            raise SyntaxProblem(source, 0, 0, f"at most {MAX_SEEN} names", "more")
    if not kinds:
        raise SyntaxProblem(source, 0, 0, "a directory with something in it", "an empty one")
    return kinds
