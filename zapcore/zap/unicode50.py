"""Unicode 5.0, which is the version of OpenZFS's tables, made from Python's newer data. Knows no ZAP.

The mappings and the class of a character never change after it was assigned. But a new character can bring a
new mapping to an old one: U+0250 has an uppercase letter since 5.1. So Python's data are right for 5.0 if the
character, and all that it maps to, was assigned in 5.0. Python also has the data of Unicode 3.2, and `ADDED`
has the characters of 4.0 to 5.0 for which it matters whether they were assigned.

Over all code points, the result is the same as the tables of u8_textprep.c in 2.1.11 and in 2.3.2. One
mapping is OpenZFS's own choice: the lowercase of U+0130 is a plain i.
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
"""No character outside of these ranges has a mapping or a class. There are ideographs, Hangul syllables,
surrogates, characters for private use, and code points without a character."""


class Tables(NamedTuple):
    """Maps from characters to characters, each as its bytes in UTF-8. A character that is not in a map is
    mapped to itself, has class 0, or composes with nothing. Hangul syllables are in none of the maps."""

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
    """The simple uppercase mapping. If the full mapping has several characters, it is the title case if that
    has one."""
    for mapped in (character.upper(), character.title()):
        if len(mapped) == 1:
            return mapped
    return character


def _lower(character: str) -> str:
    mapped = character.lower()
    return mapped if len(mapped) == 1 else "i" if character == "\u0130" else character


@functools.cache
def tables() -> Tables:
    """The tables. They are made at the first call."""
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
    """Note a character if it is a primary composite: it has a canonical mapping to two characters, and NFC
    composes these two to it again."""
    mapping = unicodedata.decomposition(character).split()
    if len(mapping) == 2 and not mapping[0].startswith("<"):
        first, second = (chr(int(word, 16)) for word in mapping)
        if unicodedata.normalize("NFC", first + second) == character:
            pairs.setdefault(first.encode(), {})[second.encode()] = raw
