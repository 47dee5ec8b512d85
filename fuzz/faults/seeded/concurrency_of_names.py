"""Faults that only threads can meet on ZAPs of names: micro ones, which grow and become fat while others
look, and directories."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

_WRITE_BOTH = "    _write(objset, number, key, size, length, value, tx, fat.update, micro.update)\n"
_OLD_VALUE = (
    "    old = None\n"
    "    try:\n"
    "        old = lookup(objset, number, key, 8, 1)[0] if (size, length) == (8, 1) else None\n"
    "    except ZapErrno:\n"
    "        pass\n"
    "    def checked(name, *rest):\n"
    "        entry = micro.find(name)\n"
    "        if entry is not None and old is not None:\n"
    "            now = micro.slot_value(name.zap.dbuf, entry[2]).to_bytes(8, 'little')\n"
    "            if now.rstrip(b'\\0') != old.rstrip(b'\\0'):\n"
    "                from zapcore.errors import fail\n"
    "                fail('MZE_PHYS(zap, mze)->mze_value == oldval', macro='ASSERT3U')\n"
    "        return micro.update(name, *rest)\n"
)
_LOCK_FOR_REMOVAL = "    zap = lock(objset, number, FTAG, tx, True, True, False)\n"
_ASK_FIRST = (
    "    known = objset.dnodes.get(number)\n"
    "    header = None if known is None else known.dbufs.get(0)\n"
    "    user = None if header is None else header.user\n"
    "    was_micro = isinstance(user, Zap) and user.micro is not None\n"
)
_RELOCK = "zap.rwlock.exit()\n{0}zap.rwlock.enter_write()\n"
_BETWEEN = "    name.zap.rwlock.exit()\n    name.zap.rwlock.enter_write()\n"

NAMES_CONCURRENCY_MUTANTS = (
    Mutant(
        "update-expects-old-value",
        "zap_update asserts that the value is still what a lookup before the lock has seen (issue 8209)",
        "2a6078450d",
        "assertion",
        (Edit("zap:update", _WRITE_BOTH, _OLD_VALUE + _WRITE_BOTH.replace("micro.update", "checked")),),
    ),
    Mutant(
        "micro-writer-as-reader",
        "zap_lockdir takes a micro ZAP's lock as reader for who will write, as it does a fat one's",
        SLIP,
        "race",
        (Edit("zap.zap:lock_dbuf", "    as_writer = write and not (fat_reader and zap.micro is None)\n",
              "    as_writer = write and not fat_reader\n"),),
    ),
    Mutant(
        "micro-before-lock",
        "zap_remove asks before it has the lock whether the ZAP is micro",
        SLIP,
        "wild access",
        (Edit("zap:remove_norm", _LOCK_FOR_REMOVAL, _ASK_FIRST + _LOCK_FOR_REMOVAL),
         Edit("zap:remove_norm", "fat.remove(name, tx) if zap.micro is None else",
              "fat.remove(name, tx) if zap.micro is None and not was_micro else")),
    ),
    Mutant(
        "upgrade-lets-go",
        "mzap_upgrade lets the lock go before it adds the entries again",
        SLIP,
        "linearizability",
        (Edit("zap.micro:upgrade", "    fat.make_fat(zap, flags, tx)\n",
              "    fat.make_fat(zap, flags, tx)\n    " + _RELOCK.format("    ")),),
    ),
    Mutant(
        "micro-add-lets-go",
        "zap_add lets the lock of a micro ZAP go between its look for the name and the new entry",
        SLIP,
        "linearizability",
        (Edit("zap.micro:add", "    _add_entry(name, int.from_bytes(value, \"little\"))\n",
              _BETWEEN + "    if name.zap.micro is None:\n"
              "        return fat.add(name, size, length, value, tag, tx)\n"
              "    _add_entry(name, int.from_bytes(value, \"little\"))\n"),),
    ),
    Mutant(
        "micro-remove-lets-go",
        "zap_remove lets the lock of a micro ZAP go between its look for the name and the removal",
        SLIP,
        "linearizability",
        (Edit("zap.micro:remove", "    zap = name.zap\n",
              _BETWEEN + "    zap = name.zap\n    if zap.micro is None:\n        return 0\n"
              "    if entry not in zap.micro.entries:\n        return 0\n"),),
    ),
    Mutant(
        "micro-lookup-unlocks-early",
        "zap_lookup reads a micro ZAP's value after it let the lock go",
        SLIP,
        "race",
        (Edit("zap.micro:lookup", "    value = slot_value(dbuf, entry[2]).to_bytes(8, \"little\")\n",
              "    name.zap.rwlock.exit()\n"
              "    value = slot_value(dbuf, entry[2]).to_bytes(8, \"little\")\n"
              "    name.zap.rwlock.enter_read()\n"),),
    ),
    Mutant(
        "count-before-upgrade",
        "zap_count looks for the entries of a micro ZAP after it let the lock go",
        SLIP,
        "wild access",
        (Edit("zap:count", "    zap = lock(objset, number, FTAG, None, False, True, False)\n",
              "    zap = lock(objset, number, FTAG, None, False, True, False)\n"
              "    was_micro = zap.micro is not None\n"
              "    zap.rwlock.exit()\n    zap.rwlock.enter_read()\n"),
         Edit("zap:count", "fat.count(zap) if zap.micro is None else",
              "fat.count(zap) if zap.micro is None and not was_micro else")),
    ),
)  # fmt: skip
"""Faults for `fuzz.threads.programs_of_names`."""
