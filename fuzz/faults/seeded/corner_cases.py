"""Faults at bounds that one program in thousands meets: the end of an iteration, a name that just does not
fit, two refusals at once. A second adversary thought of them, and the engine or its judges missed each."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

CORNER_MUTANTS = (
    Mutant(
        "end-not-kept",
        "a cursor at the end of a micro ZAP does not stay there",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor._retrieve_micro", "        self.hash = U64\n", ""),),
    ),
    Mutant(
        "resume-at-largest-differentiator",
        "a serialized differentiator that is the largest is taken as it is",
        SLIP,
        "oracle",
        (Edit("zap.cursor:Cursor._start", "self.cd >= zap.max_cd", "self.cd > zap.max_cd"),),
    ),
    Mutant(
        "name-without-nul",
        "a name of 50 bytes goes into a slot, which has no room for its NUL",
        SLIP,
        "invariant",
        (Edit("zap.micro:_needs_fat", ">= L.MICRO_NAME_LEN", "> L.MICRO_NAME_LEN"),),
    ),
    Mutant(
        "six-of-a-hash",
        "a free differentiator is looked for among the first six entries of a hash",
        SLIP,
        "assertion",
        (
            Edit(
                "zap.micro:_add_entry",
                "for entry in index.from_first(name.hash):",
                "for entry in index.from_first(name.hash)[:6]:",
            ),
        ),
    ),
    Mutant(
        "slot-half-cleared",
        "of a micro entry that is removed only the name is cleared",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.micro:remove",
                "raw[at : at + L.SLOT_SIZE] = bytes(L.SLOT_SIZE)",
                "raw[at + L.B_MZE_NAME : at + L.SLOT_SIZE] = bytes(L.MICRO_NAME_LEN)",
            ),
        ),
    ),
    Mutant(
        "removal-makes-room",
        "a micro block whose slots are all taken grows before one of them is removed",
        SLIP,
        "invariant",
        (Edit("zap:remove_norm", "tx, True, True, False)", "tx, True, True, True)"),),
    ),
    Mutant(
        "index-misses-last-slot",
        "a large micro block that is opened with all slots taken is read but for the last",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.micro:open_micro",
                "in slots_in_use(dbuf.buf.raw):",
                "in slots_in_use(dbuf.buf.raw)[: index.slots - (index.slots > 15)]:",
            ),
        ),
    ),
    Mutant(
        "destroy-spares-last-block",
        "what is held of the last block of a destroyed object keeps its bytes",
        SLIP,
        "invariant",
        (Edit("dmu.dnode:Dnode.free", "self.max_blkid + 1, tx", "self.max_blkid, tx"),),
    ),
    Mutant(
        "chain-given-up",
        "of a bucket's chain the entries behind the first 24 are not looked at",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.leaf:lookup",
                "        if steps > geo.chunks:\n",
                "        if steps > 24:\n            return None\n        if steps > geo.chunks:\n",
            ),
        ),
    ),
    Mutant(
        "rename-looks-for-target-first",
        "of two names that are refused a rename tells of the second",
        SLIP,
        "oracle",
        (
            Edit(
                "zpl:_find_both",
                "    moved = _look(objset, source, name)\n"
                "    _refuse_dots(new, errno.EINVAL)\n"
                "    there = _look_or_none(objset, target, new)\n",
                "    there = _look_or_none(objset, target, new)\n"
                "    _refuse_dots(new, errno.EINVAL)\n"
                "    moved = _look(objset, source, name)\n",
            ),
        ),
    ),
    Mutant(
        "mark-not-blocked",
        "a mark composes over one of its own class that stands before it",
        SLIP,
        "oracle",
        (Edit("zap.norm:Sequence._blocked", "combining >= wanted", "combining > wanted"),),
    ),
    Mutant(
        "updated-name-cut",
        "zap_update of a new name of 50 bytes cuts it to fit into a slot (in C first, by who knew no judge)",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.micro:update",
                "if _needs_fat(name, size, length):",
                "if _needs_fat(name, size, length) and (size, length, len(name.key)) != (8, 1, 50):",
            ),
            Edit("zap.micro:_add_entry", "= name.key + b", "= name.key[:49] + b"),
            Edit("zap.micro:_add_entry", "len(name.key) + 1]", "min(len(name.key), 49) + 1]"),
        ),
    ),
    Mutant(
        "differentiator-counted",
        "a new name in a micro ZAP gets the number of its hash's entries, not the lowest that is free",
        SLIP,
        "assertion",
        (Edit("zap.micro:_add_entry", "        if entry[1] != cd:\n            break\n", ""),),
    ),
)
