"""Numbers as C prints and reads them: 18, 0x12 and, with a zero before it, 022 of base eight (umask)."""

from __future__ import annotations


def c_number(text: bytes) -> int:
    """strtoll() of base 0, of all of the text. Raises ValueError for what is no number there."""
    digits = text.lstrip(b"+-")
    return int(text, 8 if digits[:1] == b"0" and digits.isdigit() else 0)
