"""Which files of zapcore import each other in a circle: those whose C is one circle, and no others."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import zapcore

ROOT = Path(zapcore.__file__).parent
IN_C = (
    {f"dmu.{path.stem}" for path in ROOT.glob("dmu/*.py")},
    {f"zap.{path.stem}" for path in ROOT.glob("zap/*.py")},
)
"""dbuf.c, dnode.c, dnode_sync.c and dmu_objset.c call each other (blocks of data and indirect ones are the
same functions there); so do zap.c, zap_leaf.c and zap_micro.c."""


def _name(module: str) -> str:
    """A file's name without its package, both files of one of the circles as one."""
    name = module.removeprefix("zapcore.")
    return next((min(circle) for circle in IN_C if name in circle), name)


def _imports(path: Path) -> set[str]:
    """What a file imports of zapcore, inside of functions and for type checks, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zapcore"):
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                is_file = ROOT.joinpath(*below.split(".")[1:]).with_suffix(".py").exists()
                found.add(below if is_file else str(node.module))
    return {_name(module) for module in found}


def test_no_other_files_import_each_other_in_a_circle() -> None:
    """A reader can read each file of zapcore after those that it builds on."""
    graph: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        graph.setdefault(_name(module), set()).update(_imports(path) - {_name(module)})
    assert {"audit.step", "verify.leaf", "layout"} <= graph.keys()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        raise AssertionError(f"a circle: {' imports '.join(reversed(circle.args[1]))}") from None
