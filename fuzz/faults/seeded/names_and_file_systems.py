"""Bugs that OpenZFS has had in the names of a file system: in what it looks up, refuses and lists, and in
whether it says that a removal frees. The fix of each is taken out again."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import Mutant

FILE_SYSTEM_MUTANTS = (
    Mutant(
        "name-one-byte-too-long",
        "zpl_lookup takes a name that is one byte too long (5768)",
        "d6df043c53",
        "oracle",
        (Edit("zpl:_check_name", "len(name) >= room", "len(name) > room"),),
    ),
    Mutant(
        "rmdir-needs-room",
        "zfs_rmdir does not say that its transaction frees: over a quota a directory stays (Illumos 6940)",
        "db707ad094",
        "oracle",
        (Edit("zpl:rmdir", ", frees=True", ""),),
    ),
    Mutant(
        "unlink-needs-room",
        "zfs_remove does not say that its transaction frees: over a quota a file stays (Illumos 6334)",
        "1a04bab348",
        "oracle",
        (Edit("zpl:remove", ", frees=True", ""),),
    ),
    Mutant(
        "link-into-another-file-system",
        "zfs_link does not see that its two directories are of two file systems (Illumos 4039)",
        "812e91a7e3",
        "oracle",
        (Edit("zpl:link", "source.fs != target.fs", "False"),),
    ),
    Mutant(
        "rename-into-another-file-system",
        "zfs_rename does not see that its two directories are of two file systems (Illumos 4039)",
        "812e91a7e3",
        "oracle",
        (Edit("zpl:_find_both", "source.fs != target.fs", "False"),),
    ),
    Mutant(
        "one-integer-alone",
        "zfs_match_find refuses an entry that has more integers than its object's number",
        "0c5dde492f",
        "oracle",
        (Edit("zpl:_look",
              "        value, _ = zap.lookup(objset, directory.number, name, 8, 1)\n",
              "        value, more = zap.lookup(objset, directory.number, name, 8, 1)\n"
              "        if more:\n"
              "            raise ZapErrno(errno.EOVERFLOW)\n"),),
    ),
    Mutant(
        "position-of-the-entry-itself",
        "zfs_readdir gives with an entry where it stands itself, not where the next one does (1624)",
        "8170d28126",
        "oracle",
        (Edit("zpl:getdents",
              "                cursor.advance()\n                position = cursor.serialize()\n",
              "                position = cursor.serialize()\n                cursor.advance()\n"),),
    ),
    Mutant(
        "position-with-a-sign",
        "zfs_readdir takes a position whose top bit is set for one of the two dots (1750)",
        "c12e3a594a",
        "oracle",
        (Edit("zpl:getdents", "    _refuse_removed(directory)\n",
              "    _refuse_removed(directory)\n    position = 0 if position >> 63 else position\n"),),
    ),
    Mutant(
        "name-as-it-was-typed",
        "zpl_lookup does not take the name as it is stored, where case is not regarded (4136)",
        "c5d0287011",
        "invariant",
        (Edit("zpl:_find_both", "source.fs.case is Case.INSENSITIVE", "False"),),
    ),
    Mutant(
        "broken-byte-composed",
        "do_composition takes the width of a byte that begins no character for a size without end (14318)",
        "1f3bc5ea80",
        "assertion",
        (Edit("zap.norm:Sequence._swallow", "        width = width_of(whole[self.end])\n",
              "        width = width_of(whole[self.end])\n"
              "        if whole[self.end] >= 0x80 and not width:\n"
              "            from zapcore.errors import fail\n"
              "            fail('size <= U8_MB_MAX', place='u8_textprep.c:do_composition')\n"),),
    ),
)  # fmt: skip
"""What stands between a name and its ZAP."""
