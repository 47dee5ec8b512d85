"""Of all answers of an op the oracle takes one, but for what the list of open questions names."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import fuzz.judge
from fuzz.execution.result import Entry, Found, Result, Value
from fuzz.generate.styles import STYLES
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure
from fuzz.judge.undecided import OPEN
from fuzz.language.printing import format_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.linearizability import copy_oracle
from tests.support.cases import only_now
from zapcore.errors import LimitExceeded
from zapcore.hashing import name_for_hash

ERRNOS = (
    *(0, errno.ENOENT, errno.EEXIST, errno.EINVAL, errno.E2BIG, errno.ENOSPC, errno.ENAMETOOLONG),
    *(errno.EOVERFLOW, errno.ENOTSUP, errno.EIO, errno.EBADF, errno.EPERM, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENXIO, errno.EAGAIN),
)
ANY_VALUE: dict[str, Value] = {
    "lookup": b"\x01",
    "lookup_norm": Found(b"\x01", b"nobody", False),
    "length": (8, 1),
    "count": 7,
    "serialize": 7,
    "next": Entry(b"nobody", 8, 1, 1),
    "retrieve": Entry(b"nobody", 8, 1, 1),
    "search": b"nobody",
    "stats": (0,) * 63,
    "readdir": b"nobody\0",
}
"""What a success would bring where there is none."""


DRAWS = [draw for _, draw in STYLES.values()]


def others(value: Any) -> Iterator[Any]:
    """Values that differ a little."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value ^ 1
        yield value + (1 << 28)
    elif isinstance(value, bytes):
        yield value + b"\x07"
        yield bytes([value[0] ^ 1]) + value[1:] if value else b"\x01"
    elif isinstance(value, Entry | Found):
        for field in value._fields:
            if field != "key" or isinstance(getattr(value, field), bytes):
                for each in others(getattr(value, field)):
                    yield value._replace(**{field: each})
    elif isinstance(value, tuple):
        for at, number in enumerate(value):
            yield (*value[:at], number ^ 1, *value[at + 1 :])


def wrong_answers(verb: str, result: Result) -> Iterator[Result]:
    """Every other errno, and values that differ a little."""
    for code in ERRNOS:
        if code != result.errno:
            yield Result(code, ANY_VALUE.get(verb) if code == 0 else None)
    for value in others(result.value):
        yield Result(result.errno, value)


def taken(program: Program, release: str) -> Iterator[str]:
    """The wrong answers that the oracle would take, and has no open question for. Where an op answered with
    the errno of a read that failed, the answer that is right when all can be read is no wrong one: the block
    may have been dirty, or held by a cursor, and then needs no read. There is one such answer only."""
    model = ModelTarget(release, block_limit=1 << 10)
    oracle = Oracle(program, model.release)
    try:
        model.begin(program)
        for index, op in enumerate(program.ops):
            result = model.apply(op)
            before = copy_oracle(oracle)
            if oracle.check(op, result) is not None:  # a finding
                return
            allowed = int(oracle.state.read_failed)
            for answer in wrong_answers(op.verb, result):
                twin = copy_oracle(before)
                twin.state.left_open = ""
                if twin.check(op, answer) is None and not twin.state.left_open:
                    allowed -= 1
                    if allowed < 0:
                        shown = format_program(program.with_ops(program.ops[: index + 1]))
                        yield f"{release}: {op.verb} takes {answer} for {result}\n{shown}"
    except (Failure, LimitExceeded):
        return


@only_now("release", ["2.4"], ["2.1", "2.3", "2.4", "master"])
def test_every_other_answer_is_wrong(release: str) -> None:
    """A judge that lets an errno or a value pass hides every bug that shows by it."""
    rng = Random(f"open {release}")
    model = ModelTarget(release, block_limit=1 << 10)
    for number in range(40):
        draw = DRAWS[number % len(DRAWS)]
        program = draw(rng, model)
        assert next(taken(program.with_ops(program.ops[:60]), release), None) is None


def test_what_no_leaf_holds_does_not_become_of_what_is_there() -> None:
    """The table grows for such an update, to its end; a target that says it is done has lost something."""
    program = parse("zap z fat key=u64 leaf_shift=9\nadd z 0x1 len=43\nupdate z 0x1 len=337\n")
    for code, right in ((0, False), (errno.E2BIG, False), (errno.ENOSPC, True)):
        oracle = Oracle(program)
        assert oracle.check(program.ops[0], Result(0)) is None
        assert (oracle.check(program.ops[1], Result(code)) is None) == right


def test_a_rename_without_room_is_refused_but_for_names_of_one_file() -> None:
    """Only where there is nothing to do is no transaction asked for (zfs_rename)."""
    text = (
        'zap d micro\ntouch d "a" inode=0x8\nlink d d "a" "b"\ntouch d "c" inode=0x9\nfull\nrename d d "a" '
    )
    for to, right in (("b", 0), ("c", errno.ENOSPC), ("new", errno.ENOSPC)):
        program = parse(f'{text}"{to}"\n')
        for code in (0, errno.ENOSPC):
            oracle = Oracle(program)
            for op in program.ops[:-1]:
                assert oracle.check(op, Result(0)) is None
            taken_for_right = oracle.check(program.ops[-1], Result(code)) is None
            assert taken_for_right == (code == right or code == errno.ENOSPC), (to, code)


def test_every_open_question_is_asked_somewhere_and_no_other() -> None:
    """A line of the list that no code needs any more is a hole that nobody closed."""
    folder = Path(fuzz.judge.__file__).parent
    source = "".join(file.read_text() for file in folder.rglob("*.py"))
    assert set(re.findall(r'leave_open\(state, "([^"]+)"\)', source)) == set(OPEN)
    assert len(re.findall(r"leave_open\(state, ", source)) == len(re.findall(r'leave_open\(state, "', source))
    with pytest.raises(KeyError):
        OPEN["anything"]


def test_what_entries_of_one_hash_leave_no_room_for_cannot_be_done() -> None:
    """No table parts them, however large it becomes: a success is as wrong as ENOSPC elsewhere."""
    names = [name_for_hash(1, 7 << 60, 64, stem) for stem in (b"a", b"b", b"c")]
    oracle = Oracle(Program((Zap("z", hash64=True, leaf_shift=9, salt=1),), ()))
    for name in names[:2]:
        assert oracle.check(Op("add", "z", name, 1, 120), Result()) is None
    for code, right in ((0, False), (errno.ENOSPC, True), (errno.EEXIST, False)):
        twin = copy_oracle(oracle)
        assert (twin.check(Op("add", "z", names[2], 1, 120), Result(code)) is None) == right
