"""What a reproducer's comment tells: what it does, what should happen, what does, in which releases."""

from __future__ import annotations

import errno
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from fuzz.corpus.replay import expectations
from fuzz.corpus.reproducer import PROGRAM_FILE, Reproducer, read_reproducer
from fuzz.execution.execute import run
from fuzz.judge.signature import Failure
from fuzz.language.files import standard_input
from fuzz.language.printing import format_op, format_program
from fuzz.language.program import Op, Program
from fuzz.language.syntax import MAX_FILE, load, parse
from fuzz.targets.base import Found, Result
from fuzz.targets.model import ModelTarget
from zapcore.release import RELEASES

REFERENCE = "2.3"
"""The release whose answers the exported forms expect."""
WIDTH = 96


class Step(NamedTuple):
    """An op, the errno that it should return (None: nothing is promised), and, where its value is wrong, the
    value's bytes and what is wrong."""

    op: Op
    text: str
    errno: int | None
    wrong: tuple[bytes, str] | None = None


def open_reproducer(path: Path) -> Reproducer:
    """A reproducer's folder, its program's file, or any program (`-` is standard input), whose expectations
    are then what the model does. Raises SyntaxProblem, OSError."""
    folder = path if path.is_dir() else path.parent
    if path.is_dir() or (path.name == PROGRAM_FILE and (folder / "reproducer.toml").exists()):
        return read_reproducer(folder)
    if path == Path("-"):
        with open(standard_input(), "rb", closefd=False) as file:
            program = parse(file.read(MAX_FILE + 1), "<stdin>")
    else:
        program = load(path)
    name = path.stem.strip("-").encode("utf-8", "replace").decode() or "program"
    expect, stack = expectations(program)
    return Reproducer(program, name, expect, stack, folder=Path(name))


def steps(program: Program) -> list[Step]:
    """Every op with what the model of REFERENCE returned and whether its oracle agreed."""
    results: list[Result] = []
    model = ModelTarget(REFERENCE, stale_bytes=False)
    run(program, model, judge=False, trace=lambda _, __, result: results.append(result))
    failure: Failure | None = run(program, model).failure
    found = []
    for index, op in enumerate(program.ops):
        known = results[index] if index < len(results) else None
        wrong = None
        at_fault = failure is not None and failure.op == index and failure.signature.kind == "oracle"
        value = known.value if known is not None else None
        value = value.value if isinstance(value, Found) else value
        if at_fault and failure is not None and isinstance(value, bytes):
            wrong = (value, failure.text)
        found.append(Step(op, format_op(op), None if known is None else known.errno, wrong))
    return found


def story(reproducer: Reproducer, usage: str) -> list[str]:
    """The comment's lines, without any comment marks."""
    lines = _wrapped(reproducer.title)
    lines += ["", "What it does:"]
    lines += [f"    {line}" for line in format_program(reproducer.program).splitlines()]
    lines += ["", "What should happen:"]
    lines += _wrapped("every operation returns what it is said to, and nothing panics.", "    ")
    lines += ["", "What does:"]
    for release, outcome in reproducer.expect.items():
        about = f" ({RELEASES[release].about})" if release in RELEASES else ""
        lines += _wrapped(f"{release}{about}: {outcome}", "    ")
    for what in ("issue", "fix", "meanwhile", "belief"):
        if told := getattr(reproducer, what):
            lines += ["", *_wrapped(f"{what.capitalize()}: {told}")]
    return [*lines, "", *usage.splitlines()]


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [""]


def errno_name(code: int) -> str:
    """ENOENT and the like; "success" for 0."""
    return errno.errorcode.get(code, str(code)) if code else "success"


ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "add": ("size", "length", "fill"),
    "update": ("size", "length", "fill"),
    "lookup": ("size", "length"),
    "lookup_norm": ("size", "length", "extra"),
    "remove_norm": ("extra",),
    "increment": ("fill",),
    "search": ("fill", "extra"),
    "cursor": ("fill",),
    "touch": ("fill",),
    "mkdir": ("fill",),
}
"""The fields that a verb's call takes in both forms on the library, after what it works on and its keys."""


def arguments(op: Op) -> list[object]:
    """A verb's arguments in the order that both forms have them."""
    names: list[object] = [name for name in (op.subject, op.other) if name]
    keys = [key for key in (op.key, op.to) if key is not None]
    return [*names, *keys, *(getattr(op, field) for field in ARGUMENTS.get(op.verb, ()))]


def for_docstring(lines: list[str]) -> str:
    """The lines as they stand between three quotation marks."""
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
