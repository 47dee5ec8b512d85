"""The findings as a static site: a list, and a page for each with its exports. Links are to files beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.corpus.told_release import told_release
from fuzz.export.expected_answers import NoForm
from fuzz.export.forms import FORMS, SUFFIX
from fuzz.export.pages.program_page import about_target, distance, printable, program_page
from fuzz.export.pages.record import record
from fuzz.export.pages.render import render
from fuzz.export.pages.world_as_parts import KINDS
from fuzz.language.printing import format_program
from fuzz.language.write_whole_file import write_whole

INDEX = "index.html"
FILES = "files"
MOST_RUNS = 40
"""Of blocks of one kind that a small picture shows."""
_PROGRAM = "the program, as zapfuzz reads it"
_FORM_NAMES = {
    "pytest": "a test for pytest, on zapfuzz's model",
    "python": "one file of Python, on a libzpool",
    "c": "one file of C, on a libzpool",
    "sh": "a shell script of file operations, for a test pool",
}
NEAREST = "any "
"""How the distance of what any user can do begins: that comes first in the list."""
_KIND_NAMES = {letter: kind for kind, letter in KINDS.items()} | {"m": "micro"}


def write_site(reproducers: Sequence[Reproducer], folder: Path) -> Iterator[str]:
    """Write the site into a folder, each file whole, the list last. Yields the name of each reproducer before
    its files are written. Raises OSError, NoTarget."""
    (folder / FILES).mkdir(parents=True, exist_ok=True)
    findings: list[dict[str, Any]] = []
    regressions: list[dict[str, Any]] = []
    for reproducer in reproducers:
        yield reproducer.name
        exports = list(_exports(reproducer))
        for export in exports:
            write_whole(folder / export["file"], export["text"].encode("utf-8"))
        text = program_page(reproducer, exports=exports, back=INDEX)
        write_whole(folder / f"{reproducer.name}.html", text.encode("utf-8"))
        rows = findings if reproducer.folder.parent.name == "findings" else regressions
        rows.append(_row(reproducer))
    for rows in (findings, regressions):
        rows.sort(key=lambda row: not row["distance"].startswith(NEAREST))
    styles = ("look.css", "program.css", "site.css")
    index = render("site.html", styles, (), findings=findings, regressions=regressions)
    write_whole(folder / INDEX, index.encode("utf-8"))


def _exports(reproducer: Reproducer) -> Iterator[dict[str, str]]:
    """The forms that the reproducer has, and its program."""
    name = reproducer.name
    yield {
        "name": _PROGRAM,
        "file": f"{FILES}/{name}.zap",
        "text": format_program(reproducer.program),
    }
    for form, make in FORMS.items():
        try:
            text = make(reproducer, "")
        except NoForm:
            continue
        yield {"name": _FORM_NAMES[form], "file": f"{FILES}/{name}-{form}{SUFFIX[form]}", "text": text}


def _row(reproducer: Reproducer) -> dict[str, Any]:
    """What the list tells of it, with a small picture: the blocks as the run that is told leaves them."""
    release = told_release(reproducer.expect)
    recording = record(reproducer.program, release)
    parts: dict[str, Any] = {}
    for step in recording.steps:
        parts.update(step.changed)
    blocks = next((value for key, value in parts.items() if key.endswith("/blocks") and value), "")
    failing = [name for name, does in reproducer.expect.items() if does != FINE]
    return {
        "name": reproducer.name,
        "title": printable(reproducer.title),
        "issue": printable(reproducer.issue),
        "distance": printable(distance(reproducer.belief)),
        "ops": len(reproducer.program.ops),
        "release": release,
        "blocks": list(_picture(blocks)),
        "failing": [{"name": name, "about": about_target(name)} for name in failing],
        "fine": [name for name in reproducer.expect if name not in failing],
        "does": printable(reproducer.expect.get(release, "")),
    }


def _picture(blocks: str) -> Iterator[dict[str, Any]]:
    """Each run of blocks of a kind: where it lies in the picture, how wide it is, what that is in words."""
    at = 0
    for letter, count in re.findall(r"(\D)(\d+)", blocks)[:MOST_RUNS]:
        width = 12 * min(int(count), 12)
        yield {"kind": letter, "x": at, "width": width - 2, "words": f"{count} {_KIND_NAMES[letter]}"}
        at += width
