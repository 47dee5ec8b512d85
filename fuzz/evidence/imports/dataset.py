"""How the directories of a dataset take names, by its properties as `zfs create -o` has them."""

from __future__ import annotations

from fuzz.language.syntax import SyntaxProblem

_FORMS = {"none": 0, "formC": 0x50, "formD": 0x10, "formKC": 0x60, "formKD": 0x20}
_CASES = {"sensitive": 0, "insensitive": 2, "mixed": 2}
_WORDS = {"normalization": _FORMS, "casesensitivity": _CASES}


def norm_of(words: str) -> int:
    """A header's norm for properties such as `normalization=formD,casesensitivity=insensitive`.

    Both that fold case have U8_TEXTPREP_TOUPPER (zfsvfs_init() in zfs_vfsops.c); other properties change
    nothing here. Raises SyntaxProblem.
    """
    norm = 0
    for word in words.replace(",", " ").split():
        name, equals, value = word.partition("=")
        if not equals:
            raise SyntaxProblem("--dataset", 0, 0, "properties such as normalization=formD", word)
        values = _WORDS.get(name)
        if values is None:
            continue
        if value not in values:
            raise SyntaxProblem("--dataset", 0, 0, f"{name}={'|'.join(values)}", word)
        norm |= values[value]
    return norm
