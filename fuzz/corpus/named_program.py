"""Which program a word means, the same for every command: a file, a reproducer's folder, the name of one in
the corpus or among this user's findings (or of a seed there), or `-`, which is standard input."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from fuzz.corpus.places import CORPUS, home
from fuzz.corpus.replay import Asking, expectations, nobody_listens
from fuzz.corpus.reproducer import GROUPS, PROGRAM_FILE, REPRODUCER_FILE, Reproducer, read_reproducer
from fuzz.language.byteform import decode
from fuzz.language.program import Program
from fuzz.language.syntax import MAX_FILE, SyntaxProblem, load, parse
from fuzz.language.write_whole_file import standard_input

SEEDS = "seeds"
WANTED = "a file that can be read, a reproducer's folder, a name of the corpus, or -"
_LIBFUZZER = re.compile(r"(?:[a-z-]+-)?([0-9a-f]{40})")


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """The program that a word meant. `kept` is the reproducer that it is of, if it is one's."""

    word: str
    program: Program
    kept: Reproducer | None = None

    def reproducer(self, asking: Asking = nobody_listens) -> Reproducer:
        """The reproducer that it is of; of any other program one whose expectations are what this machine's
        releases do now. `asking` is told which of them is asked."""
        if self.kept is not None:
            return self.kept
        name = Path(self.word).stem.strip("-").encode("utf-8", "replace").decode() or "program"
        expect, stack = expectations(self.program, asking=asking)
        return Reproducer(self.program, name, expect, stack, folder=Path(name))


def find(word: str, corpora: tuple[Path, ...] = ()) -> Path:
    """The file or folder that a word means. What is there by that path comes before what the corpus calls
    so. A path as it is in the project, such as corpus/seeds/txg-mixes.zap, means the same everywhere. Raises
    SyntaxProblem."""
    corpora = corpora or (CORPUS, home())
    path = Path(word)
    if path.exists() or path.is_symlink():
        return path
    for corpus in corpora:
        if word.startswith("corpus/") and (inside := corpus / word.removeprefix("corpus/")).exists():
            return inside
    found = next((place for name, place in _names(corpora) if name == word), None)
    if found is not None:
        return found
    alike = difflib.get_close_matches(word, [name for name, _ in _names(corpora)], 1)
    guess = f"; did you mean {alike[0]}?" if alike else ""
    raise SyntaxProblem(word, 0, 0, WANTED, f"nothing of that name{guess}")


def known_names() -> list[str]:
    """Every name that means a program, but for those of files."""
    return [name for name, _ in _names((CORPUS, home()))]


def _names(corpora: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """Every name of the corpora, and what it means."""
    for corpus in corpora:
        for group in GROUPS:
            for path in sorted((corpus / group).glob(f"*/{REPRODUCER_FILE}")):
                yield path.parent.name, path.parent
        for path in sorted((corpus / SEEDS).glob("*.zap")):
            yield path.stem, path


def open_named(word: str, corpora: tuple[Path, ...] = ()) -> Named:
    """The program that a word means. Raises SyntaxProblem, OSError."""
    if word == "-":
        with open(standard_input(), "rb", closefd=False) as file:
            return Named(word, parse(file.read(MAX_FILE + 1), "<stdin>"))
    path = find(word, corpora)
    folder = path if path.is_dir() else path.parent
    if (path.is_dir() or path.name == PROGRAM_FILE) and (folder / REPRODUCER_FILE).exists():
        kept = read_reproducer(folder)
        return Named(word, kept.program, kept)
    if path.is_dir() and not (path / PROGRAM_FILE).exists():
        raise SyntaxProblem(word, 0, 0, WANTED, f"a folder without {PROGRAM_FILE}")
    if path.is_file() and (input_ := _input_of_libfuzzer(path)) is not None:
        return Named(word, input_)
    return Named(word, load(path / PROGRAM_FILE if path.is_dir() else path))


def _input_of_libfuzzer(path: Path) -> Program | None:
    """The program of a file that libFuzzer has named by the digest of its bytes, as crash-DIGEST: it is in
    byte form. None for any other file."""
    named = _LIBFUZZER.fullmatch(path.name)
    if named is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError:  # whoever reads it as a text says so
        return None
    if len(data) > MAX_FILE:
        return None
    return decode(data) if hashlib.sha1(data).hexdigest() == named[1] else None
