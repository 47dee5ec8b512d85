"""What makes two failures the same bug, and what a failure is. Knows no target and no engine."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple


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

    def __str__(self) -> str:
        return f"{self.kind} {self.place} {self.expression}"


@dataclasses.dataclass(frozen=True, slots=True)
class Failure(Exception):
    """A run that went wrong: its signature, the text a person reads, and the op (index) that did it."""

    signature: Signature
    text: str
    op: int = -1
