"""How the directories of a dataset take names, by its properties as `zfs create -o` has them."""

from __future__ import annotations

from typing import NamedTuple

from fuzz.language.program import TO_UPPER, Dataset
from fuzz.language.syntax import SyntaxProblem
from fuzz.language.validate import CASES, FORMS

_SWITCH = {"off": 0, "on": 1}
_WORDS = {
    "normalization": FORMS,
    "casesensitivity": {name: number for number, name in enumerate(CASES)},
    "utf8only": _SWITCH,
    "longname": _SWITCH,
}


class Properties(NamedTuple):
    """What a header line says of a directory: the flags of its ZAP, and the file system's properties if any
    is told. `same` are the flags by which two names are one entry: with casesensitivity=mixed case tells them
    apart."""

    norm: int = 0
    dataset: Dataset | None = None

    @property
    def same(self) -> int:
        mixed = self.dataset is not None and CASES[self.dataset.case] == "mixed"
        return self.norm & ~TO_UPPER if mixed else self.norm


PLAIN = Properties()
"""Nothing is told."""


def properties_of(words: str) -> Properties:
    """A header's properties for words such as `normalization=formD,casesensitivity=insensitive`.

    Both that fold case have U8_TEXTPREP_TOUPPER (zfsvfs_init() in zfs_vfsops.c), a normalization has
    utf8only=on unless something else is said (zfs_fill_zplprops_impl() in zfs_ioctl.c), and names may be long
    unless longname=off: they are what somebody's directories have. Other properties change nothing here.
    Raises SyntaxProblem.
    """
    told: dict[str, int] = {}
    for word in words.replace(",", " ").split():
        name, equals, value = word.partition("=")
        if not equals:
            raise SyntaxProblem("--dataset", 0, 0, "properties such as normalization=formD", word)
        values = _WORDS.get(name)
        if values is None:
            continue
        if value not in values:
            raise SyntaxProblem("--dataset", 0, 0, f"{name}={'|'.join(values)}", word)
        told[name] = values[value]
    form, case = told.get("normalization", 0), told.get("casesensitivity", 0)
    if form and not told.get("utf8only", 1):
        raise SyntaxProblem("--dataset", 0, 0, "utf8only=on with a normalization", "utf8only=off")
    utf8only, longname = bool(told.get("utf8only", form)), bool(told.get("longname", 1))
    return Properties(form | TO_UPPER * bool(case), Dataset(case, utf8only, longname) if told else None)
