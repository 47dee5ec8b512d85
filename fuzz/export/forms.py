"""The three forms of a reproducer, each one file's text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from fuzz.corpus import Reproducer
from fuzz.export.story import Step, statements, story
from fuzz.printing import format_program
from fuzz.program import Key, Op, Zap
from fuzz.targets.model import flags_of

HERE = Path(__file__).parent

PYTEST_USAGE = "A test on zapfuzz's model: pytest THIS_FILE, where zapfuzz is installed."
PYTHON_USAGE = "python3 THIS_FILE /path/to/libzpool.so: needs no more than that library (x86_64 Linux)."
C_USAGE = """\
With Debian's libzfslinux-dev (in a source tree, its include and lib/lib{spl,zpool}/include instead):
    cc -Wall -Wextra -isystem /usr/include/libzfs -isystem /usr/include/libspl reproducer.c \\
        -o reproducer -lzpool -lnvpair -lpthread
Ends with status 0 if everything was as it should be, 1 if not; a failed assertion aborts it."""

PYTEST = '''\
"""{story}
"""

import pytest

from fuzz.run import run
from fuzz.syntax import parse
from fuzz.targets.model import ModelTarget

PROGRAM = {program}

EXPECT = {{
{expect}}}


@pytest.mark.parametrize("release", EXPECT)
def test_{name}(release: str) -> None:
    assert str(run(parse(PROGRAM), ModelTarget(release))) == EXPECT[release]
'''


def pytest_form(reproducer: Reproducer) -> str:
    """A test module that runs the program on every release of the model that the reproducer speaks of."""
    model = {name: outcome for name, outcome in reproducer.expect.items() if not name.startswith("libzpool")}
    return PYTEST.format(
        story=_for_docstring(story(reproducer, PYTEST_USAGE)),
        program=_long_string(format_program(reproducer.program)),
        expect="".join(f"    {name!r}: {outcome!r},\n" for name, outcome in model.items()),
        name=re.sub(r"\W+", "_", reproducer.name or "reproducer").strip("_"),
    )


def _for_docstring(lines: list[str]) -> str:
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _long_string(text: str) -> str:
    return "".join(["(\n", *(f"    {line!r}\n" for line in text.splitlines(keepends=True)), ")"])


def python_form(reproducer: Reproducer) -> str:
    """A script on ctypes. Raises click.UsageError for a program that it cannot express."""
    zaps = {
        zap.name: (zap.fat, zap.norm, flags_of(zap), zap.leaf_shift, zap.words, zap.salt)
        for zap in reproducer.program.zaps
    }
    declared = ["# name: (fat, normflags, flags, leaf shift, words in a key, salt)", "ZAPS = {"]
    declared += [f"    {name!r}: {how!r}," for name, how in zaps.items()]
    declared += [
        "}",
        "# verb, arguments, errno that it should return, wrong value if reported, text",
        "PROGRAM = [",
    ]
    for step in statements(reproducer, "python"):
        arguments = tuple(_arguments(step.op))
        declared.append(f"    {(step.op.verb, arguments, step.errno, step.wrong, step.text)!r},")
    text = (HERE / "alone.py").read_text("utf-8")
    before, _, rest = text.partition("# @declarations@\n")
    after = rest.partition("# @end@\n")[2]
    told = _for_docstring(story(reproducer, PYTHON_USAGE))
    return before.replace("@story@", told) + "\n".join([*declared, "]", ""]) + after


ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "add": ("size", "length", "fill"),
    "update": ("size", "length", "fill"),
    "lookup": ("size", "length"),
    "lookup_norm": ("size", "length", "extra"),
    "remove_norm": ("extra",),
    "increment": ("fill",),
    "search": ("fill", "extra"),
    "cursor": ("fill",),
}
"""The fields that a verb's call takes in both forms, after what it works on and its key."""


def _arguments(op: Op) -> list[object]:
    """A verb's arguments in the order that both forms have them."""
    names: list[object] = [name for name in (op.target, op.other) if name]
    key = [op.key] if op.key is not None else []
    return [*names, *key, *(getattr(op, field) for field in ARGUMENTS.get(op.verb, ()))]


def c_form(reproducer: Reproducer) -> str:
    """A C program. Raises click.UsageError for a program that it cannot express."""
    program = reproducer.program
    cursors = dict.fromkeys(op.target for op in program.ops if op.verb in CURSOR_VERBS)
    declared = [_c_zap(zap) for zap in program.zaps]
    declared += [f"static program_cursor_t the_cursor_{name};" for name in cursors]
    body = [f"(void) do_create(&the_zap_{zap.name});" for zap in program.zaps]
    for step in statements(reproducer, "c"):
        body += _c_step(step)
    told = _c_comment(story(reproducer, C_USAGE))
    text = (HERE / "alone.c").read_text("utf-8")
    text = text.replace("/* @story@ */", told).replace("/* @declarations@ */", "\n".join(declared))
    return text.replace("\t/* @steps@ */", "\n".join(f"\t{line}" for line in body))


CURSOR_VERBS = ("cursor", "next", "retrieve", "advance", "serialize", "close")


def _c_comment(lines: list[str]) -> str:
    body = "\n".join(f" * {line}".rstrip() for line in lines).replace("*/", "* /")
    return f"/*\n{body}\n */"


def _c_zap(zap: Zap) -> str:
    fields = {
        "name": _c_string(zap.name.encode()),
        "fat": str(int(zap.fat)),
        "norm": hex(zap.norm),
        "flags": hex(flags_of(zap)),
        "shift": str(zap.leaf_shift),
        "words": str(zap.words),
        "salt": f"{zap.salt:#x}ULL",
    }
    inner = ", ".join(f".{name} = {value}" for name, value in fields.items())
    return f"static program_zap_t the_zap_{zap.name} = {{ {inner} }};"


def _c_step(step: Step) -> list[str]:
    op = step.op
    arguments = []
    if op.target:
        arguments.append(f"&{'the_cursor' if op.verb in CURSOR_VERBS else 'the_zap'}_{op.target}")
    if op.other:
        arguments.append(f"&the_zap_{op.other}")
    verb = op.verb
    if verb in ("add", "update"):
        arguments.append("B_TRUE" if verb == "update" else "B_FALSE")
        verb = "write"
    if op.key is not None:
        arguments.append(_c_key(op.key))
    for field in ARGUMENTS.get(op.verb, ()):
        number = getattr(op, field)
        arguments.append(str(number) if number < 1 << 31 else f"{number:#x}ULL")
    wanted = -1 if step.errno is None else step.errno
    lines = [f"step({_c_string(step.text.encode())});"]
    lines.append(f"expect(do_{verb}({', '.join(arguments)}), {wanted});")
    if step.wrong is not None:
        value, text = step.wrong
        lines.append(f"reported({_c_string(value)}, {len(value)}, {_c_string(text.encode())});")
    return lines


def _c_key(key: Key) -> str:
    if isinstance(key, bytes):
        return _c_string(key)
    return "(uint64_t []){ " + ", ".join(f"{word:#x}ULL" for word in key) + " }"


def _c_string(data: bytes) -> str:
    """A C string literal; octal escapes of three digits cannot swallow what follows, as hexadecimal can."""
    plain = {byte: chr(byte) for byte in range(0x20, 0x7F) if byte not in b'"\\?'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in data) + '"'


FORMS: Mapping[str, Callable[[Reproducer], str]] = {
    "pytest": pytest_form,
    "python": python_form,
    "c": c_form,
}
"""By the name that --as takes."""
SUFFIX = {"pytest": ".py", "python": ".py", "c": ".c"}
