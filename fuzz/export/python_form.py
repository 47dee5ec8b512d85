"""A reproducer as a Python script on ctypes: the parts of `alone/` that it needs, and its program.

Each part is a module that can be checked by itself; behind `# @part@` stands what goes into the script, where
the methods of the parts' classes are all in one class.
"""

from __future__ import annotations

import re
from pathlib import Path

from fuzz.corpus.reproducer import Reproducer
from fuzz.export.orders import errnos, has_threads, sections
from fuzz.export.prune import prune_python
from fuzz.export.story import REFERENCE, arguments, for_docstring, steps, story
from fuzz.language.printing import format_op
from fuzz.targets.model import flags_of

HERE = Path(__file__).parent / "alone"

USAGE = "python3 THIS_FILE /path/to/libzpool.so: needs no more than that library (x86_64 Linux)."
THREADS_USAGE = """\
python3 THIS_FILE /path/to/libzpool.so [ROUNDS]: needs no more than that library (x86_64 Linux).
The program has threads. Which of them gets ahead is not forced: it is run again and again, with waits of
random length. A run that ends well proves nothing."""

_IMPORT = re.compile(r"^import \w+\n", re.M)


def python_form(reproducer: Reproducer) -> str:
    """The script's text."""
    threads = has_threads(reproducer.program)
    names = ("world", "verbs", "directories", "threads" if threads else "main")
    parts = [(HERE / f"{name}.py").read_text("utf-8") for name in names]
    head, _, world = parts[0].partition("# @part@\n")
    imports = sorted({line for part in parts for line in _IMPORT.findall(part.partition("# @part@\n")[0])})
    head = _IMPORT.sub("@", head).replace("@", "".join(imports), 1).replace("@", "")
    head = head[: head.index("ZAPS: ")] + "\n".join([*_zaps(reproducer), *_program(reproducer)]) + "\n"
    told = story(reproducer, THREADS_USAGE if threads else USAGE)
    methods = [world, *(part.partition("# @part@\n")[2] for part in parts[1:-1])]
    body = "\n\n".join(part.strip("\n") for part in methods)
    main = parts[-1].partition("# @part@\n")[2].strip("\n")
    text = f"{head}\n{body}\n\n\n{main}\n"
    return prune_python(text.replace("~story~", for_docstring(told), 1))


def _zaps(reproducer: Reproducer) -> list[str]:
    lines = ["# name: (fat, normflags, flags, leaf shift, words in a key, salt)", "ZAPS = {"]
    for zap in reproducer.program.zaps:
        how = (zap.fat, zap.norm, flags_of(zap), zap.leaf_shift, zap.words, zap.salt)
        lines.append(f"    {zap.name!r}: {how!r},")
    return [*lines, "}"]


def _program(reproducer: Reproducer) -> list[str]:
    return _threads(reproducer) if has_threads(reproducer.program) else _single(reproducer)


def _single(reproducer: Reproducer) -> list[str]:
    lines = ["# verb, arguments, errno that it should return, wrong value if reported, text", "PROGRAM = ["]
    for step in steps(reproducer.program):
        line = (step.op.verb, tuple(arguments(step.op)), step.errno, step.wrong, step.text)
        lines.append(f"    {line!r},")
    return [*lines, "]"]


def _threads(reproducer: Reproducer) -> list[str]:
    lines = [
        "# Parts, one after the other; the threads of a part (0 is alone) run at the same time, in order:",
        "# thread, verb, arguments, errnos that it may return (none: nothing is promised), text",
        "PROGRAM = [",
    ]
    allowed = errnos(reproducer.program, REFERENCE)
    for _, section in sections(reproducer.program.ops):
        lines.append("    [")
        for index, op in section:
            line = (op.thread, op.verb, tuple(arguments(op)), tuple(sorted(allowed[index])), format_op(op))
            lines.append(f"        {line!r},")
        lines.append("    ],")
    return [*lines, "]"]
