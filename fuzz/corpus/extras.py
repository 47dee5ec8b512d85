"""Packages that not everybody has installed: the extra of ours that brings each, what it is needed for, and
how to get it into this installation. Imports nothing that is not always there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from fuzz.corpus.places import INSTALLED, ROOT


class Extra(NamedTuple):
    """The name of an extra of pyproject.toml, and what one of its packages is needed for."""

    name: str
    needed_for: str


EXTRAS = {
    "atheris": Extra("fuzz", "`fuzz` as it is by default; --engine random needs nothing"),
    "hypothesis": Extra("fuzz", "`fuzz --engine hypothesis`"),
    "greenlet": Extra("threads", "programs with threads, `explore`, `fuzz --engine threads` and `sync`"),
    "pygal": Extra("pages", "`report`, `fuzz --serve` and `campaign --serve`"),
    "starlette": Extra("pages", "`fuzz --serve` and `campaign --serve`"),
    "uvicorn": Extra("pages", "`fuzz --serve` and `campaign --serve`"),
    "dask": Extra("campaign", "`campaign`"),
    "distributed": Extra("campaign", "`campaign`"),
    "fsspec": Extra("campaign", "`campaign`"),
    "zstandard": Extra("zstd", "`triage` of logs that zstd has packed"),
    "junitparser": Extra("ci", "`--junit`"),
}
"""By the name that each is imported by, which is also that of its distribution."""


def how_to_get(package: str) -> str:
    """The command that installs what a package of EXTRAS is an extra of, beside this zapfuzz: by the pip of
    its own environment; of a checkout the checkout, since no index has it."""
    pip = Path(sys.executable).with_name("pip")
    command = "pip" if shutil.which("pip") == str(pip) or not pip.exists() else _from_here(pip)
    extra = EXTRAS[package].name
    if INSTALLED:
        return f"{command} install 'zapfuzz[{extra}]'"
    return f"{command} install --editable '{_from_here(ROOT)}[{extra}]'"


def lacking(missing: ModuleNotFoundError) -> str:
    """The package that could not be imported, and how to get it. Raises `missing` if it is no extra."""
    if missing.name not in EXTRAS:
        raise missing
    return f"{missing.name}: {how_to_get(missing.name)}"


def _from_here(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
