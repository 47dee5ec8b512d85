"""What is not always installed: every package that a file imports is always there or is an extra, and whoever
lacks one is told what fits his installation."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.corpus import extras
from fuzz.corpus.extras import EXTRAS, how_to_get, lacking
from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ALWAYS = {"fuzz", "zapcore", "__future__", "markupsafe"} | set(sys.stdlib_module_names)
"""markupsafe is jinja2's."""


def names(requirements: list[str]) -> set[str]:
    """The packages of requirements."""
    return {re.split(r"[^a-z0-9_-]", each)[0] for each in requirements}


def imported() -> Iterator[tuple[str, Path]]:
    """Each package that a file of ours imports."""
    for path in (ROOT / "fuzz").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((each.name.partition(".")[0], path) for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield (node.module or "").partition(".")[0], path


def test_every_package_is_always_there_or_an_extra() -> None:
    """`campaign` without Dask was a traceback: dask itself was not in the table."""
    known = ALWAYS | names(PROJECT["dependencies"]) | set(EXTRAS) | {"hatchling"}
    assert {name: path for name, path in imported() if name not in known} == {}


def test_each_extra_brings_its_package() -> None:
    brought = {extra: names(needs) for extra, needs in PROJECT["optional-dependencies"].items()}
    brought["campaign"].add("dask")  # distributed brings it
    assert {"dask"} < names(importlib.metadata.requires("distributed") or [])
    assert all(name in brought[extra.name] for name, extra in EXTRAS.items())
    assert {extra.name for extra in EXTRAS.values()} == set(brought) - {"test"}


def test_it_fits_the_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip = Path(sys.executable).with_name("pip")
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(ROOT)
    assert how_to_get("greenlet").endswith(" install --editable '.[threads]'")
    monkeypatch.chdir(tmp_path)
    assert how_to_get("dask") == f"{pip} install --editable '{ROOT}[campaign]'"
    monkeypatch.setattr(extras, "INSTALLED", True)
    assert how_to_get("pygal") == f"{pip} install 'zapfuzz[pages]'"
    monkeypatch.setenv("PATH", str(pip.parent))
    assert how_to_get("pygal") == "pip install 'zapfuzz[pages]'"


def test_what_is_no_extra_is_not_hidden() -> None:
    mistake = ModuleNotFoundError("a mistake of ours", name="fuzz.nowhere")
    with pytest.raises(ModuleNotFoundError, match="a mistake of ours"):
        lacking(mistake)
