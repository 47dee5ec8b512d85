"""A reproducer as a C program on libzpool's headers: the parts of `c/` that it needs, and its program."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fuzz.corpus.reproducer import Reproducer
from fuzz.execution.result import Entry, Found, Value
from fuzz.export.blind_spots import blind_spots
from fuzz.export.expected_answers import (
    CURSOR,
    MOVE_WORLD,
    Expected,
    Right,
    expected,
    has_threads,
    needs_ours,
    sections,
)
from fuzz.export.prune_c import prune_c
from fuzz.export.story import rightly, story
from fuzz.judge.state import Value as Stored
from fuzz.language.printing import format_op
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verbs import VERBS
from fuzz.targets.libzpool.call import pack_key
from fuzz.targets.model.world import flags_of

HERE = Path(__file__).parent / "c"
BEFORE_ROOM = ("head", "tunables", "pool")
"""Parts that come before the one that says how a transaction is assigned: `room` or `no_room`."""
AFTER_ROOM = ("objects", "entries", "by_dnode", "helpers", "cursors", "directories", "structure")
BY_DNODE = frozenset(("add", "update", "remove", "lookup", "count"))
"""Verbs that have a function of their own for a dnode that is held."""
MORE = ("indirect_shift", "hash_bits", "micro_max", "shorter")
"""Fields of a header line that few have."""

USAGE = """\
With Debian's libzfslinux-dev (in a source tree, 2.2 to 2.4 and later, with the flags of its config/Rules.am):
    cc -Wall -Wextra -isystem /usr/include/libzfs -isystem /usr/include/libspl reproducer.c \\
        -o reproducer -lzpool -lnvpair -lpthread
Ends with status 0 if everything was as it should be, 1 if not, 3 if an operation asked for more time or
memory than its bounds allow; a failed assertion aborts it."""
THREADS_USAGE = f"""{USAGE}
The program has threads. Which of them gets ahead is not forced: it is run again and again (./reproducer
ROUNDS), with waits of random length. A run that ends well proves nothing."""


def c_form(reproducer: Reproducer, release: str = "") -> str:
    """The program's text. What it expects is what is right in a release, or in that which the library is."""
    program = reproducer.program
    threads = has_threads(program)
    right = expected(program, release)
    room = "no_room" if right.refusable else "room"
    names = (*BEFORE_ROOM, room, *AFTER_ROOM, "threads" if threads else "steps")
    parts = [(HERE / f"{name}.c").read_text("utf-8").strip("\n") for name in names]
    cursors = dict.fromkeys(op.subject for op in program.ops if op.verb in CURSOR)
    lists, looks = _contents(program, right)
    fill = {
        "declarations": [
            *itertools.starmap(_zap, enumerate(program.zaps)),
            *(f"static program_cursor_t the_cursor_{name};" for name in cursors),
            *lists,
        ],
        "ends": looks,
    }
    body = [f"(void) do_create(&the_zap_{zap.name});" for zap in program.zaps]
    if unusual := [f"&the_zap_{zap.name}" for zap in program.zaps if needs_ours(zap)]:
        body.insert(0, f"begin_unusual({len(unusual)}, (program_zap_t *[]){{ {', '.join(unusual)} }});")
    if threads:
        lanes, more = _threads(program, right)
        closes = [f"(void) do_close(&the_cursor_{name});" for name in cursors]
        destroys = [f"(void) do_destroy(&the_zap_{zap.name});" for zap in program.zaps]
        fill |= {"lanes": lanes, "steps": [*body, *more, *closes], "destroyed": destroys}
    else:
        fill["steps"] = [
            *body,
            *(line for index, op in enumerate(program.ops) for line in _step(op, index, program, right)),
        ]
    text = "\n\n".join(parts) + "\n"
    for name, lines in fill.items():
        text = _filled(text, name, lines)
    told = _comment(
        story(reproducer, THREADS_USAGE if threads else USAGE, rightly(release), blind_spots(reproducer))
    )
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


def _zap(place: int, zap: Zap) -> str:
    fields = {
        "name": _string(zap.name.encode()),
        "fat": str(int(zap.fat)),
        "norm": hex(zap.norm),
        "flags": hex(flags_of(zap)),
        "shift": str(zap.leaf_shift),
        "words": str(zap.words),
        "casing": str(zap.properties.case),
        "utf8only": str(int(zap.properties.utf8only)),
        "longname": str(int(zap.properties.longname)),
        "compression": str(zap.properties.compression),
        "encryption": str(zap.properties.encryption),
        "salt": f"{zap.salt:#x}ULL",
    }
    if place:
        fields["place"] = str(place)
    fields |= {name: str(int(getattr(zap, name))) for name in MORE if getattr(zap, name)}
    if zap.inode:
        fields["inode"] = f"{zap.inode:#x}ULL"
    inner = ", ".join(f".{name} = {value}" for name, value in fields.items())
    return f"static program_zap_t the_zap_{zap.name} = {{ {inner} }};"


def _contents(program: Program, right: Expected) -> tuple[list[str], list[str]]:
    """The lists of entries that are right in the end, and the calls that look at each ZAP."""
    lists: list[str] = []
    looks = []
    for zap, by_release in zip(program.zaps, right.contents, strict=True):
        rows = []
        for release, contents in by_release.items():
            whose = _string(release.encode()) if release else "NULL"
            for content in contents:
                if content is None:
                    rows.append(f"{{ {whose}, -2, NULL }}")
                    continue
                name = f"entries_{len(lists)}"
                lists.append(_entries(name, content) if content else f"static const entry_t {name}[1];")
                rows.append(f"{{ {whose}, {len(content)}, {name} }}")
            if not contents:
                rows.append(f"{{ {whose}, -1, NULL }}")
        looks.append(f"look_at(&the_zap_{zap.name}, {len(rows)}, (content_t []){{ {', '.join(rows)} }});")
    return lists, looks


def _entries(name: str, content: Mapping[Key, Stored]) -> str:
    rows = []
    for key, (size, length, whole) in content.items():
        data = whole.rstrip(b"\0")
        raw = pack_key(key)
        rows.append(f"{{ {_key(key)}, {len(raw)}, {size}, {length}, {_string(data)}, {len(data)} }}")
    return f"static const entry_t {name}[] = {{\n\t" + ",\n\t".join(rows) + "\n};"


def _threads(program: Program, right: Expected) -> tuple[list[str], list[str]]:
    """The functions of the threads of each part, and the steps of the program itself."""
    functions: list[str] = []
    body: list[str] = []
    for number, (parallel, section) in enumerate(sections(program.ops)):
        lanes: dict[int, list[str]] = {}
        for index, op in section:
            lanes.setdefault(op.thread, []).extend(_step(op, index, program, right))
        if not parallel:
            body += lanes[0]
            continue
        names = [f"part_{number}_thread_{thread}" for thread in lanes]
        for name, lines in zip(names, lanes.values(), strict=True):
            functions += ["static void", f"{name}(void)", "{", *(f"\t{line}" for line in lines), "}", ""]
        body.append(f"together({len(names)}, (lane_t []){{ {', '.join(names)} }});")
    return functions[:-1], body


def _step(op: Op, index: int, program: Program, right: Expected) -> Iterator[str]:
    by_dnode = any(zap.by_dnode and zap.name == op.subject for zap in program.zaps)
    call = _call(op, by_dnode and op.verb in BY_DNODE)
    if op.thread and op.verb in MOVE_WORLD:
        call = f"one_at_a_time(do_{op.verb})"
    if op.verb in right.refusable:
        call = f"refusable({call})"
    yield f"{'lane_step' if op.thread else 'step'}({_string(format_op(op).encode())});"
    if op.verb == "reopen":  # the program's cursors are closed first
        for name in dict.fromkeys(op.subject for op in program.ops if op.verb in CURSOR):
            yield f"(void) do_close(&the_cursor_{name});"
    answers = right.answers[index]
    if (wrong := right.wrong[index]) is not None:
        result, why = wrong
        value = _value(result.value)
        shown = f"{result.errno}, {_string(value)}, {len(value)}, {_string(why.encode())}"
        yield f"reported({call}, {shown});"
    elif answers == {"": []}:
        yield f"(void) {call};"
    elif len(answers) == 1 and len(answers[""]) == 1 and answers[""][0][1] is not ...:
        code, given = answers[""][0]
        value = _value(given)
        yield f"expect({call}, {code}, {_string(value)}, {len(value)});"
    else:
        rows = list(_answers(answers))
        yield f"expect_one({call}, {len(rows)}, (answer_t []){{ {', '.join(rows)} }});"


def _answers(answers: Mapping[str, Sequence[Right]]) -> Iterator[str]:
    for release, each in answers.items():
        whose = _string(release.encode()) if release else "NULL"
        for code, given in each:
            if given is ...:
                yield f"{{ {whose}, {code}, 0, NULL }}"
            else:
                value = _value(given)
                yield f"{{ {whose}, {code}, {len(value)}, {_string(value)} }}"
        if not each:
            yield f"{{ {whose}, -1, 0, NULL }}"


def _value(value: Value | object) -> bytes:
    """What the program keeps of an operation's value (`put`), without zeros at the end."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    if isinstance(value, int):
        return struct.pack("<Q", value).rstrip(b"\0")
    if isinstance(value, Entry):
        head = struct.pack("<4Q", value.size, value.length, value.first, value.conflict)
        return (head + pack_key(value.key)).rstrip(b"\0")
    if isinstance(value, Found):
        return (struct.pack("<Q", value.conflict) + value.name + b"\0" + value.value).rstrip(b"\0")
    assert isinstance(value, tuple)
    return struct.pack(f"<{len(value)}Q", *value).rstrip(b"\0")


def _call(op: Op, by_dnode: bool) -> str:
    words = []
    if op.subject:
        words.append(f"&{'the_cursor' if op.verb in CURSOR else 'the_zap'}_{op.subject}")
    if op.other:
        words.append(f"&the_zap_{op.other}")
    verb = op.verb
    if verb in ("add", "update"):
        words.append("B_TRUE" if verb == "update" else "B_FALSE")
        verb = "write"
    words += [_key(key) for key in (op.key, op.to) if key is not None]
    for number in VERBS[op.verb].numbers:
        given = getattr(op, number.field)
        words.append(str(given) if given < 1 << 31 else f"{given:#x}ULL")
    return f"do_{verb}{'_by_dnode' * by_dnode}({', '.join(words)})"


def _key(key: Key) -> str:
    if isinstance(key, bytes):
        return _string(key)
    return f"(const char *)(uint64_t []){{ {len(key)}, {', '.join(f'{word:#x}ULL' for word in key)} }}"


def _string(data: bytes) -> str:
    """A C string literal; octal escapes of three digits cannot swallow what follows, as hexadecimal can."""
    plain = {byte: chr(byte) for byte in range(0x20, 0x7F) if byte not in b'"\\?'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in data) + '"'
