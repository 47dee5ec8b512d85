"""What `check_object` found: plain data."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from zapcore.verify.invariants import Violation
from zapcore.verify.words_for_hazards import Hazard
from zapcore.zap.name import Key


def shown_key(key: Key) -> str:
    """A key as a sentence has it."""
    return repr(key)[1:] if isinstance(key, bytes) else ":".join(f"{word:#x}" for word in key)


class FoundEntry(NamedTuple):
    """An entry that can be read: block, chunk (slot in a micro ZAP), key, and the value's bytes as stored,
    big-endian. `lost` where nothing leads to its leaf."""

    block: int
    chunk: int
    key: Key
    hash: int
    cd: int
    size: int
    length: int
    value: bytes
    lost: bool = False


OBJECT_BITS = 48
"""Of a directory's value; the four on top are the type (ZFS_DIRENT_OBJ, ZFS_DIRENT_TYPE)."""


def object_of(entry: FoundEntry) -> int:
    """The object to which an entry of a directory leads."""
    return int.from_bytes(entry.value[:8], "big") & ((1 << OBJECT_BITS) - 1)


@dataclasses.dataclass(slots=True)
class Report:
    """What was found. `kind` is fat, micro, leaf (one or several, without the header) or unknown;
    `byte_order` little, big or mixed; `tries` how often each operation was tried for the hazards."""

    kind: str
    byte_order: str
    block_size: int
    blocks: int
    header: dict[str, int] = dataclasses.field(default_factory=dict)
    violations: list[Violation] = dataclasses.field(default_factory=list)
    unlisted: dict[str, int] = dataclasses.field(default_factory=dict)
    hazards: list[Hazard] = dataclasses.field(default_factory=list)
    tries: dict[str, int] = dataclasses.field(default_factory=dict)
    entries: list[FoundEntry] = dataclasses.field(default_factory=list)
    entries_read: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Nothing is wrong."""
        return not self.violations
