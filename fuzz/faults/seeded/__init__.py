"""Seeded faults of the model, by name: `with applied("cursor-skips"): ...` runs the model with one of them.

Kept apart from the model: each changes one small function (two at most) from outside, by `fuzz.faults.edits`.
They measure what the engines find, and show that the judges and the byte comparison see what they should.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from fuzz.faults.seeded.beside_sync import BESIDE_SYNC_MUTANTS
from fuzz.faults.seeded.bytes_only import BYTES_MUTANTS
from fuzz.faults.seeded.concurrency import CONCURRENCY_MUTANTS
from fuzz.faults.seeded.concurrency_of_names import NAMES_CONCURRENCY_MUTANTS
from fuzz.faults.seeded.corner_cases import CORNER_MUTANTS
from fuzz.faults.seeded.header_and_table import TABLE_MUTANTS
from fuzz.faults.seeded.indirect import INDIRECT_MUTANTS
from fuzz.faults.seeded.leaf import LEAF_MUTANTS
from fuzz.faults.seeded.mutant import SLIP, Mutant
from fuzz.faults.seeded.names_and_file_systems import FILE_SYSTEM_MUTANTS
from fuzz.faults.seeded.objects_and_owners import OBJECT_MUTANTS
from fuzz.faults.seeded.rare import RARE_MUTANTS
from fuzz.faults.seeded.read_errors_and_crashes import DISK_MUTANTS
from fuzz.faults.seeded.refusals import REFUSAL_MUTANTS
from fuzz.faults.seeded.shrink import SHRINK_MUTANTS
from fuzz.faults.seeded.table_end import TABLE_END_MUTANTS
from fuzz.faults.seeded.trees_and_sizes import TREE_AND_SIZE_MUTANTS
from fuzz.faults.seeded.txgs_and_records import TXG_MUTANTS
from fuzz.faults.seeded.whole_zaps import WHOLE_ZAP_MUTANTS

MUTANTS: Mapping[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        *LEAF_MUTANTS,
        *TABLE_MUTANTS,
        *SHRINK_MUTANTS,
        *BYTES_MUTANTS,
        *RARE_MUTANTS,
        *CORNER_MUTANTS,
        *REFUSAL_MUTANTS,
        *TABLE_END_MUTANTS,
        *DISK_MUTANTS,
        *WHOLE_ZAP_MUTANTS,
        *TREE_AND_SIZE_MUTANTS,
        *FILE_SYSTEM_MUTANTS,
        *OBJECT_MUTANTS,
    )
}
"""Every mutant that one thread can meet, by name."""

CONCURRENT: Mapping[str, Mutant] = {
    mutant.name: mutant for mutant in (*CONCURRENCY_MUTANTS, *NAMES_CONCURRENCY_MUTANTS)
}
"""Those that take two."""

BESIDE_SYNC: Mapping[str, Mutant] = {
    mutant.name: mutant for mutant in (*BESIDE_SYNC_MUTANTS, *INDIRECT_MUTANTS, *TXG_MUTANTS)
}
"""Those that are looked for beside a txg that syncs."""

__all__ = ["BESIDE_SYNC", "CONCURRENT", "MUTANTS", "SLIP", "Mutant", "applied"]


def applied(name: str) -> contextlib.AbstractContextManager[None]:
    """The model with the mutant of that name. Raises KeyError, EditProblem."""
    return {**MUTANTS, **CONCURRENT, **BESIDE_SYNC}[name].applied()
