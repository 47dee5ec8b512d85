"""Reproducers: a folder each, with the program and a small file that says what every release must do on it.

    corpus/regressions/<name>/program.zap
    corpus/regressions/<name>/reproducer.toml

An expectation is the text of a run's outcome: "fine", "limit", or a signature. Nothing here runs a program.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fuzz.judge.signature import Signature
from fuzz.language.program import Program
from fuzz.language.syntax import SyntaxProblem, load, save
from fuzz.language.write_whole_file import write_whole

PROGRAM_FILE = "program.zap"
REPRODUCER_FILE = "reproducer.toml"
GROUPS = ("regressions", "findings")
FINE = "fine"

TEXTS = ("title", "origin", "issue", "fix", "meanwhile", "belief")
_MAX_FILE = 1 << 20
_DEEP = re.compile(r"(?:[\w\-\"']+[ \t]*\.[ \t]*){256}")
"""A dotted key takes tomllib memory by the square of its parts; prose has no such."""
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}

_NO_PROGRAM = Program((), ())
"""Stands for a program that was not read."""

Form = tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Reproducer:
    """A program and what is known of it.

    `origin` says how it was found, `issue` where OpenZFS speaks of it, `fix` and `meanwhile` what helps,
    `belief` what we think it is. `expect` maps a release (or `libzpool-2.3.2`) to an outcome's text, `stack`
    to the functions of the failure, innermost first. `faces` maps words for
    a kind of build to the signature that the same fault has in the field, where that is another one.
    """

    program: Program
    title: str
    expect: Mapping[str, str]
    stack: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    faces: Mapping[str, str] = dataclasses.field(default_factory=dict)
    origin: str = ""
    issue: str = ""
    fix: str = ""
    meanwhile: str = ""
    belief: str = ""
    folder: Path = Path()

    @property
    def name(self) -> str:
        """What its folder is called."""
        return self.folder.name


def form(program: Program) -> Form:
    """Roughly how a program comes to its failure: which verbs it uses, and how often each."""
    return tuple(sorted(Counter(op.verb for op in program.ops).items()))


def folder_name(signature: Signature, program: Program) -> str:
    """A name for a new reproducer: the kind, the function, and a few digits of signature and form."""
    from hashlib import sha256  # here: OpenSSL takes more memory than the whole of `zapfuzz triage`

    function = signature.place.rpartition(":")[2]
    digest = sha256(repr((signature.key, form(program))).encode()).hexdigest()[:6]
    words = f"{signature.kind}-{function}-{digest}".replace("_", "-")
    return "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in words.lower())


def read_reproducer(folder: Path) -> Reproducer:
    """Read a reproducer's folder. Raises SyntaxProblem for anything that is not as it should be."""
    return dataclasses.replace(read_expectations(folder), program=load(folder / PROGRAM_FILE))


def read_expectations(folder: Path) -> Reproducer:
    """`read_reproducer` without its program, which is empty: what is known of the fault. Raises
    SyntaxProblem."""
    path = folder / REPRODUCER_FILE
    source = os.fspath(path)
    try:
        if path.stat().st_size > _MAX_FILE:
            raise SyntaxProblem(source, 0, 0, f"at most {_MAX_FILE} bytes", "more")
        text = path.read_text("utf-8")
        if _DEEP.search(text):
            raise ValueError("a key in too many tables")
        data = tomllib.loads(text)
    except OSError as error:
        raise SyntaxProblem(source, 0, 0, "a file that can be read", error.strerror or str(error)) from None
    except RecursionError:
        raise SyntaxProblem(source, 0, 0, "TOML", "too many brackets in each other") from None
    except ValueError as error:
        raise SyntaxProblem(source, 0, 0, "TOML", str(error)) from None
    texts = {}
    for name in TEXTS:
        texts[name] = data.pop(name, "")
        if not isinstance(texts[name], str):
            raise SyntaxProblem(source, 0, 0, f"a text for {name}", repr(texts[name])[:40])
    expect, stack = data.pop("expect", None), data.pop("stack", {})
    faces = data.pop("faces", {})
    if not isinstance(expect, dict) or not all(isinstance(text, str) for text in expect.values()):
        raise SyntaxProblem(source, 0, 0, "[expect] with a text for each release", repr(expect)[:40])
    if not isinstance(stack, dict) or not all(_is_texts(names) for names in stack.values()):
        raise SyntaxProblem(source, 0, 0, "[stack] with a list of functions for each release", "another")
    if not isinstance(faces, dict) or not all(isinstance(text, str) for text in faces.values()):
        raise SyntaxProblem(source, 0, 0, "[faces] with a signature for each kind of build", repr(faces)[:40])
    if data:
        raise SyntaxProblem(
            source, 0, 0, f"one of {', '.join(TEXTS)}, [expect], [stack], [faces]", next(iter(data))
        )
    stacks = {release: tuple(names) for release, names in stack.items()}
    return Reproducer(_NO_PROGRAM, expect=expect, stack=stacks, faces=faces, folder=folder, **texts)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def format_reproducer(reproducer: Reproducer) -> str:
    """The text of reproducer.toml."""
    lines = [f"{name} = {_quoted(text)}" for name in TEXTS if (text := getattr(reproducer, name))]
    lines += ["", "[expect]"]
    lines += [f"{_quoted(release)} = {_quoted(text)}" for release, text in reproducer.expect.items()]
    if reproducer.stack:
        lines += ["", "[stack]"]
        for release, names in reproducer.stack.items():
            lines.append(f"{_quoted(release)} = [{', '.join(map(_quoted, names))}]")
    if reproducer.faces:
        lines += ["", "[faces]"]
        lines += [f"{_quoted(build)} = {_quoted(text)}" for build, text in reproducer.faces.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x20 or ord(letter) == 0x7F else letter


def write_reproducer(reproducer: Reproducer, folder: Path) -> Path:
    """Write the two files of a reproducer. A new folder appears whole or not at all. In a folder that is
    there already, each file is replaced. Returns the folder. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        _write_files(reproducer, folder)
        return folder
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_files(reproducer, beside)
        beside.chmod(0o755)
        beside.rename(folder)
    except BaseException:
        for file in beside.iterdir():
            file.unlink()
        beside.rmdir()
        raise
    return folder


def _write_files(reproducer: Reproducer, folder: Path) -> None:
    save(folder / PROGRAM_FILE, reproducer.program)
    write_text(folder / REPRODUCER_FILE, format_reproducer(reproducer))


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place and rename it there (`files.write_whole`). Raises OSError."""
    write_whole(path, text.encode("utf-8"))


def folders(roots: Iterable[Path]) -> Iterator[Path]:
    """Every reproducer's folder at or below the roots, in order.

    Raises SyntaxProblem for a root that does not exist.
    """
    for root in roots:
        if not root.exists():
            raise SyntaxProblem(os.fspath(root), 0, 0, "a folder or a program", "nothing there")
        yield from sorted(path.parent for path in root.rglob(REPRODUCER_FILE) if not _hidden(path, root))


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def shortest_first(folder: Path) -> list[Reproducer]:
    """The reproducers of a corpus, those with the fewest operations first: of several that have one failure
    the first is shown. Raises SyntaxProblem."""
    return sorted(map(read_reproducer, corpus_folders(folder)), key=lambda each: len(each.program.ops))


def corpus_folders(corpus: Path) -> list[Path]:
    """Every reproducer of a corpus, its regressions and its findings. A group without a folder is empty."""
    return list(folders(corpus / group for group in GROUPS if (corpus / group).is_dir()))


def known_failures(reproducers: Sequence[Reproducer], release: str) -> dict[str, list[Reproducer]]:
    """The failures that a release is expected to have, by the text of their signature."""
    known: dict[str, list[Reproducer]] = {}
    for reproducer in reproducers:
        text = reproducer.expect.get(release, FINE)
        if text not in (FINE, "limit"):
            known.setdefault(text, []).append(reproducer)
    return known
