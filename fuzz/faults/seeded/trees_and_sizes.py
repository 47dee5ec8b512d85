"""Faults of what directories in directories, the sizes of micro ZAPs and keys of several lengths brought.
Written from that code and from OpenZFS's history, without a look at what judges them."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

TREE_AND_SIZE_MUTANTS = (
    Mutant(
        "micro-one-sector-more",
        "a micro ZAP grows once more when it is as large as it may be",
        SLIP,
        "invariant",
        (Edit("zap.micro:make_room", "    if size > objset", "    if size - GROWTH > objset"),),
    ),
    Mutant(
        "micro-limit-rounded-down",
        "zap_get_micro_max_size takes the whole sectors of the tunable, without what is left",
        "97f39af3d0",
        "invariant",
        (Edit("release:Release.micro_max_size", "-(-tunable // MIN_BLOCK)", "(tunable // MIN_BLOCK)"),),
    ),
    Mutant(
        "micro-default-limit",
        "the limit of a micro ZAP is 128 KiB whatever the tunable says",
        "a4b21eadec",
        "invariant",
        (Edit("zap.micro:make_room", "micro_max_size(objset.micro_max_size)", "micro_max_size(1 << 17)"),),
    ),
    Mutant(
        "micro-keeps-its-chunks",
        "zap_num_chunks is not counted again when the block has grown",
        SLIP,
        "assertion",
        (Edit("zap.micro:make_room", "    index.slots = L.slots_of(size)\n", "    index.slots += 0\n"),),
    ),
    Mutant(
        "upgrade-of-the-first-sector",
        "mzap_upgrade adds the entries of the first sector only",
        SLIP,
        "invariant",
        (Edit("zap.micro:upgrade", "range(index.slots)", "range(min(index.slots, 7))"),),
    ),
    Mutant(
        "upgrade-renumbers",
        "mzap_upgrade gives each entry the first free differentiator of its hash",
        "b06f40ea9b",
        "invariant",
        (
            Edit(
                "zap.micro:upgrade",
                'value.to_bytes(8, "little"), cd, tag',
                'value.to_bytes(8, "little"), L.NEED_CD, tag',
            ),
        ),
    ),
    Mutant(
        "rmdir-asks-nobody",
        "zfs_rmdir does not ask whether the directory is empty",
        SLIP,
        "oracle",
        (Edit("zpl:rmdir", "    _refuse_full(objset, directory.tree, found.value)\n", ""),),
    ),
    Mutant(
        "nearly-empty",
        "zfs_dirempty takes a directory with one entry for an empty one",
        SLIP,
        "oracle",
        (Edit("zpl:_refuse_full", "    if entries:\n", "    if entries > 1:\n"),),
    ),
    Mutant(
        "rename-replaces-full",
        "zfs_rename replaces a directory that has entries",
        SLIP,
        "oracle",
        (
            Edit(
                "zpl:_move",
                "            if not exchanged:\n                _refuse_full",
                "            if exchanged:\n                _refuse_full",
            ),
        ),
    ),
    Mutant(
        "rename-loses-old-name",
        "zfs_rename does not put the old name back when what is there has entries",
        "e015d6cc0b",
        "invariant",
        (
            Edit(
                "zpl:_move",
                "        except ZapErrno:\n            if first:\n",
                "        except ZapErrno:\n            if not first:\n",
            ),
        ),
    ),
    Mutant(
        "loop-of-one-step",
        "zfs_rename_lock looks at the parent of the target and not above it",
        SLIP,
        "oracle",
        (
            Edit(
                "directory:Tree.is_above",
                "and inode not in seen:",
                "and not seen:",
            ),
        ),
    ),
    Mutant(
        "exchange-both-ways",
        "RENAME_EXCHANGE looks for loops on one side only",
        SLIP,
        "oracle",
        (
            Edit(
                "zpl:_refuse_loops",
                "        raise ZapErrno(above)\n",
                "        if above == errno.ENOTEMPTY:\n            raise ZapErrno(above)\n",
            ),
        ),
    ),
    Mutant(
        "parent-stays",
        "zfs_link_create does not write the parent of a directory that has one",
        SLIP,
        "oracle",
        (
            Edit(
                "zpl:_link_create",
                "        directory.tree.parents[child] = directory.inode\n",
                "        directory.tree.parents.setdefault(child, directory.inode)\n",
            ),
        ),
    ),
    Mutant(
        "made-in-what-was-removed",
        "a name is made in a directory that has been removed",
        SLIP,
        "oracle",
        (Edit("zpl:_make", "    _refuse_removed(directory)\n", ""),),
    ),
    Mutant(
        "found-in-what-was-removed",
        "a rename into a directory that has been removed is not refused",
        SLIP,
        "oracle",
        (Edit("zpl:_check_kinds", "        _refuse_removed(ends.target)\n", "        pass\n"),),
    ),
)
