"""Numbers as C prints and reads them: 18, 0x12 and, with a zero before it, 022 of base eight (umask)."""

from __future__ import annotations

import re

_NUMBER = re.compile(rb"[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_LONGEST = 64


def c_number(text: bytes) -> int:
    """strtoll() of base 0: as far as its digits go, and no more of them than a number can have."""
    found = _NUMBER.match(text[:_LONGEST])
    if found is None:
        return 0
    digits = found[0].lstrip(b"+-")
    return int(found[0], 8 if digits.isdigit() and digits.startswith(b"0") else 0)
