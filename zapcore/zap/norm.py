"""Unicode normalization of names, as a ZAP with normflags does it: u8_textprep_str(), told to ignore invalid
bytes.

A name is worked on in sequences. A sequence is a character with the marks that follow it, or the jamos of a
syllable. Of each sequence, the first character gets its case changed; then the sequence is decomposed, put in
canonical order and, if asked for, composed again. If this differs from what Unicode says, the docstrings say
how. From module/unicode/u8_textprep.c.
"""

from __future__ import annotations

import enum
import functools

from zapcore.zap.unicode50 import tables

CASE_SENSITIVE = 0x1
TO_UPPER = 0x2
TO_LOWER = 0x4
CANONICAL = 0x10
COMPATIBLE = 0x20
COMPOSE = 0x40
FORMS = CANONICAL | COMPATIBLE | COMPOSE

MAX_CHARACTERS = 31
"""In a sequence. A longer one is cut, with a combining grapheme joiner at the cut
(U8_UPPER_LIMIT_IN_A_SEQ)."""

JOINER = "\u034f".encode()
IOTA_SUBSCRIPT, IOTA = "\u0345".encode(), "\u0399".encode()
JAMO_BYTE = 0xE1

_SYLLABLES, _VOWELS, _TAILS = 0xAC00, 21, 28
_L, _V, _T = 0x1100, 0x1161, 0x11A7


class _State(enum.Enum):
    """What the last character of a sequence was."""

    START = enum.auto()
    MARK = enum.auto()
    L = enum.auto()
    LV = enum.auto()
    DONE = enum.auto()


class Unmappable(Exception):
    """The name has no normal form, because it ends in bytes that are no character, or because the form is too
    long."""


def width_of(byte: int) -> int:
    """How many bytes a character has that begins with this byte, or 0 if no character begins with it. The
    bytes behind it are not looked at."""
    if byte < 0x80:
        return 1
    if 0xC2 <= byte < 0xE0:
        return 2
    if 0xE0 <= byte < 0xF0:
        return 3
    return 4 if 0xF0 <= byte < 0xF5 else 0


def _point(character: bytes) -> int:
    """The code point of a character of three bytes. Whether they are valid UTF-8 is not checked."""
    return (character[0] & 0x0F) << 12 | (character[1] & 0x3F) << 6 | character[2] & 0x3F


def _is_vowel(point: int) -> bool:
    return _V <= point < _V + _VOWELS


def _is_tail(point: int) -> bool:
    return _T < point < _T + _TAILS


@functools.lru_cache(maxsize=4096)
def normalize(name: bytes, flags: int, room: int) -> bytes:
    """The normal form of a name without its NUL, in a buffer of `room` bytes (zap_normalize, zap_micro.c).

    Raises Unmappable if zap_normalize() returns an error; its callers turn that into ENOTSUP. The form of a
    name that `takes_its_nul` is what comes before the bytes that nobody wrote.
    """
    form = _form(name, flags)
    if len(form) > room:
        raise Unmappable(name)
    return form.split(b"\0", 1)[0]


def forms_of(norm: int, lower_case: bool) -> int:
    """The flags that say how names are changed, from the flags of a ZAP. In a release without `lower_case`,
    the flag for lower case changes nothing."""
    return norm if lower_case or not norm & TO_LOWER else norm & ~TO_LOWER | CASE_SENSITIVE


@functools.lru_cache(maxsize=4096)
def takes_its_nul(name: bytes, flags: int) -> bool:
    """Whether the NUL behind the name becomes a part of its last character.

    This happens if the last character should have three bytes, only two are there, and the two with the NUL
    are taken for a Hangul syllable, which is decomposed. Then no NUL ends the form, and OpenZFS goes on with
    the bytes that its buffer held before.
    """
    if name.isascii() or not flags & FORMS:
        return False
    try:
        return b"\0" not in _form(name, flags)
    except Unmappable:
        return False


def _form(name: bytes, flags: int) -> bytes:
    whole = (
        name + b"\0"
    )  # OpenZFS passes the NUL, too, and takes it for a byte of a character that is cut short
    if whole.isascii():
        mapped = name.upper() if flags & TO_UPPER else name.lower() if flags & TO_LOWER else name
        return mapped + b"\0"
    return _with_forms(whole, flags) if flags & FORMS else _with_case(whole, flags)


def fold(character: bytes, flags: int) -> bytes:
    """The simple case mapping of one character."""
    if len(character) == 1:
        return character.upper() if flags & TO_UPPER else character.lower() if flags & TO_LOWER else character
    if flags & TO_UPPER:
        return tables().upper.get(character, character)
    return tables().lower.get(character, character) if flags & TO_LOWER else character


def _with_case(whole: bytes, flags: int) -> bytes:
    """Change case and nothing else. Bytes that are no character stay as they are, and so does a character at
    the end that is cut short."""
    pieces = []
    at = 0
    while at < len(whole):
        width = width_of(whole[at])
        piece = whole[at : at + (width or 1)]
        pieces.append(fold(piece, flags) if len(piece) == width else piece)
        at += len(piece)
    return b"".join(pieces)


def _with_forms(whole: bytes, flags: int) -> bytes:
    """The normal form, made sequence by sequence. An ASCII character that another one follows is no sequence.

    Only an error of the last sequence makes the whole name an error: OpenZFS forgets an error when it comes
    to the next sequence.
    """
    pieces = []
    at = 0
    broken = False
    while at < len(whole):
        if whole[at : at + 2].isascii():
            pieces.append(fold(whole[at : at + 1], flags))
            at += 1
            continue
        width = width_of(whole[at])
        broken = not width or at + width > len(whole)
        if broken:
            piece = whole[at : at + (width or 1)]
            pieces.append(piece)
            at += len(piece)
            continue
        sequence = Sequence(whole, at, width, flags)
        pieces.append(sequence.text())
        at = sequence.end
    if broken:
        raise Unmappable(whole)
    return b"".join(pieces)


class Sequence:
    """One sequence: its characters, already decomposed, and their combining classes. `end` is the offset of
    the first byte behind it."""

    def __init__(self, whole: bytes, at: int, width: int, flags: int) -> None:
        self.whole = whole
        self.flags = flags
        self.end = at + width
        self.decompositions = tables().canonical if flags & CANONICAL else tables().compatible
        self.state = _State.START
        self.chars: list[bytes] = []
        self.classes: list[int] = []
        for part in self._decompose(fold(whole[at : self.end], flags)):
            self._append(part, tables().classes.get(part, 0))
        if self.state is _State.START and self.classes[-1]:
            self.state = _State.MARK
        base = len(self.chars)
        while self._collect():
            pass
        if len(self.chars) > base:
            self._order()

    def text(self) -> bytes:
        """Its normal form."""
        if not self.flags & COMPOSE:
            return b"".join(self.chars)
        composed = self._compose()
        return self._swallow(composed) if self.classes[-1] == 0 else composed

    def _append(self, character: bytes, combining: int) -> None:
        self.chars.append(character)
        self.classes.append(combining)

    def _decompose(self, character: bytes) -> tuple[bytes, ...]:
        if len(character) == 3:
            point = _point(character)
            if 0 <= (index := point - _SYLLABLES) < 19 * _VOWELS * _TAILS:
                tail = index % _TAILS
                self.state = _State.DONE if tail else _State.LV
                letters = [_L + index // (_VOWELS * _TAILS), _V + index // _TAILS % _VOWELS]
                return tuple(chr(letter).encode() for letter in letters + [_T + tail] * bool(tail))
            if _L <= point < _L + 19:
                self.state = _State.L
                return (character,)
            if _is_vowel(point) or _is_tail(point):
                self.state = _State.DONE
                return (character,)
        return self.decompositions.get(character, (character,))

    def _collect(self) -> bool:
        """Take the next character if it belongs to the sequence. Returns whether it does."""
        whole, at = self.whole, self.end
        width = width_of(whole[at]) if at < len(whole) else 0
        character = whole[at : at + width]
        if width < 2 or len(character) < width:
            return False
        point = _point(character) if character[0] == JAMO_BYTE else 0
        if (self.state is _State.L and _is_vowel(point)) or (self.state is _State.LV and _is_tail(point)):
            if self._full(0):
                return False
            self.state = _State.LV if self.state is _State.L else _State.DONE
            self._append(character, 0)
            self.end += width
            return True
        if not tables().classes.get(character) or self.state not in (_State.START, _State.MARK):
            return False
        self.state = _State.MARK
        parts = self.decompositions.get(character, (character,))
        if self._full(len(parts)):
            return False
        for part in parts:
            self._append(part, tables().classes.get(part, 0))
        if self.flags & TO_UPPER and self.chars[-1] == IOTA_SUBSCRIPT:
            self.chars[-1] = IOTA
        self.end += width
        return True

    def _full(self, more: int) -> bool:
        """Whether so many more characters would be too many. If they are, the sequence ends with a joiner."""
        full = len(self.chars) + more >= MAX_CHARACTERS
        if full:
            self._append(JOINER, 0)
        return full

    def _order(self) -> None:
        """Put the characters in canonical order: each run of marks is sorted by class."""
        chars, classes = self.chars, self.classes
        for end in range(1, len(chars)):
            at = end
            while at and classes[at] and classes[at - 1] > classes[at]:
                chars[at - 1], chars[at] = chars[at], chars[at - 1]
                classes[at - 1], classes[at] = classes[at], classes[at - 1]
                at -= 1

    def _blocked(self, at: int) -> bool:
        """Whether a mark may not compose, because a character between it and the first one is a starter, or
        has the same class or a higher one."""
        wanted = self.classes[at]
        return any(combining == 0 or combining >= wanted for combining in self.classes[1:at])

    def _compose(self) -> bytes:
        """Canonical composition. It differs from Unicode's in two ways: once a mark has composed, it is no
        longer asked whether a mark is blocked; and the joiner of a sequence that was cut drops the marks that
        did not compose."""
        chars, classes = self.chars, self.classes
        last = len(chars) - 1
        done: list[bytes] = []
        at = 0
        while at <= last:
            starter = chars[at]
            if at == last or classes[at]:
                done.append(starter)
                at += 1
                continue
            if starter[0] == JAMO_BYTE and (syllable := self._syllable(at)) is not None:
                done.append(syllable[0])
                at = syllable[1]
                continue
            pairs = tables().pairs.get(starter)
            if pairs is None:
                done.append(starter)
                at += 1
                continue
            at = self._compose_marks(done, at, pairs)
        return b"".join(done)

    def _syllable(self, at: int) -> tuple[bytes, int] | None:
        """The syllable that the jamos from `at` on are composed to, and the place behind them. None if they
        are none."""
        chars = self.chars
        first, second = _point(chars[at]), _point(chars[at + 1]) if len(chars[at + 1]) == 3 else 0
        if not _L <= first < _L + 19 or not _is_vowel(second):
            return None
        point = _SYLLABLES + ((first - _L) * _VOWELS + second - _V) * _TAILS
        at += 2
        if at < len(chars) and len(chars[at]) == 3 and _is_tail(_point(chars[at])):
            point += _point(chars[at]) - _T
            at += 1
        return chr(point).encode(), at

    def _compose_marks(self, done: list[bytes], at: int, pairs: dict[bytes, bytes]) -> int:
        """Compose the starter at `at` with what follows it. Returns the place behind what was used."""
        chars, last = self.chars, len(self.chars) - 1
        starter = chars[at]
        composite: bytes | None = None
        kept: list[bytes] = []
        while True:
            at += 1
            found = pairs.get(chars[at])
            if found is not None:
                composite = found
            elif self.classes[at] == 0:
                if composite is not None:
                    done.append(composite)
                done.append(chars[at - 1])
                return at
            else:
                kept.append(chars[at])
            if composite is None:
                while at < last and self._blocked(at + 1):
                    at += 1
                    kept.append(chars[at])
            following = pairs if composite is None else tables().pairs.get(composite)
            if at == last or following is None:
                break
            pairs = following
        done += [composite or starter, *kept]
        return at + 1

    def _swallow(self, text: bytes) -> bytes:
        """Take the characters behind a sequence that compose with its last character, which is a starter.
        They are taken as they are in the name, not decomposed."""
        whole = self.whole
        cut = len(text) - len(self.chars[-1])
        head, tail = text[:cut], text[cut:]
        while self.end < len(whole):
            width = width_of(whole[self.end])
            composite = tables().pairs.get(tail, {}).get(whole[self.end : self.end + width])
            if width < 2 or composite is None:
                break
            tail = composite
            self.end += width
        return head + tail
