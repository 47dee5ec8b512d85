"""Names in every normal form, for comparing the model to the real u8_textprep_str()."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from fuzz.generate.whole_language import PIECES
from fuzz.language.validate import NORMS
from zapcore.zap.norm import Unmappable, normalize

UPPER, LOWER, NFD, NFKD, NFC, NFKC = 2, 4, 0x10, 0x20, 0x50, 0x60


def form_on_model(name: bytes, flags: int, room: int) -> bytes | None:
    """A name's form on the model; None where it has none."""
    try:
        return normalize(name, flags, room)
    except Unmappable:
        return None


def forms_of_all(form: Callable[[bytes, int, int], bytes | None]) -> str:
    """A digest over all code points that Unicode has given out, in all pure forms and both cases."""
    digest = hashlib.sha256()
    for point in (*range(1, 0xD800), *range(0xE000, 0x18D10), *range(0x1B000, 0x30000)):
        name = chr(point).encode()
        for flags in (UPPER, LOWER, NFD, NFKD, NFC, NFKC):
            digest.update(form(name, flags, 256) or b"none")
    return digest.hexdigest()


def random_names(count: int) -> list[tuple[bytes, int, int]]:
    """Names of marks, jamos, letters and broken bytes, with flags and room."""
    rng = random.Random(8)
    marks = [chr(point).encode() for point in (*range(0x300, 0x370), 0x591, 0x3099, 0x93C, 0x1D165)]
    letters = [chr(p).encode() for p in (*range(0xC0, 0x250), *range(0x1E00, 0x2000), *range(0x9C0, 0xDE0))]
    jamos = [
        chr(p).encode() for p in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3))
    ]
    broken = [bytes([byte]) for byte in range(0x80, 0x100)] + [b"\xea\xb0", b"\xe1\x84"]
    choices = [marks, marks, letters, letters, jamos, [b"a", b"K", b" "], PIECES, broken]
    # a starter that takes the next one, a cut sequence that drops a mark, jamos without end
    odd = ["\u09c7\u09be", "x\u09c7\u09be\u09be", "e\u0302\u0301" + "\u0323" * 40, "a\u0301" + "\u0334" * 40]
    odd += ["\u1100\u1161\u11a8\u11a8", "\u1100" * 5, "\uac00\u11a8", "\u1fb3", "\u03b1\u0345" * 3]
    names = [(name.encode(), flags, 256) for name in odd for flags in NORMS]
    for _ in range(count):
        pieces = [rng.choice(rng.choice(choices)) for _ in range(rng.choice((1, 2, 3, 4, 6, 40)))]
        names.append((b"".join(pieces), rng.choice(NORMS), rng.choice((256, 256, 1024, 40))))
    return names


def random_pairs(count: int) -> list[tuple[bytes, bytes, int]]:
    """Pairs of names with flags; many are the same, or begin alike."""
    rng = random.Random(9)
    atoms = [b"a", b"A", b"b", b"\xff", b"\xc3", b"\xe1\x84", b"\xc0", b"\x80", b"\xf0\x9f\x98\x80"]
    atoms += [
        each.encode() for each in ("é", "e\u0301", "É", "\uac00", "\u1100", "\u1161", "\u11a8", "\u0345")
    ]
    atoms += [
        each.encode() for each in ("\u0345", "\u0323", "\u0301", "ß", "\uff21", "\u09c7\u09be", "\u0300" * 32)
    ]
    pairs = []
    for _ in range(count):
        one, more = (b"".join(rng.choices(atoms, k=rng.randint(1, 4))) for _ in range(2))
        pairs.append((one, rng.choice((one, one.swapcase(), one + more, more)), rng.choice(NORMS)))
    return pairs


ALL_FORMS = "c8c40dcb14458256643a06891967af1513df8c5cf54095fe1df6f2b3b4479088"
"""What the libraries that have lower case gave for `forms_of_all`; the same on every Python."""
