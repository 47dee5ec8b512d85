"""Faults of what works on whole ZAPs: joins of two, ids as keys, reading ahead, and what is made anew when a
pool is imported. Written from the list of these functions, without a look at what judges them."""

from __future__ import annotations

from fuzz.faults.edits import Edit
from fuzz.faults.seeded.mutant import SLIP, Mutant

WHOLE_ZAP_MUTANTS = (
    Mutant(
        "join-goes-on",
        "zap_join passes over an entry that cannot be added",
        SLIP,
        "oracle",
        (
            Edit(
                "zap.helpers:_join",
                "            put(entry)\n",
                "            try:\n                put(entry)\n"
                "            except ZapErrno:\n                pass\n",
            ),
        ),
    ),
    Mutant(
        "join-increment-keeps-sum",
        "zap_join_increment adds the last sum to a key that is new, too",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.helpers:join_increment",
                "    def put(entry: Attribute) -> None:\n        value = 0\n",
                "    total = 0\n\n    def put(entry: Attribute) -> None:\n        nonlocal total\n"
                "        value = total\n",
            ),
        ),
    ),
    Mutant(
        "join-key-own-value",
        "zap_join_key gives each key its old value",
        SLIP,
        "invariant",
        (Edit("zap.helpers:join_key", "_integer(value)", "_integer(entry.first)"),),
    ),
    Mutant(
        "join-takes-narrow-integers",
        "zap_join asks how many integers a value has, not how wide they are",
        SLIP,
        "oracle",
        (Edit("zap.helpers:_join", "entry.size != 8 or entry.length != 1", "entry.length != 1"),),
    ),
    Mutant(
        "join-keeps-cursor",
        "zap_join does not close its cursor where an entry cannot be added",
        SLIP,
        "invariant",
        (
            Edit(
                "zap.helpers:_join",
                "            except ZapErrno:\n                return\n",
                "            except ZapErrno:\n                cursor.close()\n                return\n",
            ),
            Edit(
                "zap.helpers:_join", "    finally:\n        cursor.close()\n", "    finally:\n        pass\n"
            ),
        ),
    ),
    Mutant(
        "ints-in-decimal",
        "ids are written in decimal digits",
        SLIP,
        "invariant",
        (Edit("zap.helpers:digits", "%x", "%d"),),
    ),
    Mutant(
        "ints-of-32-bits",
        "of an id 32 bits are written",
        SLIP,
        "invariant",
        (Edit("zap.helpers:digits", "% number", "% (number & 0xFFFFFFFF)"),),
    ),
    Mutant(
        "prefetch-keeps-lock",
        "zap_prefetch does not unlock the ZAP",
        SLIP,
        "invariant",
        (Edit("zap:prefetch", "    unlock(zap, FTAG)\n", ""),),
    ),
    Mutant(
        "import-forgets-type",
        "an object that is read from disk is of no directory's type: long names are refused",
        SLIP,
        "oracle",
        (Edit("dmu.dnode:Dnode.reloaded", "dnode.directory = self.directory", "dnode.directory = False"),),
    ),
    Mutant(
        "micro-open-misses-last-slot",
        "the index of a micro ZAP that is opened lacks the entry of the last slot",
        SLIP,
        "invariant",
        (Edit("zap.micro:open_micro", "slots_in_use(dbuf.buf.raw)", "slots_in_use(dbuf.buf.raw[:-64])"),),
    ),
    Mutant(
        "micro-open-forgets-cd",
        "the index of a micro ZAP that is opened has no differentiators",
        SLIP,
        "assertion",
        (Edit("zap.micro:_insert", "slot_cd(zap.dbuf, slot) & 0xFFFF", "0"),),
    ),
    Mutant(
        "cursor-start-keeps-lock",
        "a cursor that holds its ZAP from its start keeps the lock, too",
        "efda1093ff",
        "invariant",
        (Edit("zap.cursor:Cursor.__init__", "self._start().rwlock.exit()", "self._start()"),),
        release="master",
    ),
)
