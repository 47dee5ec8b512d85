"""Unicode 5.0, the version that OpenZFS's tables have, out of Python's newer one. Knows no ZAP.

Mappings and classes of a character never change once it is assigned, but new characters bring new mappings,
for old ones too (U+0250 has an uppercase since 5.1). So Python's data hold where a character, and all that it
maps to, was assigned in 5.0. Python still has the data of 3.2; `ADDED` are the characters of 4.0 to 5.0 for
which it matters. Compared with the tables of u8_textprep.c of 2.1.11 and 2.3.2 over all code points, this
gives the same for each of them. One mapping is OpenZFS's own choice: U+0130 lowers to a plain i.
"""

from __future__ import annotations

import functools
import unicodedata
from itertools import chain
from typing import NamedTuple

_ADDED = """
237 23a-23e 241-24f 350-35f 37b-37d 3f7-3fb 3fd-3ff 4cf 4f6-4f7 4fa-4ff 510-513 5a2 5ba 5c5 5c7 610-615
656-65e 7eb-7f3 cbc 10fc 135f 17dd 1939-193b 1a17-1a18 1b05-1b0e 1b11-1b12 1b34-1b35 1b3a-1b44 1b6b-1b73 1d02
1d16-1d17 1d1c-1d1d 1d25 1d2c-1d2e 1d30-1d3a 1d3c-1d4d 1d4f-1d6a 1d78 1d7b 1d7d 1d85 1d9b-1dca 1dfe-1dff
2090-2094 20eb-20ef 213b-213c 214e 2184 2c00-2c2e 2c30-2c5e 2c60-2c6c 2c75-2c76 2c80-2ce3 2d00-2d25 2d61 2d6f
321d-321e 3250 327c-327e 32cc-32cf 3377-337a 33de-33df 33ff a806 fa70-fad9 fe10-fe19 fe47-fe48 10426-10427
1044e-1044f 10a0d 10a0f 10a38-10a3a 10a3f 1d242-1d244 1d4c1 1d6a4-1d6a5 1d7ca-1d7cb
"""


def _points(ranges: str) -> frozenset[int]:
    points: set[int] = set()
    for word in ranges.split():
        first, _, last = word.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(points)


ADDED = _points(_ADDED)
_WITH_MAPPINGS = (range(0x80, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x1E000), range(0x2F800, 0x2FA20))
"""Outside of these there are ideographs, Hangul syllables, surrogates, private use and nothing: no character
there has a mapping or a class."""


class Tables(NamedTuple):
    """Maps from characters to characters, each as its bytes; what is not there maps to itself, has no class
    (0) and composes with nothing. Hangul syllables are not in them."""

    upper: dict[bytes, bytes]
    lower: dict[bytes, bytes]
    canonical: dict[bytes, tuple[bytes, ...]]
    compatible: dict[bytes, tuple[bytes, ...]]
    classes: dict[bytes, int]
    pairs: dict[bytes, dict[bytes, bytes]]


def _known(text: str) -> bool:
    """Whether every character was assigned in Unicode 5.0."""
    category = unicodedata.ucd_3_2_0.category
    return all(category(each) != "Cn" or ord(each) in ADDED for each in text)


def _upper(character: str) -> str:
    """The simple uppercase mapping: where the full one is longer, the title case if that is not."""
    for mapped in (character.upper(), character.title()):
        if len(mapped) == 1:
            return mapped
    return character


def _lower(character: str) -> str:
    mapped = character.lower()
    return mapped if len(mapped) == 1 else "i" if character == "\u0130" else character


@functools.cache
def tables() -> Tables:
    """The tables, made on first use."""
    made = Tables({}, {}, {}, {}, {}, {})
    for character in map(chr, chain(*_WITH_MAPPINGS)):
        if not _known(character):
            continue
        raw = character.encode()
        for case, mapped in ((made.upper, _upper(character)), (made.lower, _lower(character))):
            if mapped != character and _known(mapped):
                case[raw] = mapped.encode()
        if combining := unicodedata.combining(character):
            made.classes[raw] = combining
        if not unicodedata.decomposition(character):
            continue
        for form, table in (("NFD", made.canonical), ("NFKD", made.compatible)):
            parts = unicodedata.normalize(form, character)  # type: ignore[arg-type]
            if parts != character and _known(parts):
                table[raw] = tuple(part.encode() for part in parts)
        _add_pair(made.pairs, character, raw)
    return made


def _add_pair(pairs: dict[bytes, dict[bytes, bytes]], character: str, raw: bytes) -> None:
    """Note a primary composite: a canonical mapping to two characters that NFC takes back."""
    mapping = unicodedata.decomposition(character).split()
    if len(mapping) == 2 and not mapping[0].startswith("<"):
        first, second = (chr(int(word, 16)) for word in mapping)
        if unicodedata.normalize("NFC", first + second) == character:
            pairs.setdefault(first.encode(), {})[second.encode()] = raw
