"""`zapfuzz list`: what has a name: the project's findings, regressions and seeds, and this user's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from fuzz.commands.shared.progress import say
from fuzz.corpus.named_program import SEEDS
from fuzz.corpus.places import CORPUS, home
from fuzz.corpus.reproducer import FINE, folders, read_reproducer
from fuzz.corpus.unminimized import waiting
from fuzz.language.syntax import SyntaxProblem, load

GROUPS = {"findings": "finding", "regressions": "regression"}
HEADINGS = {
    "finding": "Findings: faults of released OpenZFS",
    "regression": "Regressions: what is understood, and must stay so",
    "seed": "Seeds: programs worth starting from, of which none fails",
    "yours": "Yours: what `zapfuzz fuzz` has found here",
}


class Row(NamedTuple):
    """A program that has a name: of which kind it is, where it lies, what it is, the releases that fail on it
    and where OpenZFS speaks of it."""

    name: str
    kind: str
    file: Path
    title: str
    ops: int
    fails_on: tuple[str, ...] = ()
    issue: str = ""


def rows() -> Iterator[Row]:
    """All of them."""
    for group, kind in GROUPS.items():
        yield from _reproducers(CORPUS / group, kind)
    for path in sorted((CORPUS / SEEDS).glob("*.zap")):
        yield _one_file(path.stem, "seed", path, _first_comment)
    for group in GROUPS:
        if (mine := home() / group) != CORPUS / group and mine.is_dir():
            yield from _reproducers(mine, "yours")
            for path in waiting(mine):
                yield _one_file(str(path), "yours", path, _not_minimized)


def _first_comment(notes: Iterable[tuple[int, str]]) -> str:
    return " ".join(text for place, text in notes if place == 0)


def _not_minimized(notes: Iterable[tuple[int, str]]) -> str:
    return f"{next((text for _, text in notes), '')} (not minimized)".strip()


def _one_file(name: str, kind: str, path: Path, title: Callable[[Iterable[tuple[int, str]]], str]) -> Row:
    """The row of a program that lies by itself; its title is told from its comments."""
    try:
        program = load(path)
    except SyntaxProblem as problem:
        return _unreadable(name, kind, path, problem)
    return Row(name, kind, path, title(program.notes), len(program.ops))


def _unreadable(name: str, kind: str, path: Path, problem: Exception) -> Row:
    """What is damaged is a row, too: the others are still to be seen."""
    return Row(name, kind, path, f"cannot be read: {problem}", 0)


def _reproducers(place: Path, kind: str) -> Iterator[Row]:
    for folder in sorted(folders([place])):
        try:
            each = read_reproducer(folder)
        except (SyntaxProblem, OSError) as problem:
            yield _unreadable(folder.name, kind, folder, problem)
            continue
        failing = tuple(name for name, text in each.expect.items() if text != FINE)
        yield Row(each.name, kind, folder, each.title, len(each.program.ops), failing, each.issue)


@click.command("list")
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--json", "machine", is_flag=True, help="One JSON object for each program, one a line.")
def list_command(words: tuple[str, ...], machine: bool) -> None:
    """List the programs that have a name: findings, regressions, seeds, and what was found here.

    Each name is a PROGRAM to every command. With WORDs those in whose name, kind or title all of them are.
    """
    told = ""
    for row in rows():
        text = f"{row.name} {row.kind} {row.title} {row.issue}".lower()
        if not all(word.lower() in text for word in words):
            continue
        if machine:
            say(json.dumps(row._asdict() | {"file": str(row.file)}))
            continue
        if row.kind != told:
            say(f"{'' if not told else chr(10)}{HEADINGS[row.kind]}")
            told = row.kind
        issue = f" ({row.issue})" if row.issue else ""
        say(f"  {row.name:34} {row.ops:5} ops  {row.title}{issue}")
