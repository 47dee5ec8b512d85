"""A C file without the functions that its `main` does not need. Knows no program and no ZAP.

Reads only as much of C as the files in `c/` use, and keeps what it does not know.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[A-Za-z_]\w*")
_C_SILENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.S)
_C_NAMES = re.compile(
    r"^(\w+)\(|^} (\w+)[;\[]|^static (?:[\w*]+ )+\**(\w+)(?:\[[^\]]*\])*(?: = .*)?;|^typedef .*\(\*(\w+)\)",
    re.M,
)
_C_LINE = re.compile(r"static [^({]*;")
_C_COMMENT = re.compile(r"/\*(?:(?!\*/).)*\*/", re.S)


def _reached(roots: Iterable[str], uses: Mapping[str, set[str]]) -> set[str]:
    """The names that the roots use, and those use, and so on."""
    found: set[str] = set()
    todo = [name for name in roots if name in uses]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [used for used in uses[name] if used in uses]
    return found


def _c_items(text: str) -> list[tuple[int, str]]:
    """A C file's top-level parts and their numbers: what lies between blank lines that an unindented line
    follows. Of a part that is only one-line variables, each is an item of its own."""
    items = []
    for number, part in enumerate(re.split(r"\n\n+(?=\S)", text.strip("\n"))):
        lines = part.split("\n")
        single = all(map(_C_LINE.fullmatch, lines))
        items += [(number, each) for each in (lines if single else [part])]
    return items


def prune_c(text: str) -> str:
    """A C file without the functions, types and variables that `main` does not lead to, and without the
    headings that then stand over nothing."""
    items = _c_items(text)
    names = [{name for found in _C_NAMES.findall(item) for name in found if name} for _, item in items]
    uses: dict[str, set[str]] = {}
    for defined, (_, item) in zip(names, items, strict=True):
        for name in defined:
            uses.setdefault(name, set()).update(_WORD.findall(_C_SILENT.sub(" ", item)))
    reached = _reached({"main"}, uses)
    kept = [each for each, defined in zip(items, names, strict=True) if not defined or defined & reached]
    headed = [
        each
        for each, (_, following) in zip(kept, [*kept[1:], (0, "")], strict=True)
        if not (_C_COMMENT.fullmatch(each[1]) and _C_COMMENT.fullmatch(following))
    ]
    out = ""
    for number, group in itertools.groupby(headed, key=lambda each: each[0]):
        out += ("\n" if number else "") + "".join(f"{item}\n" for _, item in group)
    return out
