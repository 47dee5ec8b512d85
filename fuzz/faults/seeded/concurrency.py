"""Faults that only threads can meet: a recheck left out, a lock in the wrong mode, order or extent.

Each is an edit of the model from outside (`fuzz.faults.edits`), one small change with a line saying what is
wrong. Two rechecks are not here, since leaving them out breaks nothing: the pointer table then only grows
earlier than it must (`zap_expand_leaf`, `zap_put_leaf_maybe_grow_ptrtbl`).
"""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

_UPGRADE = (
    "                if leaf is not None:\n"
    "                    put_leaf(leaf)\n"
    "                    leaf = None\n"
    "                upgrade(zap, tx)\n"
)
_LOOK_AT_EVEN = (
    "            if odd:\n"
    "                assert leaf is not None\n"
    "                put_leaf(leaf)\n"
    "                leaf = None\n"
    "            sibling = deref_leaf(zap, sibling_hash, tx, False)\n"
    "            is_sibling = _is_empty_sibling(sibling, length)\n"
    "            put_leaf(sibling)\n"
)
_COUNTING = (
    "    zap.num_entries_lock.enter_write()\n"
    "    q = zap.dbuf.buf.q\n"
    "    if delta < 0 and q[L.Q_NUM_ENTRIES] < -delta:\n"
    '        fail("delta > 0 || zap_f_phys(zap)->zap_num_entries >= -delta", line=403)\n'
    "    q[L.Q_NUM_ENTRIES] += delta\n"
    "    zap.num_entries_lock.exit()\n"
)
_EVEN_FIRST = "            if not _is_empty_sibling(leaf, length):\n"
_ODD_SECOND = "        if not _is_empty_sibling(sibling, length):\n"
_PREFIX_LEN = "dbuf.buf.h[L.H_PREFIX_LEN] != length:\n"
_ENTRIES = "dbuf.buf.h[L.H_NENTRIES]:\n"

CONCURRENCY_MUTANTS = (
    Mutant(
        "expand-no-recheck",
        "zap_expand_leaf splits without looking whether the leaf was split while the locks were down",
        SLIP,
        "assertion",
        (Edit("zap.fat:expand_leaf", "        if leaf.dbuf.buf.h[L.H_PREFIX_LEN] != old_len:\n"
              "            return leaf\n", ""),),
    ),
    Mutant(
        "add-no-relookup",
        "fzap_add_cd does not look for the name again after the leaf was split",
        SLIP,
        "linearizability",
        (Edit("zap.fat:_write",
              "    while True:\n        try:\n            entry = leaves.lookup(leaf, name)\n",
              "    looked = False\n    while True:\n        try:\n"
              "            entry = None if looked and not replace else leaves.lookup(leaf, name)\n"
              "            looked = True\n"),),
    ),
    Mutant(
        "shrink-even-not-empty",
        "zap_shrink does not look whether the even leaf is still empty when it has it as writer",
        SLIP,
        "linearizability",
        (Edit("zap.shrink:shrink", _EVEN_FIRST, f"            if leaf.{_PREFIX_LEN}"),),
    ),
    Mutant(
        "shrink-even-prefix",
        "zap_shrink does not look whether the even leaf still has the prefix it had",
        SLIP,
        "deadlock",
        (Edit("zap.shrink:shrink", _EVEN_FIRST, f"            if leaf.{_ENTRIES}"),),
    ),
    Mutant(
        "shrink-odd-not-empty",
        "zap_shrink does not look whether the odd leaf is still empty when it has it as writer",
        SLIP,
        "invariant",
        (Edit("zap.shrink:shrink", _ODD_SECOND, f"        if sibling.{_PREFIX_LEN}"),),
    ),
    Mutant(
        "shrink-odd-prefix",
        "zap_shrink does not look whether the odd leaf still has the prefix it had",
        SLIP,
        "invariant",
        (Edit("zap.shrink:shrink", _ODD_SECOND, f"        if sibling.{_ENTRIES}"),),
    ),
    Mutant(
        "cursor-no-recheck",
        "fzap_cursor_retrieve goes on in its leaf without looking whether it was split meanwhile",
        SLIP,
        "linearizability",
        (Edit("zap.cursor:Cursor._check_parked",
              "    if gone or L.hash_index(self.hash, buf.h[L.H_PREFIX_LEN]) != buf.q[L.Q_PREFIX]:\n",
              "    if gone:\n"),),
    ),
    Mutant(
        "leaf-writer-as-reader",
        "zap_get_leaf_byblk takes a leaf's lock as reader for who will write",
        SLIP,
        "race",
        (Edit("zap.fat:leaf_of_block", "        leaf.rwlock.enter_write()\n",
              "        leaf.rwlock.enter_read()\n"),),
    ),
    Mutant(
        "counter-without-mutex",
        "zap_increment_num_entries changes the counter without its mutex",
        SLIP,
        "race",
        (Edit("zap.fat:change_count", _COUNTING, _COUNTING.replace("enter_write", "held")
              .replace("exit", "held")),),
    ),
    Mutant(
        "cursor-without-zap-lock",
        "zap_cursor_retrieve walks the leaves after it let the ZAP's lock go",
        SLIP,
        "race",
        (Edit("zap.cursor:Cursor.retrieve",
              "        attribute = self._retrieve_fat() if zap.micro is None "
              "else self._retrieve_micro()\n",
              "        zap.rwlock.exit()\n"
              "        try:\n"
              "            attribute = self._retrieve_fat() if zap.micro is None "
              "else self._retrieve_micro()\n"
              "        finally:\n"
              "            zap.rwlock.enter_read()\n"),),
    ),
    Mutant(
        "shrink-odd-first",
        "zap_shrink locks the even sibling while it still has the odd leaf locked",
        SLIP,
        "lock-order",
        (Edit("zap.shrink:shrink", _LOOK_AT_EVEN,
              "            sibling = deref_leaf(zap, sibling_hash, tx, False)\n"
              "            is_sibling = _is_empty_sibling(sibling, length)\n"
              "            put_leaf(sibling)\n"
              "            if odd:\n"
              "                assert leaf is not None\n"
              "                put_leaf(leaf)\n"
              "                leaf = None\n"),),
    ),
    Mutant(
        "shrink-keeps-leaf",
        "zap_shrink takes the ZAP's lock as writer while it still has the leaf locked",
        SLIP,
        "lock-order",
        (Edit("zap.shrink:shrink", _UPGRADE, "                upgrade(zap, tx)\n"),),
    ),
    Mutant(
        "length-mutex-first",
        "fzap_length takes the entry counter's mutex, and then the leaf",
        SLIP,
        "lock-order",
        (Edit("zap.fat:length_of",
              "    leaf = deref_leaf(name.zap, name.hash, None, False)\n"
              "    entry = leaves.lookup(leaf, name)\n    put_leaf(leaf)\n",
              "    name.zap.num_entries_lock.enter_write()\n"
              "    leaf = deref_leaf(name.zap, name.hash, None, False)\n"
              "    entry = leaves.lookup(leaf, name)\n    put_leaf(leaf)\n"
              "    name.zap.num_entries_lock.exit()\n"),),
    ),
    Mutant(
        "remove-counts-late",
        "fzap_remove lets the leaf go before it counts the entry",
        SLIP,
        "linearizability",
        (Edit("zap.fat:remove", "    change_count(zap, -1, tx)\n",
              "    leaf.rwlock.exit()\n    change_count(zap, -1, tx)\n    leaf.rwlock.enter_write()\n"),),
    ),
    Mutant(
        "lookup-unlocks-early",
        "fzap_lookup reads the value after it let the leaf go",
        SLIP,
        "race",
        (Edit("zap.fat:lookup", "        value, more = leaves.entry_value(leaf, entry, size, length)\n",
              "        leaf.rwlock.exit()\n"
              "        value, more = leaves.entry_value(leaf, entry, size, length)\n"
              "        leaf.rwlock.enter_read()\n"),),
    ),
    Mutant(
        "expand-unlocks-early",
        "zap_expand_leaf lets the ZAP's lock go before the table leads to the new leaf",
        SLIP,
        "lock-order",
        (Edit("zap.fat:expand_leaf", "    split(leaf, new, zap.norm != 0)\n",
              "    split(leaf, new, zap.norm != 0)\n"
              "    zap.rwlock.exit()\n    zap.rwlock.enter_write()\n"),),
    ),
)  # fmt: skip
"""Faults for `fuzz.threads.thread_fuzzer`; `seen` also knows `linearizability`, `race` and `lock-order`."""
