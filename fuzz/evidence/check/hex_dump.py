"""What `zdb -R` without the flag r prints, a block as text (zdb_dump_block in cmd/zdb/zdb.c), as bytes.

The head of such a text says in which order the bytes of a word are, and from 2.0 to 2.2 it says so wrongly on
Linux: zdb.c asked for _LITTLE_ENDIAN, which was _ZFS_LITTLE_ENDIAN by then. The characters at the end of each
line are always in order, and decide.
"""

from __future__ import annotations

import re

_HEAD = re.compile(rb"^ {6,}(?: 0 1 2 3 4 5 6 7|( 7 6 5 4 3 2 1 0)) ", re.M)
_LINE = re.compile(rb"([0-9a-f]{6,}): +([0-9a-f]{16}) +([0-9a-f]{16}) {0,2}(.*)")
_SHOWN = bytes(byte if 32 <= byte < 127 else ord(".") for byte in range(256))
"""What each byte is at the end of a line."""


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
    block: list[tuple[bytes, bytes, bytes]] = []
    started = swapped = False
    for number, line in enumerate(text.splitlines(), 1):
        if (head := _HEAD.match(line)) is not None:
            out += _in_order(block, swapped)
            started, swapped, block = True, head[1] is not None, []
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
        if at != 16 * len(block):
            raise BadDump(f"line {number}: offset {at:#x}, expected {16 * len(block):#x}: lines are missing")
        block.append((bytes.fromhex(match[2].decode()), bytes.fromhex(match[3].decode()), match[4]))
    out += _in_order(block, swapped)
    return bytes(out) if out else None


def _in_order(block: list[tuple[bytes, bytes, bytes]], swapped: bool) -> bytes:
    """The bytes of a block's lines, in the order that fits the characters shown; the head's if both do."""
    orders = {
        False: b"".join(first + second for first, second, _ in block),
        True: b"".join(first[::-1] + second[::-1] for first, second, _ in block),
    }
    shown = b"".join(text[:16].ljust(16) for *_, text in block)
    fits = {order: sum(map(int.__eq__, data.translate(_SHOWN), shown)) for order, data in orders.items()}
    return orders[swapped if fits[False] == fits[True] else fits[True] > fits[False]]
