"""What `zdb -R` without the flag r prints, a block as text (zdb_dump_block in cmd/zdb/zdb.c), as bytes."""

from __future__ import annotations

import re

_HEAD = re.compile(rb"^ {6,}(?: 0 1 2 3 4 5 6 7|( 7 6 5 4 3 2 1 0)) ", re.M)
_LINE = re.compile(rb"([0-9a-f]{6,}): +([0-9a-f]{16}) +([0-9a-f]{16}) ")


class BadDump(ValueError):
    """The text has a gap; it says where in one line."""


def zdb_dump(text: bytes) -> bytes | None:
    """The bytes of a text of `zdb -R`, of several blocks one after the other; None if it is no such text.

    Raises BadDump where lines are missing or cut.
    """
    head = _HEAD.search(text)
    if head is None:
        return None
    out = bytearray()
    block = 0
    started = swapped = False
    for number, line in enumerate(text.splitlines(), 1):
        if (head := _HEAD.match(line)) is not None:
            started, swapped = True, head[1] is not None
            block = len(out)
            continue
        match = _LINE.match(line)
        if match is None:
            if started and re.match(rb"[0-9a-f]{6,}:", line):
                raise BadDump(f"line {number}: cut; expected two words of 16 hex digits")
            continue
        if not started:
            raise BadDump(
                f"line {number}: the dump's head is missing, which says in what order its bytes are"
            )
        at = int(match[1], 16)
        if at != len(out) - block:
            raise BadDump(f"line {number}: offset {at:#x}, expected {len(out) - block:#x}: lines are missing")
        for digits in match.groups()[1:]:
            word = bytes.fromhex(digits.decode())
            out += word[::-1] if swapped else word
    return bytes(out) if out else None
