"""What makes two failures the same bug, and what a failure is. Knows no target and no engine."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

JUDGED_KINDS = ("oracle", "invariant", "linearizability", "work")
"""Failures that only a judged run can meet, after an op that has ended; the others end the target by
themselves, and cheaper."""

SILENT_KINDS = (*JUDGED_KINDS, "stale-bytes")
"""Failures of which a real library shows nothing there and then: it is asked for what comes before only."""


class Signature(NamedTuple):
    """Kind, place (file:function), expression, and the OpenZFS functions on the stack, innermost first.

    Never an address, a line number or a value: those change between runs of the same bug.
    """

    kind: str
    place: str
    expression: str
    stack: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What two failures share if they are one bug, however each got there."""
        return (self.kind, self.place, self.expression)

    @classmethod
    def of(cls, text: str) -> Signature:
        """The signature that has this text; what the text lacks is empty, and so is the stack."""
        kind, place, expression = (*text.split(" ", 2), "", "")[:3]
        return cls(kind, place, expression)

    def __str__(self) -> str:
        return f"{self.kind} {self.place} {self.expression}"


@dataclasses.dataclass(frozen=True, slots=True)
class Failure(Exception):
    """A run that went wrong: its signature, the text a person reads, and the op (index) that did it: -1 where
    none had run yet, the number of ops where all had."""

    signature: Signature
    text: str
    op: int = -1
