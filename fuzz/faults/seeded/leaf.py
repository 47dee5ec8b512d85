"""Faults inside a leaf: chunks, chains, counters, values, and the split of a leaf into two."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

LEAF_MUTANTS = (
    Mutant(
        "entry-chunks-short",
        "an entry is made where one chunk less than it needs is free",
        SLIP,
        "assertion",
        (Edit("zap.leaf:entry_create", "< chunks:", "< chunks - 1:"),),
    ),
    Mutant(
        "array-at-most-short",
        "a value of the greatest allowed length, 8192 bytes, fails an assertion",
        "60b0a963f5",
        "assertion",
        (
            Edit(
                "zap.chunks:array_create",
                "    if not data:\n",
                "    if len(data) >= L.MAX_VALUE_LEN:\n"
                '        fail("num_integers * integer_size < MAX_ARRAY_BYTES")\n'
                "    if not data:\n",
            ),
        ),
    ),
    Mutant(
        "update-chunks-of-integers",
        "the chunks that an update frees are counted by the integers of the old value, not by its bytes",
        SLIP,
        "assertion",
        (Edit("zap.leaf:entry_update", "entry.size * entry.length", "8 * entry.length"),),
    ),
    Mutant(
        "update-length-kept",
        "an update leaves the old number of integers in the entry",
        SLIP,
        "invariant",
        (Edit("zap.leaf:entry_update", "    h[at + L.H_VALUE_NUMINTS] = length\n", ""),),
    ),
    Mutant(
        "update-integer-size-kept",
        "an update leaves the old size of integers in the entry",
        SLIP,
        "invariant",
        (Edit("zap.leaf:entry_update", "    buf.raw[2 * at + L.B_INTLEN] = size\n", ""),),
    ),
    Mutant(
        "free-count-not-kept",
        "a chunk that returns to the free list is not counted",
        SLIP,
        "invariant",
        (Edit("zap.chunks:chunk_free", "    h[L.H_NFREE] += 1\n", ""),),
    ),
    Mutant(
        "entry-count-not-kept",
        "an entry that is removed is still counted by its leaf, which is never empty again",
        SLIP,
        "invariant",
        (Edit("zap.leaf:entry_remove", "    h[L.H_NENTRIES] -= 1\n", ""),),
    ),
    Mutant(
        "value-chunks-lost",
        "removing an entry does not free its value's chunks",
        SLIP,
        "invariant",
        (Edit("zap.leaf:entry_remove", "in freed_fields(leaf):", "in freed_fields(leaf)[:1]:"),),
    ),
    Mutant(
        "value-freed-twice",
        "removing an entry frees its value's chunks twice",
        SLIP,
        "assertion",
        (
            Edit(
                "zap.leaf:entry_remove",
                "        array_free(leaf, at + field)\n",
                "        again = h[at + field]\n"
                "        array_free(leaf, at + field)\n"
                "        if field == L.H_VALUE_CHUNK:\n"
                "            h[at + field] = again\n"
                "            array_free(leaf, at + field)\n",
            ),
        ),
    ),
    Mutant(
        "chain-cut",
        "removing an entry ends its bucket's chain there, and entries behind it are lost",
        SLIP,
        "invariant",
        (Edit("zap.leaf:entry_remove", "= h[at + L.H_ENTRY_NEXT]", "= L.CHAIN_END"),),
    ),
    Mutant(
        "differentiator-reused",
        "a new differentiator is the number of those in use, which is in use itself after a removal",
        SLIP,
        "invariant",
        (Edit("zap.leaf:_unused_cd", "    while cd in used:\n        cd += 1\n", "    cd = len(used)\n"),),
    ),
    Mutant(
        "lookup-by-hash",
        "the first entry with the hash is taken, without a look at its name",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.leaf:_matches",
                "    stored = name.stored\n",
                "    return True\n",
            ),
        ),
    ),
    Mutant(
        "split-prefix",
        "the new leaf of a split gets the prefix of the old one",
        SLIP,
        "invariant",
        (Edit("zap.split:split", "= q[L.Q_PREFIX] | 1", "= q[L.Q_PREFIX]"),),
    ),
    Mutant(
        "split-chunks-kept",
        "arrays that a split moves stay allocated in the old leaf",
        SLIP,
        "invariant",
        (Edit("zap.chunks:array_transfer", "        chunk_free(old, chunk)\n", ""),),
    ),
    Mutant(
        "split-count-kept",
        "entries that a split moves are still counted by the old leaf",
        SLIP,
        "invariant",
        (Edit("zap.split:_transfer_entry", "    old_buf.h[L.H_NENTRIES] -= 1\n", ""),),
    ),
    Mutant(
        "overflow-off-by-one",
        "a value that just fits the caller's buffer is reported as too long",
        SLIP,
        "oracle",
        (Edit("zap.leaf:entry_value", "entry.length > length", "entry.length >= length"),),
    ),
    Mutant(
        "flag-always-set",
        "a new leaf says that its entries are sorted, also where names are not normalized",
        SLIP,
        "invariant",
        (Edit("zap.leaf:init", "    if sort:\n", "    if True:\n"),),
    ),
)
