"""Program files and reproducer.toml from Atheris: what is read is printed and read again, or one line says
what is wrong; no exception, no hang.

    python -m fuzz.corpus.fuzz_corpus_files -max_total_time=600 -timeout=10 -rss_limit_mb=500 -max_len=4096

The first byte chooses the reader, and whether a beginning that is right stands first; its top bit whether
the rest are its bytes as they are, or have a line or a word of the corpus in the place of every byte from
0x80 on.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fuzz.language", "fuzz.corpus.reproducer"]):
    from fuzz.corpus.reproducer import PROGRAM_FILE, REPRODUCER_FILE, format_reproducer, read_expectations
    from fuzz.language.printing import format_program
    from fuzz.language.syntax import SyntaxProblem, load, parse
    from fuzz.language.validate import problems

from fuzz.corpus.places import CORPUS
from fuzz.language.verbs import VERBS


def _pieces(name: str) -> list[bytes]:
    """Lines of one kind of file, in turn of all lengths, and words of them."""
    lines = {line for path in CORPUS.glob(f"*/*/{name}") for line in path.read_bytes().splitlines()}
    words = {word for line in lines for word in re.findall(rb"[\w.]+=?|[^\w\s]", line)}
    order = sorted(lines, key=lambda line: (len(line), line))
    return [b"\n", b" ", *(line + b"\n" for line in order[:: len(order) // 60 + 1]), *sorted(words)[:60]]


BEGINNINGS = (b"zap z fat hash64\nzap d micro casesensitivity=mixed\n", b'[expect]\n"2.3" = "fine"\n')
PIECES = ([*(verb.encode() for verb in VERBS), *_pieces(PROGRAM_FILE)], _pieces(REPRODUCER_FILE))


def one(data: bytes, folder: Path) -> None:
    """Read one file."""
    if not data:
        return
    kind, text = data[0] & 1, data[1:]
    if not data[0] & 0x80:
        pieces = PIECES[kind]
        text = b"".join(
            bytes((byte,)) if byte < 0x80 else pieces[(byte & 0x7F) * len(pieces) >> 7] for byte in text
        )
    if data[0] & 2:
        text = BEGINNINGS[kind] + text
    (folder / (PROGRAM_FILE, REPRODUCER_FILE)[kind]).write_bytes(text)
    try:
        if kind:
            known = read_expectations(folder)
            (folder / REPRODUCER_FILE).write_text(format_reproducer(known), "utf-8")
            assert read_expectations(folder) == known
        else:
            program = load(folder / PROGRAM_FILE)
            assert problems(program) is None, problems(program)
            assert parse(format_program(program)) == program
    except SyntaxProblem as problem:
        assert "\n" not in str(problem)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="zapfuzz-") as place:
        atheris.Setup(sys.argv, lambda data: one(data, Path(place)))
        atheris.Fuzz()
