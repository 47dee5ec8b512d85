"""What operations do on one leaf without its object: it is put behind a header that leads everywhere to it.

The salt of the names' hashes stands in the header that is missing, so each name is looked for by the hash
that is stored with it. What the whole object would tell (counts, splits of the table) is not tried.
"""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Sequence

from zapcore import layout as L
from zapcore.release import Release
from zapcore.verify.report import FoundEntry
from zapcore.verify.trial_world import Patient, Stored
from zapcore.verify.trials import Trials
from zapcore.verify.words_for_hazards import Hazard

LEAF = 1
"""The block that the leaf gets."""


def header_for(raw: bytes, words: bool, entries: Sequence[FoundEntry]) -> bytes:
    """A header block of a fat ZAP whose table leads to block 1 only."""
    shift = len(raw).bit_length() - 1
    table = 1 << L.embedded_shift(shift)
    wide = any(entry.hash & ((1 << 36) - 1) for entry in entries)
    q = array("Q", bytes(len(raw)))
    q[L.Q_BLOCK_TYPE], q[L.Q_MAGIC] = L.ZBT_HEADER, L.ZAP_MAGIC
    q[L.Q_TBL_SHIFT] = L.embedded_shift(shift)
    q[L.Q_FREEBLK], q[L.Q_NUM_LEAFS], q[L.Q_NUM_ENTRIES] = LEAF + 1, 1, len(entries)
    q[L.Q_FLAGS] = (L.FLAG_UINT64_KEY if words else 0) | (L.FLAG_HASH64 if wide else 0)
    q[table : 2 * table] = array("Q", [LEAF]) * table
    return q.tobytes()


def try_on_leaf(
    raw: bytes, words: bool, entries: Sequence[FoundEntry], damaged: bool, release: Release
) -> tuple[list[Hazard], dict[str, int]]:
    """Try lookups, adds, removes and a cursor on a leaf in little-endian order. What is said of its block is
    said of block 0, which it is of the file."""
    header = header_for(raw, words, entries)
    stored = Stored(lambda blkid: header if blkid == 0 else raw, LEAF + 1)
    alone = dataclasses.replace(release, shrink=False)  # a sibling is not known
    patient = Patient(stored, len(raw), LEAF + 1, alone, salted=False)
    moved = [entry._replace(block=LEAF) for entry in entries]
    trials = Trials(patient, moved, len(entries), {LEAF} if damaged else (), words)
    trials.run_on_leaf()
    return [hazard._replace(block=0) for hazard in trials.hazards], dict(trials.tries)
