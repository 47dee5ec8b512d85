"""Protects the cutting of exported scripts out of the adapter: what is needed is there, nothing else is, and
what cannot be cut is said."""

from __future__ import annotations

import ast
import builtins
import sys
from pathlib import Path

import pytest

from fuzz.export.prune_python import CutProblem, cut, source_of
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.session import FUNCTIONS


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `zapcore_cut`, which counts as ours, to be written by the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("fuzz.export.prune_python.OURS", ("fuzz", "zapcore", "cut_a", "cut_b"))
    return tmp_path


def module(folder: Path, name: str, text: str) -> None:
    """Write a module, and forget what was known of one with this name."""
    (folder / f"{name}.py").write_text(f"from __future__ import annotations\n{text}")
    sys.modules.pop(name, None)
    source_of.cache_clear()


USED = """import os
import sys
from cut_b import LOW


def use() -> int:
    return LOW + len(sys.argv)
"""
DEFINED = """# What it is.
LOW = 1
'A number.'
HIGH = 2


def unused() -> None:
    pass
"""
CUT = """# What it is.
LOW = 1
'A number.'


def use() -> int:
    return LOW + len(sys.argv)
"""


def test_what_is_reached_comes_in_order_and_the_rest_does_not(modules: Path) -> None:
    module(modules, "cut_b", DEFINED)
    module(modules, "cut_a", USED)
    assert cut([("cut_a", "use")]) == ("import sys\n", CUT)


CLASS = '''
class Thing:
    """A thing."""

    def __init__(self) -> None:
        self.first()

    def first(self) -> None:
        """Called at once."""

    def second(self) -> None:
        """Called by `third` alone."""
        helper()

    @property
    def third(self) -> None:
        """A property."""
        self.second()


def helper() -> None:
    pass


def makes() -> Thing:
    return Thing()


def asks(thing: Thing) -> None:
    return thing.third
'''


def test_of_a_class_only_the_methods_that_something_mentions(modules: Path) -> None:
    """A method that is reached late may reach more."""
    module(modules, "cut_a", CLASS)
    _, body = cut([("cut_a", "makes")])
    assert "def first" in body and "def __init__" in body
    assert [word for word in ("second", "third", "property", "helper") if word in body] == []
    _, body = cut([("cut_a", "asks")])
    assert "    @property\n    def third" in body and "def second" in body and "def helper" in body


def test_a_name_that_two_modules_have_cannot_be_cut(modules: Path) -> None:
    module(modules, "cut_b", "def same() -> None:\n    pass\n\n\ndef other() -> None:\n    same()\n")
    module(modules, "cut_a", "from cut_b import other\n\n\ndef same() -> None:\n    other()\n")
    with pytest.raises(CutProblem, match="same is defined in cut_b and in cut_a"):
        cut([("cut_a", "same")])


def test_a_name_that_is_only_passed_on_cannot_be_cut(modules: Path) -> None:
    module(modules, "cut_b", "from os import path\n")
    module(modules, "cut_a", "from cut_b import path\n\n\ndef use() -> None:\n    path()\n")
    with pytest.raises(CutProblem, match="path is not defined in cut_b"):
        cut([("cut_a", "use")])


def test_every_verb_together_is_one_script_without_loose_ends() -> None:
    """Each name that is used is defined, imported, or Python's own."""
    roots = [(FUNCTIONS[verb].__module__, FUNCTIONS[verb].__name__) for verb in VERBS]
    imports, body = cut([("fuzz.export.python_threads", "run_rounds"), *roots])
    tree = ast.parse(f"from __future__ import annotations\n{imports}\n{body}")
    known: set[str | None] = set(dir(builtins))
    used: set[str | None] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            known |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
    assert used - known == set()
    assert "@FUNCTIONS" not in body and "wire" not in body
