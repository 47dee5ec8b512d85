"""One self-contained Python file, cut out of this project's modules: the definitions that some names lead to.

Knows no program and no ZAP. What it reads of the language is what these modules use: definitions and imports
at the top level, no name that two of the modules have, `from __future__ import annotations` in each. Of a
class only the methods stay whose names something mentions, and so it is with the rows of the tables in
TABLES. Decorators that register a function (`@TABLE.of(...)`) go.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

OURS = (__name__.partition(".")[0], "zapcore")
"""The packages that are cut; all else is imported as it is."""
TABLES = ("PROTOTYPES",)
"""Dictionaries by the name of a method; a row that nothing mentions goes."""


class CutProblem(Exception):
    """A module has what this file does not know how to cut."""


class Part(NamedTuple):
    """A definition: its names (an assignment may have several), its node, and the lines that it has, comments
    above and a string below included."""

    names: tuple[str, ...]
    node: ast.stmt
    first: int
    last: int


class Import(NamedTuple):
    """A name that comes from elsewhere; `name` is empty where the module itself is meant."""

    module: str
    name: str


class Source:
    """A module's text, its parts in order, and what it imports."""

    def __init__(self, module: str) -> None:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise CutProblem(f"{module} is no module of this project")
        self.module = module
        self.lines = Path(spec.origin).read_text("utf-8").split("\n")
        self.parts: list[Part] = []
        self.imports: dict[str, Import] = {}
        self.by_name: dict[str, Part] = {}
        for node in ast.parse("\n".join(self.lines)).body:
            self._add(node)
        for part in self.parts:
            self.by_name.update(dict.fromkeys(part.names, part))

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            self.imports.update({(each.asname or each.name): Import(each.name, "") for each in node.names})
        elif isinstance(node, ast.ImportFrom):
            found = {(each.asname or each.name): Import(node.module or "", each.name) for each in node.names}
            self.imports.update(found)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.parts.append(Part((node.name,), node, self._above(node), node.end_lineno or node.lineno))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = tuple(each.id for t in targets for each in ast.walk(t) if isinstance(each, ast.Name))
            self.parts.append(Part(names, node, self._above(node), node.end_lineno or node.lineno))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and self.parts:
            last = self.parts[-1]
            if last.last == node.lineno - 1:  # the string that tells of an assignment
                self.parts[-1] = last._replace(last=node.end_lineno or node.lineno)

    def _above(self, node: ast.stmt) -> int:
        """The first of the comment lines right above a definition and its decorators, counted from 1."""
        decorators = getattr(node, "decorator_list", [])
        first: int = min([node.lineno, *(each.lineno for each in decorators)])
        while first > 1 and self.lines[first - 2].startswith("#"):
            first -= 1
        return first


@functools.cache
def source_of(module: str) -> Source:
    """A module, read once."""
    return Source(module)


def _registers(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "of"
    )


def _words(node: ast.AST) -> Iterator[str]:
    """Names, and attributes with a dot before them; not of the decorators that go."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield "." + node.attr
    for child in ast.iter_child_nodes(node):
        if not _registers(child) if isinstance(child, ast.expr) else True:
            yield from _words(child)


def _methods(node: ast.stmt) -> list[ast.FunctionDef]:
    """The methods of a class that may go: all but those that Python itself calls."""
    body = node.body if isinstance(node, ast.ClassDef) else []
    return [each for each in body if isinstance(each, ast.FunctionDef) and not each.name.startswith("__")]


class _Cut:
    """What is reached, by module and name, and the attributes that something mentions."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], None] = {}
        self.attributes: set[str] = set()
        self.standard: set[Import] = set()
        self._seen: set[tuple[str, int]] = set()

    def reach(self, roots: Iterable[tuple[str, str]]) -> None:
        """Follow names until nothing new comes; a method that is reached late may lead further."""
        todo = list(roots)
        while todo:
            for module, name in todo:
                self._name(module, name)
            todo = []
            for module, name in list(self.parts):
                for method in _methods(source_of(module).by_name[name].node):
                    if method.name in self.attributes and (module, id(method)) not in self._seen:
                        self._seen.add((module, id(method)))
                        todo += [(module, word) for word in self._used(method)]

    def _used(self, *nodes: ast.AST) -> list[str]:
        words = [word for node in nodes for word in _words(node)]
        self.attributes.update(word[1:] for word in words if word.startswith("."))
        return [word for word in words if not word.startswith(".")]

    def _name(self, module: str, name: str) -> None:
        source = source_of(module)
        if name in source.imports:
            found = source.imports[name]
            if found.module.split(".")[0] not in OURS:
                self.standard.add(found)
            elif source_of(found.module).by_name.get(found.name) is None:
                raise CutProblem(f"{module}: {name} is not defined in {found.module}")
            else:
                self._name(*found)
        elif name in source.by_name:
            part = source.by_name[name]
            key = (module, part.names[0])
            if key not in self.parts:
                self.parts[key] = None
                for word in self._used(*self._always(part.node)):
                    self._name(module, word)

    def _always(self, node: ast.stmt) -> list[ast.AST]:
        """What of a part is there in any case."""
        optional = _methods(node)
        if not optional:
            return [node]
        assert isinstance(node, ast.ClassDef)
        return [*node.bases, *(each for each in node.body if each not in optional)]

    def modules(self) -> list[str]:
        """The modules in an order in which each comes after those that it imports."""
        order: dict[str, None] = {}

        def visit(module: str) -> None:
            if module in order or module in open_ones:
                return
            open_ones.add(module)
            for found in source_of(module).imports.values():
                if any(found.module == reached for reached, _ in self.parts):
                    visit(found.module)
            order[module] = None

        open_ones: set[str] = set()
        for module, _ in self.parts:
            visit(module)
        return list(order)

    def text(self, source: Source, part: Part) -> str:
        """A part's lines without what goes."""
        lines: list[str | None] = [*source.lines[part.first - 1 : part.last]]

        def drop(first: int, last: int) -> None:
            lines[first - part.first : last - part.first + 1] = [None] * (last - first + 1)

        for decorator in getattr(part.node, "decorator_list", []):
            if _registers(decorator):
                drop(decorator.lineno, decorator.end_lineno or decorator.lineno)
        for method in _methods(part.node):
            if method.name not in self.attributes:
                first = min([method.lineno, *(each.lineno for each in method.decorator_list)])
                while not (source.lines[first - 2].strip()):
                    first -= 1
                drop(first, method.end_lineno or method.lineno)
        if part.names[0] in TABLES:
            assert isinstance(part.node, ast.Assign | ast.AnnAssign) and isinstance(part.node.value, ast.Dict)
            for key, value in zip(part.node.value.keys, part.node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value not in self.attributes:
                    drop(key.lineno, value.end_lineno or value.lineno)
        return "\n".join(line for line in lines if line is not None)


def cut(roots: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The lines that import what is needed, and the definitions that the roots (module, name) lead to. Raises
    CutProblem."""
    found = _Cut()
    found.reach(roots)
    owners: dict[str, str] = {}
    texts = []
    for module in found.modules():
        source = source_of(module)
        for part in source.parts:
            if (module, part.names[0]) not in found.parts:
                continue
            for name in part.names:
                if owners.setdefault(name, module) != module:
                    raise CutProblem(f"{name} is defined in {owners[name]} and in {module}")
            texts.append((isinstance(part.node, ast.FunctionDef | ast.ClassDef), found.text(source, part)))
    body = ""
    for index, (block, text) in enumerate(texts):
        gap = "\n\n" if index and (block or texts[index - 1][0]) else ""
        body += f"{gap}{text}\n"
    return _imports(found.standard), body


def _imports(wanted: set[Import]) -> str:
    whole = sorted({each.module for each in wanted if not each.name})
    some: dict[str, list[str]] = {}
    for each in sorted(each for each in wanted if each.name):
        some.setdefault(each.module, []).append(each.name)
    lines = [f"import {module}" for module in whole]
    lines += [f"from {module} import {', '.join(names)}" for module, names in sorted(some.items())]
    return "\n".join(lines) + "\n"
