"""Random programs over everything that the language has: all verbs, kinds of ZAPs, keys up to and beyond the
limits, names that are equal once normalized, names made for a wanted hash.

The programs of `fuzz.generate.leaf_programs` are about how leaves come and go. These are about every answer
that an op can give. The only source of chance is the `random.Random` that is passed in.
"""

from __future__ import annotations

import unicodedata
from functools import partial
from random import Random
from typing import Any

from fuzz.generate.keys_for_hash import key_for
from fuzz.generate.rooms import room_for_value
from fuzz.language.program import (
    DEFAULT_SALT,
    MAX_NAME,
    MAX_VALUE,
    TO_UPPER,
    U64,
    Dataset,
    Key,
    Op,
    Program,
    Zap,
)
from fuzz.language.validate import FORMS, NORMS
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import INTS, VALUED
from fuzz.language.verbs import VERBS
from zapcore.hashing import name_for_hash

WEIGHTS = {name: verb.draw.anywhere for name, verb in VERBS.items() if verb.draw.anywhere}
"""How often each verb is drawn (those without a number never). `reopen` is rare, since it takes as long as
forty other ops."""

DIRECTORIES = {
    **{"touch": 10, "mkdir": 9, "unlink": 6, "rmdir": 6, "rename": 15, "readdir": 1, "count": 0.5},
    **{"symlink": 1, "link": 3, "exchange": 4, "whiteout": 3, "getdents": 2},
    **{"txg": 2, "sync": 0.5, "finish": 1, "evict": 0.3, "cursor": 0.5, "next": 1, "lookup": 0.5},
}
"""The same for programs about directories."""

PIECES = [
    piece.encode()
    for piece in ("a", "A", "x", "é", "e\u0301", "E\u0301", "É", "Å", "A\u030a", "\u212b", "ﬁ", "fi", "FI")
]
PIECES += [piece.encode() for piece in ("가", "\u1100\u1161", "dž", "Dž", "ß", "\u0345", "\u0344", "\u0958")]
# two marks of one combining class, what is no final consonant of a syllable, and letters that compose with
# the one after them
PIECES += [piece.encode() for piece in ("e\u030d\u0301", "가\u11a7", "\u0b15\u0b47\u0b3e")]
# marks of several classes, which stand in one order in a normal form
PIECES += [piece.encode() for piece in ("a\u0302\u0323", "\u00e2\u0323", "o\u031b\u0301")]
PIECES += [b"\xff", b"\xc3", b"\xe3\x81"]
"""Names are put together from these: letters in several forms and cases, and bytes that are no UTF-8."""

_GROWING = [text.encode() for text in ("\u0344", "\ufb03", "é")]
"""Characters whose normal form may be longer than they are."""
_ABOUT_LONG = (254, 255, 256)
"""Lengths of names around 255 bytes, from where on a name is a long one."""

_LENGTHS = (0, 1, 8, 21, 22, 60, 150, 180, 186, 300, 2000, MAX_VALUE)
_SERIALIZED = (U64, 1, 0x8000000, 1 << 28, 0xFFFFFFF, 0xFFFF << 48)
_FILLS = (0, 1, 1, 2, 3, 4, 5, 6, 7, 1 << 40, 1 | 1 << 40, U64)
_FOCUSED, _FOCUS = 0.6, 10
"""The probability that a program prefers four verbs, and how many times as often it draws them."""
_TWINS = 0.15
"""The probability that all keys of a program have one hash."""
_LAST = 0.04
"""The probability that a key's first word is 2^64 - 1."""
_LONG_STEM = b"l" * 230
_HELD = 0.15
_SOON_FAT = 0.3
_MICRO_MAXIMA = (512, 512, 512, 600, 1024, 1536, 2048, 4096)
"""How often a micro ZAP has a limit of its own, and which, in bytes: 512 have room for 7 entries."""
_MOST_NAMES = 40
_SOUGHT = 9
"""How many blocks from the object's begin data and holes are looked for."""


def any_zap(rng: Random, name: str) -> Zap:
    """A header line of any kind, now and then of a ZAP whose callers hold its dnode."""
    return _any_kind(rng, name)._replace(by_dnode=rng.random() < _HELD)


def _any_kind(rng: Random, name: str) -> Zap:
    kind = rng.random()
    salt = rng.choice((DEFAULT_SALT, rng.getrandbits(64) | 1))
    norm = rng.choice(NORMS) if rng.random() < 0.5 else 0
    if kind < 0.35:
        plain = Zap(name, fat=False, leaf_shift=rng.choice((9, 10, 12, 14)), norm=norm, salt=salt)
        plain = with_micro_max(rng, plain)
        return with_dataset(rng, plain) if rng.random() < 0.4 else plain
    shift = rng.choice((9, 9, 9, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17))
    if kind < 0.65:
        return Zap(name, hash64=True, leaf_shift=shift, norm=norm, salt=salt)
    words = rng.choice((1, 1, 1, 2, 3, rng.randint(4, 31), 32, 33))
    ahead, wide = rng.random() < 0.6, rng.random() < 0.5
    shorter = words > 1 and not ahead and rng.random() < 0.3  # with hashes of their own it is a finding
    shape = Zap(name, words=words, prehashed=ahead, hash64=wide, leaf_shift=shift, salt=salt)
    return shape._replace(shorter=shorter)


def with_micro_max(rng: Random, zap: Zap) -> Zap:
    """A micro ZAP that now and then becomes fat soon, for nothing but that it is full."""
    return zap._replace(micro_max=rng.choice(_MICRO_MAXIMA)) if rng.random() < _SOON_FAT else zap


def with_dataset(rng: Random, zap: Zap) -> Zap:
    """The directory of a file system with any properties, in place of a micro ZAP."""
    case = rng.randrange(3)
    form = rng.choice((0, 0, *FORMS.values()))
    dataset = Dataset(case, bool(form) or rng.random() < 0.3, rng.random() < 0.5)
    return zap._replace(norm=form | TO_UPPER * bool(case), dataset=dataset)


def any_key(rng: Random, zap: Zap) -> Key:
    """A key for a ZAP. Its hash may be near those of others, it may equal others once normalized, it may have
    the longest length, or it may be anything."""
    if zap.shorter and rng.random() < 0.4:
        words = min(rng.randint(1, 3), zap.words)
        return (rng.getrandbits(3) << 61, *rng.choices((0, 1), k=words - 1))
    if zap.words:
        if rng.random() < 0.7:
            rest = [rng.choice((0, 1, U64))] * (zap.words - 1)
            if rest and rng.random() < 0.5:
                rest[-1] = rng.randrange(3)  # others differ in the last word only
            return (U64 if rng.random() < _LAST else rng.getrandbits(3) << 61, *rest)
        return tuple(rng.getrandbits(64) for _ in range(zap.words))
    choice = rng.random()
    if zap.norm and choice < 0.6:
        return b"".join(rng.choices(PIECES, k=rng.choice((1, 1, 1, 2, 3))))
    if choice < 0.75:
        stem = _LONG_STEM if rng.random() < 0.1 else b"%d" % rng.randrange(_MOST_NAMES)
        return name_for_hash(zap.salt, rng.getrandbits(3) << 61, rng.choice((3, 28, 48, 64)), stem)
    if choice < 0.85:
        length = rng.choice((1, 2, 21, 22, 48, 49, 50, 51, 254, 255, 256, 257, 600, 1023, 1024, MAX_NAME))
        return bytes([rng.randrange(97, 110)]) * length
    if zap.norm and choice < 0.9:
        piece = rng.choice(_GROWING)
        if rng.random() < 0.4:
            long = rng.choice(_ABOUT_LONG)
            return piece * (long // len(piece)) + b"a" * (long % len(piece))
        times = rng.randrange(*rng.choice(((60, 100), (250, 400))))
        return (piece * times)[:MAX_NAME]
    return b"%d" % rng.randrange(_MOST_NAMES)


_FORMS = [partial(unicodedata.normalize, form) for form in ("NFC", "NFD", "NFKC", "NFKD")]


def _disordered(rng: Random, text: str) -> str:
    """The text with the marks behind each letter in any order, some of them composed with it: the same name
    where marks are of different classes."""
    clusters: list[str] = []
    for letter in unicodedata.normalize("NFD", text):
        if clusters and unicodedata.combining(letter):
            clusters[-1] += letter
        else:
            clusters.append(letter)
    spelled = []
    for cluster in clusters:
        marks = list(cluster[1:])
        rng.shuffle(marks)
        composed = rng.choice((0, 1, len(marks)))
        spelled.append(unicodedata.normalize("NFC", cluster[0] + "".join(marks[:composed])))
        spelled += marks[composed:]
    return "".join(spelled)


def respelled(rng: Random, name: bytes) -> bytes:
    """The name in other cases or another Unicode form: the same one to some ZAPs, another to others."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return name.swapcase()
    if any(map(unicodedata.combining, unicodedata.normalize("NFD", text))) and rng.random() < 0.3:
        text = _disordered(rng, text)
    elif rng.random() < 0.5:
        text = "".join(letter.swapcase() if rng.random() < 0.6 else letter for letter in text)
    else:
        text = rng.choice(_FORMS)(rng.choice((text, text.upper(), text.lower())))
    return text.encode()[:MAX_NAME]


class _Program:
    """A program being drawn."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        directories = rng.random() < 0.2
        self.weights = dict(DIRECTORIES if directories else WEIGHTS)
        if rng.random() < _FOCUSED:
            for verb in rng.sample([verb for verb in self.weights if verb != "reopen"], 4):
                self.weights[verb] *= _FOCUS
        self.zaps = [any_zap(rng, name) for name in "zyx"[: rng.choice((1, 1, 2, 3))]]
        if directories:
            self.zaps = [zap if not zap.words else Zap(zap.name, fat=False) for zap in self.zaps]
            if rng.random() < 0.5:  # all of one file system, so that names can move
                one = with_dataset(rng, self.zaps[0])
                self.zaps = [
                    zap._replace(fat=False, hash64=False, norm=one.norm, dataset=one.dataset)
                    for zap in self.zaps
                ]
            if rng.random() < 0.3:  # names lead from one to the other
                numbers = enumerate(self.zaps, 2)
                self.zaps = [zap._replace(inode=number) for number, zap in numbers]
        self.named = [zap for zap in self.zaps if not zap.words]
        self.keys: dict[str, list[Key]] = {zap.name: [] for zap in self.zaps}
        self.lengths = rng.choices(_LENGTHS, k=3)
        self.hash = rng.getrandbits(64) if rng.random() < _TWINS else None

    def key(self, zap: Zap) -> Key:
        """Mostly a key that was drawn before, else a new one."""
        known = self.keys[zap.name]
        if known and self.rng.random() < 0.8:
            return self.rng.choice(known)
        twins = self.hash is not None and not (zap.prehashed and zap.words == 1)
        known.append(key_for(zap, self.hash or 0, 64, self.rng) if twins else any_key(self.rng, zap))
        return known[-1]

    def op(self) -> Op:
        """Any op."""
        rng = self.rng
        name = rng.choices(list(self.weights), list(self.weights.values()))[0]
        verb = VERBS[name]
        if verb.subject is Subject.NONE:
            numbers: dict[str, Any] = {number.field: self.number(number) for number in verb.numbers}
            return Op(name, **numbers)
        named = verb.names and self.named and rng.random() < 0.9
        zap = rng.choice(self.named if named else self.zaps)
        fields: dict[str, Any] = {number.field: self.number(number) for number in verb.numbers}
        if verb.other:
            fields["other"] = rng.choice(self.zaps).name
        if verb.subject is Subject.CURSOR:
            if verb.numbers:
                fields["fill"] = rng.choice((0, 0, 0, *_SERIALIZED, rng.getrandbits(28), rng.getrandbits(50)))
            return Op(name, rng.choice("cd"), **fields)
        if name in VALUED:
            fields |= self.value(zap)
        elif name in ("lookup", "lookup_norm") and rng.random() < 0.7:
            fields |= {"size": 8, "length": rng.choice((1, 1, 1, 0, 2, 1024))}
            if rng.random() < 0.3:
                fields |= {"size": 1, "length": room_for_value(rng, rng.choice(self.lengths))}
        elif name == "search":
            fields = {"fill": rng.choice(_FILLS), "extra": rng.choice((0, 0, 7, 1, 1 << 40, U64 - 1))}
        elif name == "increment":
            fields["fill"] = rng.choice((1, U64, rng.choice(_FILLS), -rng.choice(_FILLS) & U64))
        elif name == "seek":
            fields["fill"] = rng.randrange(_SOUGHT) << rng.choice((zap.leaf_shift, 9, 0))
        elif "fill" in fields:
            wide = 1 << 32 if name in INTS and rng.random() < 0.15 else 0
            fields["fill"] = rng.randrange(8) | wide
        if verb.key:
            fields["key"] = self.key(zap)
        if verb.to:
            fields["to"] = self.key(zap)
        return Op(name, zap.name, **fields)

    def number(self, number: Any) -> int:
        """A number for a verb: its default half of the time, else one of its bounds, or a small one."""
        rng = self.rng
        if not number.drawn or rng.random() < 0.5:
            return int(number.default)
        small = rng.randrange(number.low, max(number.low, min(number.high, 9)) + 1)
        return int(rng.choice(number.choices or (number.low, number.high, small)))

    def value(self, zap: Zap) -> dict[str, int]:
        """A value: one 64-bit integer, as directories have it, or some number of bytes, now and then too
        many."""
        rng = self.rng
        if rng.random() < (0.35 if zap.fat or zap.norm else 0.75):
            size = rng.choice((8, 8, 8, 4, 2, 1)) if zap.fat else 8
            return {"size": size, "length": 1, "fill": rng.choice(_FILLS)}
        size = rng.choice((1, 1, 2, 4, 8))
        length = MAX_VALUE if rng.random() < 0.02 else rng.choice(self.lengths) // size
        return {"size": size, "length": length, "fill": rng.getrandbits(8)}


def _orphan(zap: Zap, key: Key) -> list[Op]:
    """Open a cursor on a ZAP, make the ZAP fat, and destroy it. The cursor then finds a header of zeros
    (EIO)."""
    steps = [Op("add", zap.name, key, 8, 1), Op("cursor", "e", other=zap.name), Op("next", "e")]
    return [*steps, Op("update", zap.name, key, 8, 2), Op("destroy", zap.name), Op("next", "e")]


def whole_language_program(rng: Random) -> Program:
    """A whole program."""
    drawn = _Program(rng)
    ops = [drawn.op() for _ in range(rng.randrange(20, 120))]
    micro = [zap for zap in drawn.zaps if not zap.fat]
    if micro and rng.random() < 0.4:
        at = rng.randrange(len(ops))
        zap = rng.choice(micro)
        ops[at:at] = [*_orphan(zap, b"%d" % rng.randrange(_MOST_NAMES)), Op("create", zap.name)]
    return Program(tuple(drawn.zaps), tuple(ops))
