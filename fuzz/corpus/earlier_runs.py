"""What earlier runs of this user have found and nobody else knows: it is told as such, and is no reason to
call a run fine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import Reproducer, folders, read_reproducer
from fuzz.corpus.unminimized import waiting
from fuzz.language.syntax import SyntaxProblem


def found_earlier(
    places: Iterable[Path], known: Iterable[str], kind: str, release: str, remedies: Sequence[str]
) -> dict[str, Path]:
    """The failures, by the text of their signature, that a target is expected to have because of what lies in
    folders of findings, and where each is; not those that are `known`. What cannot be read there is left
    out."""
    known = frozenset(known)
    earlier: dict[str, Path] = {}
    for place in dict.fromkeys(path.resolve() for path in places if path.is_dir()):
        for text, reproducers in known_on(list(_readable(place)), kind, release, remedies).items():
            earlier.setdefault(text, reproducers[0].folder)
        for path in waiting(place):
            text = _first_comment(path)
            if text:
                earlier.setdefault(text, path)
    return {text: path for text, path in earlier.items() if text not in known}


def _readable(place: Path) -> Iterable[Reproducer]:
    for folder in folders([place]):
        try:
            yield read_reproducer(folder)
        except SyntaxProblem:
            continue


def _first_comment(path: Path) -> str:
    """What `keep_whole` has said of a program."""
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline()
    except (OSError, ValueError):
        return ""
    return line.removeprefix("# ").rstrip("\n") if line.startswith("# ") else ""
