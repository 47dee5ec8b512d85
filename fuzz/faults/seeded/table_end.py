"""Faults at the end of the pointer table, where a leaf that is full cannot be split. It is half a gibibyte
away, but for hashes of few bits (`hash_bits` in a header)."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

FEW_BITS = 10

TABLE_END_MUTANTS = (
    Mutant(
        "update-puts-leaf-twice",
        "an update that is refused at the end of the table lets go of a leaf that was put already",
        "136c053211",
        "assertion",
        (
            Edit(
                "zap.fat:_write",
                "if again and name.zap is not None and name.zap.objset.release.puts_leaf_twice:",
                "if replace and name.zap is not None:",
            ),
        ),
        hash_bits=FEW_BITS,
    ),
    Mutant(
        "leaf-kept-at-table-end",
        "the leaf is put when the table has grown, so not where it cannot",
        "136c053211",
        "invariant",
        (
            Edit(
                "zap.fat:expand_leaf",
                "        put_leaf(leaf)\n        zap = _relock(name, tag, tx)\n",
                "        zap = _relock(name, tag, tx)\n",
            ),
            Edit(
                "zap.fat:expand_leaf",
                "        leaf = deref_leaf(zap, value, tx, True)\n",
                "        put_leaf(leaf)\n        leaf = deref_leaf(zap, value, tx, True)\n",
            ),
        ),
        hash_bits=FEW_BITS,
    ),
    Mutant(
        "table-of-every-bit",
        "the table grows to the last bit of the hash",
        SLIP,
        "oracle",
        (Edit("zap.ptrtbl:grow", "zap.hash_bits - 2", "zap.hash_bits"),),
        hash_bits=FEW_BITS,
    ),
    Mutant(
        "refused-entry-counted",
        "an entry that no leaf has room for is counted in the header",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.fat:_write",
                "                _put_leaf_again()\n            raise\n",
                "                _put_leaf_again()\n"
                "            if entry is None and name.zap is not None:\n"
                "                change_count(name.zap, 1, tx)\n"
                "            raise\n",
            ),
        ),
        hash_bits=FEW_BITS,
    ),
    Mutant(
        "rename-loses-name",
        "a rename whose new name finds no room does not bring the old one back",
        "e015d6cc0b",
        "invariant",
        (
            Edit(
                "zpl:_move",
                "        if first:\n"
                "            _link_again(objset, source, old, moved.value, tx)\n"
                "        raise\n",
                "        raise\n",
            ),
        ),
        hash_bits=FEW_BITS,
    ),
)
