"""A reproducer as a Python script on ctypes: what it needs of the adapter and of `python_steps`, cut out of
them, and its program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from fuzz.corpus.reproducer import Reproducer
from fuzz.execution.result import Entry
from fuzz.export.blind_spots import blind_spots
from fuzz.export.expected_answers import Content, Expected, Right, expected, has_threads, needs_ours, sections
from fuzz.export.prune_python import cut
from fuzz.export.story import for_docstring, rightly, story
from fuzz.language.printing import format_op
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.call import pack_key
from fuzz.targets.libzpool.session import FUNCTIONS
from fuzz.targets.libzpool.verbs.no_room import while_full

USAGE = """\
python3 THIS_FILE /path/to/libzpool.so: needs Python 3.10 or later on Linux, and no more than that library.
Ends with status 0 if everything was as it should be, 1 if not, 3 if an operation asked for more time or
memory than its bounds allow; a failed assertion of the library aborts it."""
OURS_USAGE = """
The header lines ask for what no function of a library takes: a C compiler (cc, or $CC) is needed, too."""
THREADS_USAGE = f"""{USAGE}
The program has threads. Which of them gets ahead is not forced: it is run again and again (a second argument
says how often), with waits of random length. A run that ends well proves nothing."""
MODULE = "fuzz.export.python_steps"
THREADS_MODULE = "fuzz.export.python_threads"


def python_form(reproducer: Reproducer, release: str = "") -> str:
    """The script's text. What it expects is what is right in a release, or in that which the library is."""
    program = reproducer.program
    threads = has_threads(program)
    right = expected(program, release)
    verbs = dict.fromkeys(op.verb for op in program.ops)
    roots = [
        (THREADS_MODULE, "run_rounds") if threads else (MODULE, "run_steps"),
        *((FUNCTIONS[verb].__module__, FUNCTIONS[verb].__name__) for verb in verbs),
        *((MODULE, name) for name in ("Step", "Call", "Zap")),
    ]
    ours = any(map(needs_ours, program.zaps))
    if ours:
        roots.append((MODULE, "compile_ours"))
    if right.refusable:
        roots.append((while_full.__module__, while_full.__name__))
    if any(zap.words for zap in program.zaps):
        roots.append(("fuzz.targets.libzpool.call", "pack_key"))
    if any(op.verb in ("lookup_norm",) for op in program.ops):
        roots.append(("fuzz.execution.result", "Found"))
    imports, body = cut(roots)
    usage = (THREADS_USAGE if threads else USAGE) + OURS_USAGE * ours
    told = story(reproducer, usage, rightly(release), blind_spots(reproducer))
    lines = [
        '"""' + for_docstring(told),
        '"""',
        "",
        "from __future__ import annotations",
        "",
        imports,
        body,
        "",
        *_data(program, right, threads),
        "",
        *(_ours() if ours else ()),
        'if __name__ == "__main__":',
        *(["    compile_ours(OURS_C)"] if ours else []),
        f"    {'run_rounds' if threads else 'run_steps'}(ZAPS, PROGRAM, CONTENTS)",
    ]
    return "\n".join(lines) + "\n"


def _ours() -> Iterator[str]:
    """The C functions that stand before the library's, as the adapter has them."""
    yield "OURS_C = {"
    for name in ("hash_bits.c", "micro_max.c"):
        lines = resources.files("fuzz.targets.libzpool").joinpath(name).read_text("utf-8").splitlines()
        yield f"    {name!r}: ("
        yield from (f"        {line + chr(10)!r}" for line in lines)
        yield "    ),"
    yield from ("}", "")


def _data(program: Program, right: Expected, threads: bool) -> Iterator[str]:
    yield "ZAPS = ["
    for zap in program.zaps:
        yield f"    {_zap(zap)},"
    yield from ("]", "PROGRAM: list[Any] = [")
    numbers = _Numbers(program)
    for _, section in sections(program.ops) if threads else [(False, list(enumerate(program.ops)))]:
        if threads:
            yield "    ["
        for index, op in section:
            yield f"    {'    ' * threads}{numbers.step(op, right, index)},"
        if threads:
            yield "    ],"
    yield from ("]", "CONTENTS: list[Any] = [")
    for by_release in right.contents:
        shown = {name: f"[{', '.join(map(_content, each))}]" for name, each in by_release.items()}
        yield f"    {_choice(shown)},"
    yield from ("]", "")


def _zap(zap: Zap) -> str:
    """A header line, without the fields that are as by default."""
    fields = [
        f"{name}={hex(zap.salt) if name == 'salt' else repr(got)}"
        for name, got in zip(zap._fields, zap, strict=True)
        if got != zap._field_defaults.get(name)
    ]
    return f"Zap({', '.join(fields)})"


def _number(number: int) -> str:
    return hex(number) if number > 0xFFFF else str(number)


def _key(key: Key) -> str:
    if isinstance(key, bytes):
        return repr(key)
    return f"pack_key(({', '.join(map(hex, key))},))"


class _Numbers:
    """The numbers of the program's ZAPs and cursors."""

    def __init__(self, program: Program) -> None:
        self.zaps = {zap.name: index for index, zap in enumerate(program.zaps)}
        self.cursors: dict[str, int] = {}

    def step(self, op: Op, right: Expected, index: int) -> str:
        """A Step."""
        text, function = repr(format_op(op)), FUNCTIONS[op.verb].__name__
        if op.verb in right.refusable:
            function = f"{while_full.__name__}({function})"
        words = [text, function, self._call(op), _right(right.answers[index])]
        if (wrong := right.wrong[index]) is not None:
            result, why = wrong
            words.append(f"wrong=({_answer((result.errno, result.value))}, {why!r})")
        if op.thread:
            words.append(f"thread={op.thread}")
        return f"Step({', '.join(words)})"

    def _call(self, op: Op) -> str:
        verb = VERBS[op.verb]
        words = []
        if verb.subject is Subject.ZAP:
            words.append(str(self.zaps[op.subject]))
        elif verb.subject is Subject.CURSOR:
            words.append(str(self.cursors.setdefault(op.subject, len(self.cursors))))
        if verb.other:
            words.append(f"other={self.zaps[op.other]}")
        words += [f"{name}={_key(key)}" for name, key in (("key", op.key), ("to", op.to)) if key is not None]
        for number in verb.numbers:
            words.append(f"{number.field}={_number(getattr(op, number.field))}")
        return f"Call({', '.join(words)})"


def _right(by_release: Mapping[str, Sequence[Right]]) -> str:
    return _choice({name: f"[{', '.join(map(_answer, each))}]" for name, each in by_release.items()})


def _choice(shown: Mapping[str, str]) -> str:
    if len(shown) == 1:
        return shown[""]
    return "{" + ", ".join(f"{name!r}: {text}" for name, text in shown.items()) + "}"


def _answer(answer: tuple[int, Any]) -> str:
    code, value = answer
    if value is None:
        return str(code)
    if value is ...:
        return f"({code}, ...)"
    if isinstance(value, Entry) and isinstance(value.key, tuple):
        value = value._replace(key=pack_key(value.key))  # as the library's adapter gives it
    return f"({code}, {value!r})"


def _content(content: Content) -> str:
    if content is None:
        return "None"
    entries = [f"{_key(key)}: ({each.size}, {each.length}, {each.data!r})" for key, each in content.items()]
    return "{" + ", ".join(entries) + "}"
