"""What Unicode says a name's normal form is, by Python's own tables: a word on `zapcore.zap.norm`, which the
rest of the oracle takes on trust. It says nothing where OpenZFS is known to do otherwise, or may."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal

from fuzz.judge.keys import form
from fuzz.judge.wrong_answers import NOT_UNICODE, Wrong
from zapcore.zap.name import MAX_NAME
from zapcore.zap.norm import CANONICAL, COMPOSE, FORMS, TO_LOWER, TO_UPPER

_MANY_MARKS = 20
"""In a row: after about 30 characters OpenZFS cuts a sequence."""
_COMPOSED_MARKS = 2
"""In a row: of more it does not ask of each whether it may compose."""
_NOT_BY_CHARACTER = re.compile(
    "[\u0345"  # the iota that is a mark, of which OpenZFS makes a letter in upper case
    "\u0130\u0131]"  # i with and without its dot
)
_NOT_COMPOSED = re.compile(
    "[\u0900-\u10ff\u1b00-\u1b7f"  # scripts in which letters compose with letters
    "\u3130-\u318f\u3200-\u32ff\uffa0-\uffdc]"  # what is compatible with a jamo, and composes with none
)


@functools.lru_cache(maxsize=4096)
def unicode_form(name: bytes, flags: int) -> bytes | None:
    """The normal form of a name, without its NUL; None where this has no say."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return None
    category = unicodedata.ucd_3_2_0.category
    if _NOT_BY_CHARACTER.search(text) or any(category(each) in ("Cn", "Co") for each in text):
        return None
    folded = ""
    for each in text:
        cased = _cased(each, flags)
        if cased is None:
            return None
        folded += cased
    if not flags & FORMS:
        return folded.encode()
    apart = unicodedata.normalize("NFKD", folded)
    marks = _longest_run_of_marks(apart)
    if marks > _MANY_MARKS or _NOT_BY_CHARACTER.search(apart) or any(map(_falls_apart, folded)):
        return None
    if flags & COMPOSE and (marks > _COMPOSED_MARKS or _NOT_COMPOSED.search(text + apart)):
        return None
    return unicodedata.normalize(_form_name(flags), folded).encode()


def wrong_form(name: bytes, flags: int) -> Wrong | None:
    """What is wrong with the form that the model gives a name, which is that on disk; None if nothing is, or
    nothing can be said."""
    wanted = unicode_form(name, flags)
    if wanted is None:
        return None
    got = form(name, flags)
    if got == wanted or (got is None and len(wanted) > MAX_NAME):
        return None
    return Wrong(NOT_UNICODE, f"{NOT_UNICODE}: expected {wanted!r}, got {got!r}")


def _form_name(flags: int) -> Literal["NFC", "NFD", "NFKC", "NFKD"]:
    if flags & COMPOSE:
        return "NFC" if flags & CANONICAL else "NFKC"
    return "NFD" if flags & CANONICAL else "NFKD"


def _cased(character: str, flags: int) -> str | None:
    """A character in the case that is asked for, a mark as it is; None where that is not one character, or
    one that Unicode 3.2 had not."""
    if not flags & (TO_UPPER | TO_LOWER):
        return character
    mapped = character.upper() if flags & TO_UPPER else character.lower()
    if len(mapped) != 1 or unicodedata.ucd_3_2_0.category(mapped) == "Cn":
        return None
    marks = unicodedata.combining(character) or unicodedata.combining(mapped)
    return None if marks and mapped != character else mapped


@functools.lru_cache(maxsize=4096)
def _falls_apart(character: str) -> bool:
    """Whether one character becomes several letters, or a letter a mark: OpenZFS goes on as it began."""
    if "\uac00" <= character <= "\ud7a3":
        return False
    parts = unicodedata.normalize("NFKD", character)
    letters = sum(not unicodedata.combining(each) for each in parts)
    return letters != (not unicodedata.combining(character))


def _longest_run_of_marks(text: str) -> int:
    longest = run = 0
    for each in text:
        run = run + 1 if unicodedata.combining(each) else 0
        longest = max(longest, run)
    return longest
