"""What a mutant is: one seeded fault of the model, kept apart from it."""

from __future__ import annotations

import contextlib
import dataclasses

from fuzz.faults.edits import Edit, applied

SLIP = "slip"
"""Origin of a mutant that is a classical slip, not a bug of OpenZFS's history."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mutant:
    """`wrong` says what is wrong, `origin` the OpenZFS commit that repaired or brought such a thing, or SLIP;
    `seen` what ought to notice it: the oracle, an invariant, an assertion, a deadlock, a suspended pool, or
    `bytes`, the comparison with a model that is right. `differential` mutants are seen by their bytes alone.

    `release` is one in which it shows; `hash_bits` how many bits hashes have where it is looked for, 0 for as
    many as OpenZFS takes.
    """

    name: str
    wrong: str
    origin: str
    seen: str
    edits: tuple[Edit, ...]
    release: str = "2.3"
    hash_bits: int = 0

    @property
    def differential(self) -> bool:
        """Whether only its bytes differ: answers, assertions and invariants stay what they should be."""
        return self.seen == "bytes"

    def applied(self) -> contextlib.AbstractContextManager[None]:
        """The model with this fault, for as long as the context lasts. Raises EditProblem."""
        return applied(*self.edits)
