"""Faults of answers: what is refused and should not be, what is not refused, and what stands at those bounds.

Some are of OpenZFS's history. The others stand where a judge once believed whatever it was told: errors for
want of room, cursors whose object is destroyed, micro ZAPs that may have become fat.
"""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

REFUSAL_MUTANTS = (
    Mutant(
        "add-gives-up-splitting",
        "an add whose leaf has been split three times is refused with ENOSPC (issue 7401: files were lost)",
        "cc63068e95",
        "oracle",
        (
            Edit(
                "zap.fat:_write",
                "    code = 0\n    while True:\n",
                "    code = splits = 0\n    while True:\n",
            ),
            Edit(
                "zap.fat:_write",
                "        if done:\n            break\n        try:\n",
                "        if done:\n            break\n"
                "        splits += 1\n"
                "        if splits > 3 and not replace:\n"
                "            put_leaf(leaf)\n"
                "            raise ZapErrno(errno.ENOSPC)\n"
                "        try:\n",
            ),
        ),
    ),
    Mutant(
        "table-ends-early",
        "the pointer table takes a third of the hash's bits for all of them",
        SLIP,
        "oracle",
        (Edit("zap.ptrtbl:grow", "zap.hash_bits - 2", "zap.hash_bits // 3"),),
    ),
    Mutant(
        "update-gives-up-growing",
        "an update of an entry that is there and needs a larger table is refused with ENOSPC",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.fat:_write",
                "        if done:\n            break\n        try:\n",
                "        if done:\n            break\n"
                "        if replace and entry is not None and leaf.dbuf.buf.h[L.H_PREFIX_LEN] == "
                "name.zap.dbuf.buf.q[L.Q_TBL_SHIFT]:\n"
                "            _put_leaf_maybe_grow(name, leaf, tag, tx)\n"
                "            raise ZapErrno(errno.ENOSPC)\n"
                "        try:\n",
            ),
        ),
    ),
    Mutant(
        "last-chunk-not-taken",
        "an entry that needs all chunks of an empty leaf is too large for it",
        SLIP,
        "oracle",
        (Edit("zap.leaf:entry_create", "chunks > geo.chunks", "chunks >= geo.chunks"),),
    ),
    Mutant(
        "new-name-not-counted",
        "whether all names of a hash fit a leaf is asked without the one that is added",
        "cc63068e95",
        "invariant",
        (
            Edit(
                "zap.micro:_fits_fat_leaf",
                "len(zap.micro.from_first(name.hash)) + 1",
                "len(zap.micro.from_first(name.hash))",
            ),
        ),
    ),
    Mutant(
        "removal-of-exact-name",
        "a removal takes its name as it stands, whatever it is asked to match",
        "9b7b9cd370",
        "oracle",
        (Edit("zap:remove_norm", "_name(zap, key, match)", "_name(zap, key)"),),
    ),
    Mutant(
        "removal-of-exact-case",
        "a removal that is to match case takes its name as it stands",
        "9b7b9cd370",
        "oracle",
        (Edit("zap:remove_norm", "_name(zap, key, match)", "_name(zap, key, 0 if match & 2 else match)"),),
    ),
    Mutant(
        "case-folded-anyway",
        "a lookup that is to match case finds names of another case",
        "9b7b9cd370",
        "oracle",
        (Edit("zap.name:Name.__init__", "if match & MATCH_CASE and zap.norm & TO_UPPER:", "if False:"),),
    ),
    Mutant(
        "attribute-name-of-256",
        "a cursor has room for 255 bytes of a name, and gives no more of a longer one",
        "20232ecfaa",
        "oracle",
        (
            Edit(
                "zap.cursor:Cursor._retrieve_fat",
                "key = key_of(leaves.entry_name(leaf, entry, zap.words), zap.words)",
                "key = key_of(leaves.entry_name(leaf, entry, zap.words), zap.words)\n"
                "    key = key if zap.words else key[:255]",
            ),
        ),
    ),
    Mutant(
        "long-names-everywhere",
        "a long name is taken by ZAPs that are no directories, too",
        "20232ecfaa",
        "oracle",
        (Edit("zap.fat:_check_name", "zap.dnode.directory and ", ""),),
    ),
    Mutant(
        "destroyed-is-the-end",
        "a cursor on a ZAP that is destroyed says that it is at the end, and all seems to be gone",
        SLIP,
        "oracle",
        (Edit("zap.fat:deref_leaf", "raise ZapErrno(errno.EIO)", "raise ZapErrno(errno.ENOENT)"),),
    ),
    Mutant(
        "blocks-of-512",
        "the blocks of a micro ZAP are counted as if each had 512 bytes",
        SLIP,
        "oracle",
        (Edit("zap.stats:stats", "num_blocks=1", "num_blocks=zap.dbuf.size // 512"),),
    ),
    Mutant(
        "advance-of-two",
        "a cursor that stands on no leaf goes two differentiators on, as in a micro ZAP it always does",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.cursor:Cursor.advance",
                "self.cd += 1",
                "self.cd += 1 + (self.leaf is None and self.hash != 0)",
            ),
        ),
    ),
    Mutant(
        "increment-of-the-first",
        "an increment of a value of several integers takes the first, and drops the others",
        SLIP,
        "oracle",
        (Edit("zap.helpers:increment", "if more:", "if False:"),),
    ),
    Mutant(
        "room-not-looked-at",
        "a lookup into more than 8 KiB is not refused",
        SLIP,
        "oracle",
        (Edit("zap.fat:lookup", "check_size(size, length)", "pass"),),
    ),
    Mutant(
        "update-takes-any-name",
        "an update does not look how long a name is",
        SLIP,
        "oracle",
        (Edit("zap.fat:update", "_check(name, size, length)", "check_size(size, length)"),),
    ),
)
