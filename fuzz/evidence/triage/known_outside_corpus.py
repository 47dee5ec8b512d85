"""What is known of failures outside of the corpus: fixed in OpenZFS, or no bug of the ZAP. Reads one table.

Also what numbers of errors are called, for values that a log prints.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.evidence.triage.events import Event

TABLE = Path(__file__).with_name("known_failures.toml")

_LINUX = {
    1: "EPERM", 2: "ENOENT", 5: "EIO", 6: "ENXIO", 9: "EBADF", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES", 14:
    "EFAULT",
    16: "EBUSY", 17: "EEXIST", 19: "ENODEV", 20: "ENOTDIR", 21: "EISDIR", 22: "EINVAL", 27: "EFBIG", 28:
    "ENOSPC",
    30: "EROFS", 34: "ERANGE", 36: "ENAMETOOLONG", 39: "ENOTEMPTY", 52: "ECKSUM (a checksum does not match)",
    61: "ENODATA", 75: "EOVERFLOW", 84: "EILSEQ", 95: "ENOTSUP", 116: "ESTALE", 122: "EDQUOT",
}  # fmt: skip
_FREEBSD = {
    **{number: name for number, name in _LINUX.items() if number < 35 and number != 11},
    35: "EAGAIN", 63: "ENAMETOOLONG", 66: "ENOTEMPTY", 69: "EDQUOT", 70: "ESTALE", 84: "EOVERFLOW", 45:
    "ENOTSUP",
    97: "ECKSUM (a checksum does not match)", 122: "ECKSUM (a checksum does not match)", 86: "EILSEQ", 7:
    "E2BIG",
}  # fmt: skip
_ILLUMOS = {
    **{number: name for number, name in _LINUX.items() if number < 35},
    50: "ECKSUM (a checksum does not match)", 48: "ENOTSUP", 49: "EDQUOT", 78: "ENAMETOOLONG", 79:
    "EOVERFLOW",
    93: "ENOTEMPTY", 151: "ESTALE",
}  # fmt: skip
_IN_FREEBSD = {
    **{(13, 0): (2, 0, 0), (13, 1): (2, 1, 4), (13, 2): (2, 1, 9), (13, 3): (2, 1, 14)},
    **{(14, 0): (2, 2, 0), (14, 1): (2, 2, 4), (14, 2): (2, 2, 6), (14, 3): (2, 2, 7), (14, 4): (2, 2, 9)},
    **{(15, 0): (2, 4, 0), (15, 1): (2, 4, 2)},
}
"""The OpenZFS in the base of each release of FreeBSD, by its release notes (15.0 has 2.4.0-rc4; of 13.0 they
say no number, of 13.4 and 13.5 nothing new); later ones of a series have at least that."""
_ERRORS = {"freebsd": _FREEBSD, "macos": _FREEBSD, "illumos": _ILLUMOS}


class Told(NamedTuple):
    """What the table asks of a failure."""

    kind: str
    file: str
    function: str
    said: str
    stack: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """One entry of the table. `fixed` are first releases of their series; `check` says that the object
    should be
    looked at by `zapfuzz check`."""

    title: str
    words: str = ""
    issue: str = ""
    fix: str = ""
    fixed: tuple[str, ...] = ()
    since: str = ""
    kinds: tuple[str, ...] = ()
    function: str = ""
    stack: str = ""
    expression: str = ""
    file: str = ""
    meanwhile: str = ""
    harmless: bool = False
    check: bool = False

    @property
    def elsewhere(self) -> bool:
        """True for what is no failure of the ZAP."""
        return self.words.startswith("Not the ZAP")

    def fits(self, told: Told) -> bool:
        """True if all that the entry asks is so in this failure."""
        return (
            (not self.kinds or told.kind in self.kinds)
            and (not self.function or re.fullmatch(self.function, told.function) is not None)
            and (not self.file or re.fullmatch(self.file, told.file) is not None)
            and (not self.expression or re.search(self.expression, told.said) is not None)
            and (not self.stack or any(re.fullmatch(self.stack, name) for name in told.stack))
        )

    def in_release(self, version: tuple[int, ...] | None) -> bool | None:
        """Whether a release has this failure; None if that cannot be told."""
        if version is None or not self.fixed:
            return None
        if self.since and version < numbers(self.since):
            return False
        for first in map(numbers, self.fixed):
            if version[:2] == first[:2]:
                return version < first
        return version < max(map(numbers, self.fixed))


def numbers(version: str) -> tuple[int, ...]:
    """2.2.4-1ubuntu3 as (2, 2, 4)."""
    return tuple(int(part) for part in re.findall(r"\d{1,6}", version.partition("-")[0])[:4])


def release_of(event: Event) -> tuple[int, ...] | None:
    """The release of OpenZFS that the log names, (0,) for a ZFS from before it, None if it names none.

    Of FreeBSD it is the one in its base system.
    """
    if "zfs" in event.versions:
        return numbers(event.versions["zfs"]) or None
    if "legacy" in event.versions:
        return (0,)
    freebsd = numbers(event.versions.get("freebsd", ""))
    if not freebsd:
        return None
    if freebsd < (13,):
        return (0,)
    older = [release for release in _IN_FREEBSD if release[0] == freebsd[0] and release <= freebsd]
    return _IN_FREEBSD[max(older)] if older else None


@functools.cache
def notes() -> tuple[Note, ...]:
    """The table."""
    with TABLE.open("rb") as file:
        entries = tomllib.load(file)["failure"]
    return tuple(_note(entry) for entry in entries)


def _note(entry: dict[str, Any]) -> Note:
    fields: dict[str, Any] = {
        name: tuple(text) if isinstance(text, list) else text for name, text in entry.items()
    }
    return Note(**fields)


def notes_for(event: Event) -> Sequence[tuple[Note, bool | None]]:
    """The entries that fit a failure, each with whether the log's release has it (None: it cannot be told).

    Fixes that this release has already are left out; of the entries that only say what a failure means, the
    first counts.
    """
    kind, place, expression, stack = event.signature
    file, _, function = place.partition(":")
    return _notes_for(Told(kind, file, function, expression or event.message, stack), release_of(event))


@functools.lru_cache(maxsize=256)
def _notes_for(told: Told, version: tuple[int, ...] | None) -> Sequence[tuple[Note, bool | None]]:
    """The same, remembered: a report asks several times, and a log tells one failure again and again."""
    found: list[tuple[Note, bool | None]] = []
    meaning = False
    for note in notes():
        if not note.fits(told) or (not note.fix and meaning):
            continue
        here = note.in_release(version)
        if here is False:
            continue
        meaning = meaning or not note.fix
        if note.harmless and not note.fix and any(each.harmless for each, _ in found):
            continue
        found.append((note, here))
    return found


def error_name(event: Event) -> str:
    """The name of the error that an assertion `call() == 0` met, empty if it is none."""
    assertion = event.assertion
    if assertion is None or assertion.values is None or assertion.operator != "==":
        return ""
    zero = ("0", "0x0")
    if (
        not (assertion.expression.endswith("== 0") or assertion.expression.startswith("0 == "))
        or "(" not in assertion.expression
    ):
        return ""
    others: Sequence[str] = [value for value in assertion.values if value not in zero]
    if len(others) != 1:
        return ""
    try:
        number = int(others[0], 0)
    except ValueError:
        return ""
    return _ERRORS.get(event.form, _LINUX).get(abs(number), "")
