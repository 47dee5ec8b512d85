"""A reproducer as a C program on libzpool's headers: the parts of `alone/` that it needs, and its program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.corpus.reproducer import Reproducer
from fuzz.export.orders import errnos, has_threads, sections
from fuzz.export.prune import prune_c
from fuzz.export.story import ARGUMENTS, REFERENCE, Step, steps, story
from fuzz.language.printing import format_op
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verbs import CURSOR_VERBS, TIME
from fuzz.targets.model import flags_of

HERE = Path(__file__).parent / "alone"

USAGE = """\
With Debian's libzfslinux-dev (in a source tree, 2.2 to 2.4 and later, with the flags of its config/Rules.am):
    cc -Wall -Wextra -isystem /usr/include/libzfs -isystem /usr/include/libspl reproducer.c \\
        -o reproducer -lzpool -lnvpair -lpthread
Ends with status 0 if everything was as it should be, 1 if not, 3 if an operation asked for more time or
memory than its bounds allow; a failed assertion aborts it."""
THREADS_USAGE = f"""{USAGE}
The program has threads. Which of them gets ahead is not forced: it is run again and again (./reproducer
ROUNDS), with waits of random length. A run that ends well proves nothing."""


def c_form(reproducer: Reproducer) -> str:
    """The program's text."""
    program = reproducer.program
    threads = has_threads(program)
    names = ("world", "verbs", "cursors", "directories", "threads" if threads else "main")
    parts = [(HERE / f"{name}.c").read_text("utf-8").strip("\n") for name in names]
    body = [f"(void) do_create(&the_zap_{zap.name});" for zap in program.zaps]
    fill = {"declarations": [*map(_zap, program.zaps), *_cursors(program)]}
    if threads:
        lanes, more = _threads(program)
        fill |= {"lanes": lanes, "steps": body + more, "ends": _ends(program)}
    else:
        fill["steps"] = [*body, *(line for step in steps(program) for line in _step(step, program))]
    text = "\n\n".join(parts) + "\n"
    for name, lines in fill.items():
        text = _filled(text, name, lines)
    told = _comment(story(reproducer, THREADS_USAGE if threads else USAGE))
    return prune_c(text).replace("/* @story@ */", told, 1)


def _filled(text: str, mark: str, lines: list[str]) -> str:
    """The text with lines in the place of a mark, indented as it is."""
    before, _, after = text.partition(f"/* @{mark}@ */\n")
    indent = before[before.rindex("\n") + 1 :]
    return (
        before
        + "\n".join(f"{indent}{line}" if line else "" for line in lines).removeprefix(indent)
        + "\n"
        + after
    )


def _comment(lines: list[str]) -> str:
    body = "\n".join(f" * {line}".rstrip() for line in lines).replace("*/", "* /").replace("/*", "/ *")
    return f"/*\n{body}\n */"


def _zap(zap: Zap) -> str:
    fields = {
        "name": _string(zap.name.encode()),
        "fat": str(int(zap.fat)),
        "norm": hex(zap.norm),
        "flags": hex(flags_of(zap)),
        "shift": str(zap.leaf_shift),
        "words": str(zap.words),
        "salt": f"{zap.salt:#x}ULL",
    }
    inner = ", ".join(f".{name} = {value}" for name, value in fields.items())
    return f"static program_zap_t the_zap_{zap.name} = {{ {inner} }};"


def _cursors(program: Program) -> list[str]:
    names = dict.fromkeys(op.subject for op in program.ops if op.verb in CURSOR_VERBS)
    return [f"static program_cursor_t the_cursor_{name};" for name in names]


def _ends(program: Program) -> list[str]:
    """What a round that others follow must undo."""
    cursors = dict.fromkeys(op.subject for op in program.ops if op.verb in CURSOR_VERBS)
    lines = [f"(void) do_close(&the_cursor_{name});" for name in cursors]
    lines += [f"walk(&the_zap_{zap.name});" for zap in program.zaps]
    return [*lines, *(f"(void) do_destroy(&the_zap_{zap.name});" for zap in program.zaps)]


def _threads(program: Program) -> tuple[list[str], list[str]]:
    """The functions of the threads of each part, and the steps of the program itself."""
    functions: list[str] = []
    body: list[str] = []
    allowed = errnos(program, REFERENCE)
    for number, (parallel, section) in enumerate(sections(program.ops)):
        lanes: dict[int, list[str]] = {}
        for index, op in section:
            lanes.setdefault(op.thread, []).extend(_lane_step(op, allowed[index], program))
        if not parallel:
            body += lanes[0]
            continue
        names = [f"part_{number}_thread_{thread}" for thread in lanes]
        for name, lines in zip(names, lanes.values(), strict=True):
            functions += ["static void", f"{name}(void)", "{", *(f"\t{line}" for line in lines), "}", ""]
        body.append(f"together({len(names)}, (lane_t []){{ {', '.join(names)} }});")
    return functions[:-1], body


def _lane_step(op: Op, allowed: set[int], program: Program) -> list[str]:
    call = _call(op)
    if op.thread and op.verb in TIME:
        call = f"one_at_a_time(do_{op.verb})"
    lines = [
        f"{'lane_step' if op.thread else 'step'}({_string(format_op(op).encode())});",
        *_first(op, program),
    ]
    if allowed:
        errors = ", ".join(map(str, sorted(allowed)))
        return [*lines, f"expect_one({call}, {len(allowed)}, (int []){{ {errors} }});"]
    return [*lines, f"(void) {call};"]


def _step(step: Step, program: Program) -> list[str]:
    call = _call(step.op)
    lines = [f"step({_string(step.text.encode())});", *_first(step.op, program)]
    lines.append(f"(void) {call};" if step.errno is None else f"expect({call}, {step.errno});")
    if step.wrong is not None:
        value, text = step.wrong
        lines.append(f"reported({_string(value)}, {len(value)}, {_string(text.encode())});")
    return lines


def _first(op: Op, program: Program) -> Iterator[str]:
    """What a verb expects to have been done."""
    if op.verb == "reopen":
        for name in dict.fromkeys(op.subject for op in program.ops if op.verb in CURSOR_VERBS):
            yield f"(void) do_close(&the_cursor_{name});"


def _call(op: Op) -> str:
    words = []
    if op.subject:
        words.append(f"&{'the_cursor' if op.verb in CURSOR_VERBS else 'the_zap'}_{op.subject}")
    if op.other:
        words.append(f"&the_zap_{op.other}")
    verb = op.verb
    if verb in ("add", "update"):
        words.append("B_TRUE" if verb == "update" else "B_FALSE")
        verb = "write"
    words += [_key(key) for key in (op.key, op.to) if key is not None]
    for field in ARGUMENTS.get(op.verb, ()):
        number = getattr(op, field)
        words.append(str(number) if number < 1 << 31 else f"{number:#x}ULL")
    return f"do_{verb}({', '.join(words)})"


def _key(key: Key) -> str:
    if isinstance(key, bytes):
        return _string(key)
    return "(uint64_t []){ " + ", ".join(f"{word:#x}ULL" for word in key) + " }"


def _string(data: bytes) -> str:
    """A C string literal; octal escapes of three digits cannot swallow what follows, as hexadecimal can."""
    plain = {byte: chr(byte) for byte in range(0x20, 0x7F) if byte not in b'"\\?'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in data) + '"'
