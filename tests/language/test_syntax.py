"""Protects the text form: print and read are inverse, comments survive, and whatever is no program is refused
in one line that says where, quickly and without much memory."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.language import syntax
from fuzz.language.program import MAX_NAME, Op, Program, Switch, Zap
from fuzz.language.syntax import MAX_FILE, SyntaxProblem, format_program, load, parse, save
from fuzz.language.validate import problems
from fuzz.language.verbs import VERBS
from tests.support.measured import measured
from tests.support.programs.program_strategies import programs

CANONICAL = textwrap.dedent(
    r"""
    # stale user data on a reused leaf block (OpenZFS issue 16157)
    #  an indented line, and \ " # marks
    zap z fat key=u64 prehashed leaf_shift=9

    zap many fat key=u64 words=3 hash64 salt=0x3
    zap d fat hash64 norm=82
    zap m micro leaf_shift=12
    # who goes when
    schedule 0:1 17:0
    add z 0x0 len=180
    t1: add z 0x8000000000000000 len=180
    update many 0x1:0x0:0xffffffffffffffff int=8 len=3 fill=0x10
    add d "a \"name\" \\ #1\n\t\x01\xff"
    lookup m "b" int=8 len=0
    t15: cursor c z

    next c
    txg
    # the end
    """
).lstrip("\n")


@given(programs(notes=True))
def test_printed_and_read_back_a_program_is_the_same(program: Program) -> None:
    assert problems(program) is None
    text = format_program(program)
    again = parse(text)
    assert again == program
    assert again.notes == program.notes
    assert parse(text.encode()) == program
    assert format_program(again) == text


def test_canonical_text_is_printed_as_it_was_read() -> None:
    program = parse(CANONICAL)
    assert format_program(program) == CANONICAL
    assert program.zaps[0] == Zap("z", words=1, prehashed=True, leaf_shift=9)
    assert program.zaps[1] == Zap("many", words=3, hash64=True, salt=3)
    assert program.schedule == (Switch(0, 1), Switch(17, 0))
    assert program.ops[0] == Op("add", "z", (0,), 1, 180, 0)
    assert program.ops[3].key == b'a "name" \\ #1\n\t\x01\xff'
    assert program.ops[4] == Op("lookup", "m", b"b", 8, 0)
    assert program.ops[5] == Op("cursor", "c", other="z", thread=15)


def test_the_longest_op_there_is_can_be_read_back() -> None:
    """What cannot be read back is a finding lost."""
    zap = Zap("z", fat=False)
    worst = Op("rename", "z", b"\xff" * MAX_NAME, other="z", to=b"\x01" * MAX_NAME, thread=15)
    program = Program((zap,), (worst,))
    assert parse(format_program(program), "<test>") == program


def test_people_may_write_it_otherwise() -> None:
    text = "\ufeff\n  zap z fat words=2 key=u64 \r\n\tadd  z 7:0X0A fill=9 int=1 #why\nschedule_ = 1"
    body, _, _ = text.rpartition("\n")
    program = parse(body)
    assert program.ops == (Op("add", "z", (7, 10), 1, 1, 9),)
    assert program.notes == ((0, ""), (1, "why"))
    assert format_program(program) == "\nzap z fat key=u64 words=2\n# why\nadd z 0x7:0xa fill=0x9\n"
    assert parse('zap d fat hash64\nadd d "é"').ops[0].key == "é".encode()


def test_every_verb_can_be_written() -> None:
    zap = Zap("z", hash64=True)
    for name, verb in VERBS.items():
        defaults = {n.field: n.default for n in verb.numbers}
        target = {"NONE": "", "ZAP": "z", "CURSOR": "c"}[verb.subject.name]
        other = "z" if verb.other else ""
        to = b"new" if verb.to else None
        op = Op(name, target, b"k" if verb.key else None, other=other, to=to, **defaults)
        assert parse(format_program(Program((zap,), (op,)))).ops == (op,)


Z = "zap z fat key=u64\n"
D = "zap d fat hash64\n"
BAD = {
    "": "1:1: expected a `zap` line, found nothing: the text is empty",
    "# only\n\n": "2:1: expected a `zap` line, found the end",
    "add z 0x0": "1:1: expected a `zap` line first, found 'add'",
    "zap": "1:4: expected a ZAP's name, found the end of the line",
    "zap z": "1:6: expected fat or micro, found the end of the line",
    "zap z thin": "1:7: expected fat or micro, found 'thin'",
    "zap Z fat hash64": "1:5: expected a name like [a-z][a-z0-9_]{0,15}, found 'Z'",
    "zap a234567890123456x fat hash64": "1:5: expected a name like [a-z][a-z0-9_]{0,15}, "
    "found 'a234567890123456x'",
    "zap z fat": "1:7: expected hash64 or key=u64 with fat (else OpenZFS makes a micro ZAP), found fat alone",
    "zap z micro key=u64": "1:7: expected fat (a micro ZAP has keys that are names, and no flags), "
    "found micro",
    "zap z fat key=word": "1:15: expected name or u64, found 'word'",
    "zap z fat hash64 words=2": "1:24: expected 1 or more words, and key=u64, found keys that are names",
    "zap z fat key=u64 words=34": "1:25: expected 0 to 33 words, found 34",
    "zap z fat key=u64 shorter": "1:19: expected shorter only with words=2 or more, found shorter alone",
    "zap z fat key=u64 words=2 shorter\nadd z 0x1:0x2:0x3": "2:7: expected a key of 1 to 2 words, "
    "found one of 3",
    "zap z fat hash64 prehashed": "1:18: expected prehashed only with key=u64, found prehashed with key=name",
    "zap z fat hash64 leaf_shift=8": "1:29: expected 9 to 17, found 8",
    "zap z fat hash64 leaf_shift=x": "1:29: expected a number such as 12 or 0x1f, found 'x'",
    "zap z fat hash64 leaf_shift": "1:18: expected one of key=, words=, shorter, prehashed, hash64, "
    "leaf_shift=, norm=, salt=, hash_bits=, indirect_shift=, micro_max_size=, inode=, by_dnode, "
    "casesensitivity=, normalization=, utf8only=, longname=, compression=, encryption=, "
    "usage=, mos, found 'leaf_shift'",
    "zap z fat hash64 hash_bits=7": "1:28: expected 8 to 24, or 0, found 7",
    "zap z fat hash64 indirect_shift=8": "1:33: expected 9 to 16, or 0, found 8",
    "zap z fat hash64 indirect_shift=9 mos": "1:33: expected no usage, mos, hash_bits and file system's "
    "properties with indirect_shift, found mos",
    "zap z fat key=u64 inode=2": "1:25: expected keys that are names, and no usage or mos, with inode, "
    "found key=u64",
    "zap z micro inode=1": "1:19: expected 2 to 0xffffffffffff, or 0, found 1",
    "zap z micro inode=2\nzap y micro inode=2": "2:19: expected a number that no other directory has, "
    "found 2",
    "zap z micro micro_max_size=511": "1:28: expected 512 to 16777216 bytes, or 0, found 511",
    "zap z fat hash64 micro_max_size=512": "1:33: expected micro, and no usage or mos, with "
    "micro_max_size, found fat",
    "zap z fat hash64 salt=0": "1:23: expected 1 to 0xffffffffffffffff, found 0",
    "zap z fat hash64 norm=1": "1:23: expected one of 0, 2, 4, 16, 18, 20, 32, 34, 36, 80, 82, 84, 96, 98, "
    "100, found 1",
    "zap z fat hash64 hash64": "1:18: expected hash64 only once, found 'hash64'",
    Z + "zap z fat hash64": "2:5: expected a name that no other ZAP has, found 'z'",
    Z + "txg\nzap y fat hash64": "3:1: expected an op (zap lines come first), found zap",
    Z + "txg\n  frob z": f"3:3: expected one of {', '.join(VERBS)}, found 'frob'",
    Z + "add": "2:4: expected the name of a zap, found the end of the line",
    Z + "add y 0x0": "2:5: expected a ZAP that a header line declares, found 'y'",
    Z + "add z": "2:6: expected a key, found the end of the line",
    Z + 'add z "a"': "2:7: expected a key of 64-bit words such as 0x1f, found 'a'",
    Z + "add z 0x1:0x2": "2:7: expected a key of 1 word, found one of 2",
    Z + "add z 0x1:": "2:11: expected a number such as 12 or 0x1f, found nothing",
    Z + "add z 0x10000000000000000": "2:7: expected words below 2^64, found a huge number",
    Z + "add z foo": "2:7: expected a key: a name in double quotes, or 0x words, found 'foo'",
    Z + "add z 0x1 len=8193": "2:15: expected 0 to 8192, found 8193",
    Z + "add z 0x1 len=-1": "2:15: expected a number such as 12 or 0x1f, found '-1'",
    Z + "add z 0x1 len=": "2:15: expected a number such as 12 or 0x1f, found nothing",
    Z + "add z 0x1 int=3": "2:15: expected one of 1, 2, 4, 8, found 3",
    Z + "add z 0x1 fill=0x1ffffffffffffffff": "2:16: expected 0 to 0xffffffffffffffff, found a huge number",
    Z + "add z 0x1 len=1 len=1": "2:17: expected len= only once, found 'len=1'",
    Z + "add z 0x1 180": "2:11: expected one of int=, len=, fill=, found '180'",
    Z + "remove z 0x1 len=1": "2:14: expected nothing more after remove, found 'len=1'",
    Z + "cursor c": "2:9: expected the name of a zap, found the end of the line",
    Z + "cursor c y": "2:10: expected a ZAP that a header line declares, found 'y'",
    Z + "cursor 1c z": "2:8: expected a cursor's name like [a-z][a-z0-9_]{0,15}, found '1c'",
    Z + "next C": "2:6: expected a cursor's name like [a-z][a-z0-9_]{0,15}, found 'C'",
    Z + "sync now": "2:6: expected nothing more after sync, found 'now'",
    Z + "t16: sync": "2:1: expected a thread from 0 to 15, found 16",
    Z + "t1:": "2:4: expected an op, found the end of the line",
    Z + "schedule": "2:9: expected STEP:THREAD, found the end of the line",
    Z + "schedule 1:1 1:0": "2:14: expected a step from 2 to 4294967295, found 1",
    Z + "schedule 1:1 2": "2:14: expected STEP:THREAD, found '2'",
    Z + "schedule 1:16": "2:10: expected a thread from 0 to 15, found 16",
    Z + "schedule 1:1\nschedule 2:1": "3:1: expected one `schedule`, between the zap lines and the ops, "
    "found another",
    Z
    + "sync\nschedule 2:1": "3:1: expected one `schedule`, between the zap lines and the ops, found one here",
    D + 'add d "a': "2:7: expected a name that ends with a double quote and a blank, found '\"a'",
    D + 'add d "a"b': "2:7: expected a name that ends with a double quote and a blank, found '\"a\"b'",
    D + 'add d "a\\q"': r"2:9: expected one of \" \\ \n \t \xNN, found " + r"'\\q'",
    D + 'add d "\\x0g"': r"2:8: expected one of \" \\ \n \t \xNN, found " + r"'\\x'",
    D + 'add d ""': "2:7: expected a name of 1 to 1040 bytes, found one of 0",
    D + f'add d "{"a" * 1041}"': "2:7: expected a name of 1 to 1040 bytes, found one of 1041",
    D + 'add d "a\\x00"': r"2:7: expected a name without NUL bytes, found 'a\x00'",
    D + "add d 0x1": "2:7: expected a name in double quotes, found 0x1",
    D + "sync # \x1b[2J": "2:8: expected printable text, found character 0x1b",
    D + "\udc80": "2:1: expected printable text, found character 0xdc80",
    D + "# " + "x" * 20000: "2:16385: expected a line of at most 16384 characters, found 20002",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text[:40]))
def test_what_is_no_program_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text, "p.zap")
    assert str(caught.value) == f"p.zap:{BAD[text]}"
    where = f"{caught.value.line}:{caught.value.column}:"
    assert BAD[text].startswith(where)


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(SyntaxProblem, match=r"^p:2:7: expected UTF-8 text, found byte 0xff$"):
        parse("zap é fat\nadd ö ".encode() + b"\xff", "p")


@given(st.one_of(st.text(), st.binary()))
def test_any_text_is_a_program_or_a_problem(text: str | bytes) -> None:
    _program_or_problem(text)


_PIECES = [*VERBS, "zap", "z", "fat", "micro", "hash64", "key=u64", "words=2", "prehashed", "schedule", "1:1"]
_PIECES += [
    "t1:",
    "0x0",
    "0x1:0x2",
    '"a"',
    '"',
    "\\",
    "len=1",
    "int=8",
    "fill=0x1",
    "#",
    " ",
    "\n",
    "\n",
    "\r",
]


@given(
    st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=2)), max_size=30),
    st.sampled_from(["", " "]),
)
def test_any_pieces_of_text_are_a_program_or_a_problem(pieces: list[str], between: str) -> None:
    _program_or_problem(between.join(pieces))
    _program_or_problem("zap z fat key=u64\n" + between.join(pieces))


def _program_or_problem(text: str | bytes) -> None:
    try:
        program = parse(text)
    except SyntaxProblem as problem:
        assert str(problem).isprintable()
        return
    assert problems(program) is None
    again = parse(format_program(program))
    assert (again, again.notes) == (program, program.notes)


def test_files_are_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "p.zap"
    path.write_text("old")
    program = parse(CANONICAL)
    save(path, program)
    assert path.read_text() == CANONICAL
    assert load(path) == program
    assert os.listdir(tmp_path) == ["p.zap"]


def test_a_program_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a name that no other ZAP has"):
        save(tmp_path / "p.zap", Program((Zap("z", words=1), Zap("z", words=1)), ()))
    with pytest.raises(ValueError, match="one line of text"):
        save(tmp_path / "p.zap", Program((Zap("z", words=1),), (), notes=((0, "two\nlines"),)))
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.zap").mkdir()
    with pytest.raises(OSError):
        save(tmp_path / "p.zap", parse(CANONICAL))
    assert os.listdir(tmp_path) == ["p.zap"]


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for name, text in {
        "": "expected a file that can be read, found Is a directory",
        "gone": "expected a file that can be read, found No such file or directory",
        "empty/x": "expected a file that can be read, found Not a directory",
        "a\0b": "expected a file that can be read, found embedded null byte",
    }.items():
        with pytest.raises(SyntaxProblem) as caught:
            load(os.path.join(tmp_path, name))
        assert str(caught.value).endswith(text)
        assert str(caught.value).isprintable()
    with pytest.raises(
        SyntaxProblem, match="empty:1:1: expected a `zap` line, found nothing: the text is empty"
    ):
        load(tmp_path / "empty")


HUGE = {
    "sparse file of 100 MB": (None, f"expected at most {MAX_FILE} bytes, found 100000000"),
    "binary file": (bytes(range(256)) * 50_000, "2:118: expected UTF-8 text"),
    "NUL bytes": (bytes(MAX_FILE), "expected a line of at most 16384 characters"),
    "one huge line": (
        b"zap z fat key=u64\nadd z 0x" + b"f" * 16_000_000,
        "2:16385: expected a line of at most",
    ),
    "huge schedule word": (b"zap z fat key=u64\nschedule " + b"1" * 16_000_000, "2:10: expected STEP:THREAD"),
    "huge schedule": (b"zap z fat key=u64\nschedule " + b"0:0 " * 4_000_000, "2:14: expected a step from 1"),
    "blank lines": (b"\n" * MAX_FILE, "65537:1: expected at most 65536 comments and blank lines"),
    "quotes": (b'zap z fat hash64\nadd z "' + b'\\"' * 2000, "2:7: expected a name that ends with a double"),
    "ops without end": (b"zap z fat key=u64\n" + b"txg\n" * 4_000_000, "expected at most 1000000 ops"),
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_files_are_refused_quickly_and_in_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "p"
    data, expected = HUGE[name]
    with open(path, "wb") as file:
        file.write(data or b"")
        if data is None:
            file.truncate(100_000_000)
    code = """if True:
        import sys
        from fuzz.language.syntax import SyntaxProblem, load
        try:
            load(sys.argv[1])
        except SyntaxProblem as problem:
            print(problem)
    """
    used = measured(code, str(path))
    assert expected in used.out
    assert used.seconds < 1
    assert used.memory < 500_000_000


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(SyntaxProblem, match="expected at most 16777216 bytes, found more"):
        syntax.load("/dev/zero")
