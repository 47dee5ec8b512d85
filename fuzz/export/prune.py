"""An exported file without the functions that its program does not need. Knows no program and no ZAP.

Both ways read only as much of the language as the files in `alone/` use, and keep what they do not know.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[A-Za-z_]\w*")
_C_SILENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.S)
_C_NAMES = re.compile(
    r"^(\w+)\(|^} (\w+)[;\[]|^static (?:[\w*]+ )+\*?(\w+)(?:\[[^\]]*\])*(?: = .*)?;|^typedef .*\(\*(\w+)\)",
    re.M,
)
_C_LINE = re.compile(r"static [^({]*;")
_C_COMMENT = re.compile(r"/\*(?:(?!\*/).)*\*/", re.S)
_ENTRY = re.compile(r'    "(\w+)": \((?:None|_[A-Z])')


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


def _python_words(*trees: ast.AST) -> set[str]:
    """Names; with a dot before them attributes, and short strings, since a verb is called by its name."""
    words = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add("." + node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            words.add("." + node.value)
    return words


def prune_python(text: str) -> str:
    """A Python file without the functions, classes and methods that its other statements do not lead to, and
    without the lines of its table FUNCTIONS that name what nothing calls."""
    tree = ast.parse(text)
    parts: list[tuple[str, ast.stmt]] = []
    roots: set[str] = set()
    uses: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            parts.append((node.name, node))
            uses[node.name] = _python_words(node)
        elif isinstance(node, ast.ClassDef):
            parts.append((node.name, node))
            methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            uses[node.name] = _python_words(methods.pop("__init__"))
            parts += [(f".{name}", part) for name, part in methods.items()]
            for name, part in methods.items():
                uses.setdefault(f".{name}", set()).update(_python_words(part))
        else:
            roots |= _python_words(node)
    reached = _reached(roots, uses)
    lines: list[str | None] = list(text.split("\n"))
    for gone in (part for name, part in parts if name not in reached):
        at = gone.lineno - 1
        while at and not lines[at - 1]:
            at -= 1
        lines[at : gone.end_lineno] = [None] * ((gone.end_lineno or at) - at)
    return _prune_table([line for line in lines if line is not None])


def _prune_table(lines: list[str]) -> str:
    """The lines without those of FUNCTIONS whose function, or for a `_uint64` form its other one, has no
    mention."""
    outside = [node for node in ast.parse("\n".join(lines)).body if not _is_table(node)]
    words = _python_words(*outside)
    kept = []
    for line in lines:
        entry = _ENTRY.match(line)
        if entry is None or {f".{entry[1]}", f".{entry[1].removesuffix('_uint64')}"} & words:
            kept.append(line)
    return "\n".join(kept)


def _is_table(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FUNCTIONS"
