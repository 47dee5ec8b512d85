"""One op as the functions of this package take it, and what they answer. Knows neither library nor wire."""

from __future__ import annotations

import struct
from typing import NamedTuple

from fuzz.execution.result import Value
from fuzz.language.program import Key


class Call(NamedTuple):
    """An op with numbers for its ZAPs and cursors, and with its keys as they lie in memory. `verb` is the
    index in VERBS of the verb that is meant; whoever has the verb's function in hand needs no verb."""

    subject: int = 0
    other: int = 0
    key: bytes = b""
    to: bytes = b""
    size: int = 0
    length: int = 0
    fill: int = 0
    extra: int = 0
    verb: int = -1


Answer = int | tuple[int, Value]
"""An errno alone, or an errno and a value."""


def pack_key(key: Key | None) -> bytes:
    """A key as it lies in memory: words little-endian, a name as it is."""
    if key is None:
        return b""
    if isinstance(key, bytes):
        return key
    return key[0].to_bytes(8, "little") if len(key) == 1 else struct.pack(f"<{len(key)}Q", *key)
