"""Protects the byte form: every byte string is a valid program, every program has bytes that give it back, a
stored input means for ever what it meant, and random bytes are programs worth running."""

from __future__ import annotations

import hashlib
import itertools
import random
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.language import byteform_tables as tables
from fuzz.language.byteform import decode, encode
from fuzz.language.program import DEFAULT_SALT, TO_UPPER, U64, Dataset, Op, Program, Switch, Zap
from fuzz.language.syntax import format_program, parse
from fuzz.language.validate import (
    CASES,
    COMPRESSIONS,
    ENCRYPTIONS,
    FORMS,
    LEAF_SHIFTS,
    MAX_CURSORS,
    MAX_OPS,
    MAX_STEP,
    MAX_THREAD,
    MAX_ZAPS,
    problems,
)
from fuzz.language.verbs import VERBS
from tests.support.programs.program_strategies import programs

Z = Zap("z", words=1, prehashed=True, leaf_shift=9)


@given(programs())
def test_encoded_and_decoded_a_program_is_the_same(program: Program) -> None:
    assert decode(encode(program)) == program


@given(programs(notes=True))
def test_comments_do_not_reach_the_bytes(program: Program) -> None:
    assert encode(program) == encode(Program(program.zaps, program.ops, program.schedule))


byte_strings = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda first, rest: bytes([first]) + rest, st.integers(0xC0, 0xFF), st.binary(max_size=200)),
    st.lists(st.tuples(*[st.integers(0, 255)] * 4), max_size=30).map(
        lambda rs: b"\0" + b"".join(map(bytes, rs))
    ),
    st.lists(st.tuples(st.integers(240, 255), *[st.integers(0, 255)] * 3), max_size=90).map(
        lambda rs: b"\xfe\0\2" + b"".join(map(bytes, rs))
    ),
)


@given(byte_strings)
def test_every_byte_string_is_a_valid_program(data: bytes) -> None:
    program = decode(data)
    assert problems(program) is None
    assert decode(encode(program)) == program
    assert parse(format_program(program)) == program


def test_every_file_system_has_bytes_and_words() -> None:
    """All properties that `zfs create` takes together, also with few bits of a hash."""
    for case, form, utf8only, longname, bits in itertools.product(
        range(len(CASES)), FORMS.values(), (False, True), (False, True), (0, 8, 24)
    ):
        dataset = Dataset(case, utf8only or form != 0, longname)
        norm = form | TO_UPPER * (case != 0)
        zap = Zap("d", fat=False, norm=norm, hash_bits=bits, dataset=dataset)
        program = Program((zap, Zap("e", fat=False)), (Op("count", "e"), Op("symlink", "d", b"x", fill=7)))
        assert problems(program) is None
        assert decode(encode(program)) == program
        assert parse(format_program(program)) == program


def test_every_way_to_store_has_bytes_and_words() -> None:
    """Each compression with each encryption; neither is in the bytes where both are as by default."""
    for stored in itertools.product(range(len(COMPRESSIONS)), range(len(ENCRYPTIONS))):
        zap = Zap("d", fat=False, dataset=Dataset(0, False, True, *stored))
        program = Program((zap,), (Op("count", "d"),))
        assert problems(program) is None
        assert decode(encode(program)) == program
        assert parse(format_program(program)) == program
        assert (250 in encode(program)) is (stored != (0, 0))


@pytest.mark.parametrize("length", range(1, 40))
def test_a_header_may_end_anywhere(length: int) -> None:
    header = encode(
        Program((Zap("abc", hash64=True, norm=2, salt=7), Zap("z2", words=3)), (Op("next", "k"),))
    )
    for filling in (b"\0", b"\xff", b"\xaa"):
        assert problems(decode(header[:length])) is None
        assert problems(decode(b"\xff" + filling * length)) is None


def test_nothing_is_an_empty_program() -> None:
    assert decode(b"") == Program((Z,), ())
    assert decode(b"\0") == decode(b"")


def test_extreme_programs_have_bytes() -> None:
    zaps = tuple(Zap(f"z{index}", words=1) for index in range(MAX_ZAPS - 1))
    zaps += (Zap("a_long_name_of_16", hash64=True, salt=U64, norm=98, leaf_shift=LEAF_SHIFTS[-1]),)
    zaps = (*zaps[:-1], zaps[-1]._replace(name="a_long_name_of_1"))
    ops = [Op("cursor", f"c{index}", other=f"z{index % 254}") for index in range(MAX_CURSORS)]
    ops += [Op("add", "a_long_name_of_1", bytes(range(1, 256)), 8, 8192, U64, thread=MAX_THREAD)]
    ops += [Op("add", "z200", (U64 - 5,), 4, 8191, 1 << 48), Op("count", "z253")]
    ops += [Op("lookup", "z17", (1 << 63,), 2, 8192), Op("next", f"c{MAX_CURSORS - 1}", thread=3)]
    schedule = (Switch(0, 1), Switch(1, 0), Switch(1 << 20, 15), Switch(MAX_STEP, 3))
    program = Program(zaps, tuple(ops), schedule)
    assert problems(program) is None
    assert decode(encode(program)) == program
    alone = Program((Z,), (), (Switch(5, 0),))
    assert decode(encode(alone)) == alone


def test_names_that_clash_are_told_apart() -> None:
    named = bytes([0b100100, 0, 0, 0, 25])
    assert [zap.name for zap in decode(b"\xff\0\1" + named * 2).zaps] == ["z", "z1"]
    zap = bytes([0b000100, 0, 0])
    two = decode(b"\xff\0\0" + zap + b"\2\0\0\0\0" + bytes((tables.OPCODE["next"], 0, 0, 1)))
    assert two.ops == (Op("next", "z1"),)


def test_typical_programs_are_short() -> None:
    text = """zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=180
add z 0x8000000000000000 len=180
txg
remove z 0x0
cursor c z
next c
"""
    data = encode(parse(text))
    assert data == bytes.fromhex("00 00000000 00010000 0c000000 02000000 08000000 09000000")
    assert len(encode(parse(text + "add z 0x1234000000000000 len=180\n"))) == len(data) + 8
    tree = Program((Zap("d", hash64=True),), (Op("add", "d", b"test_importlib", 8, 1, 0x1234),))
    assert len(encode(tree)) == 1 + 4 + 5 * 4 + 4


def test_a_changed_byte_changes_one_op_and_perhaps_the_next() -> None:
    """What lies behind it stays as it is, so a mutation keeps what the rest of an input does."""
    source = random.Random(1)
    for _ in range(300):
        program = decode(b"\0" + b"".join(_plain_record(source) for _ in range(12)))
        data = bytearray(encode(program))
        if len(data) != 1 + 4 * 12:
            continue
        place = source.randrange(12)
        data[1 + 4 * place + source.randrange(4)] = source.randrange(256)
        changed = decode(bytes(data))
        assert changed.ops[:place] == program.ops[:place]
        behind = 12 - place - 2
        if behind > 0:
            assert changed.ops[-behind:] == program.ops[-behind:]


def _plain_record(source: random.Random) -> bytes:
    return bytes((source.randrange(len(VERBS)), source.randrange(16), source.randrange(64), 0))


def test_random_bytes_are_programs_worth_running() -> None:
    source = random.Random(2)
    verbs: Counter[str] = Counter()
    usual = good = crowded = 0
    for _ in range(500):
        program = decode(source.randbytes(1 + 4 * 24))
        usual += program.zaps == (Z,)
        crowded += len({op.key for op in program.ops if op.key is not None}) > 10
        verbs.update(op.verb for op in program.ops)
        keys = Counter(op.key for op in program.ops if op.verb in ("add", "remove"))
        again = [key for key, times in keys.items() if times > 1]
        good += len(again) >= 2
    assert usual > 0.95 * 500
    assert good > 0.93 * 500
    assert crowded < 0.05 * 500
    total = sum(verbs.values())
    assert set(verbs) == set(VERBS)
    assert 0.22 < verbs["add"] / total < 0.4
    assert 0.2 < verbs["remove"] / total < 0.3
    assert 0.07 < verbs["txg"] / total < 0.12
    assert 0.05 < verbs["next"] / total < 0.12


def test_what_tables_mean_never_changes() -> None:
    """Corpora hold bytes: a table may grow where a place is free, so what is there must stay as it is."""
    assert list(VERBS)[:16] == [
        *("add", "update", "remove", "lookup", "length", "count", "destroy", "create"),
        *("cursor", "next", "retrieve", "close", "txg", "finish", "sync", "evict"),
    ]
    assert tables.VERB_OF_BYTE[64:].count("add") == 58
    meant = repr(
        (
            tables.VERB_OF_BYTE[:16] + tables.VERB_OF_BYTE[64:],
            [tables.keys(words) for words in range(4)],
            tables.values("add"),
            tables.values("lookup"),
            [tuple(zap[:8]) for preset in tables.PRESETS[:9] for zap in preset],
            tables.CURSORS,
            tables.ZAP_NAMES,
            DEFAULT_SALT,
        )
    )
    assert hashlib.sha256(meant.encode()).hexdigest() == (
        "455a3dbf63f40e533a5cc3c53c4def5251d96d0793385435ae86038dc8a02712"
    )


def test_every_table_has_its_size() -> None:
    assert len(VERBS) <= tables.OPCODES
    assert len(tables.VERB_OF_BYTE) == tables.ESCAPES
    assert all(len(tables.values(verb)) == 256 for verb in VERBS)
    assert all(len(tables.keys(words)) == 256 for words in range(4))


def test_huge_inputs_take_linear_time_and_have_a_limit() -> None:
    begin = time.process_time()
    assert len(decode(bytes(4 * MAX_OPS + 4001)).ops) == MAX_OPS
    assert decode(b"\0" + b"\xfb" * 4_000_000).ops == ()
    assert time.process_time() - begin < 10


def test_long_programs_keep_every_op() -> None:
    ops = tuple(Op("add", "d", f"name-{index}".encode(), 8, 1, index) for index in range(20_000))
    program = Program((Zap("d", hash64=True),), ops * 5)
    assert decode(encode(program)) == program


def test_decoding_is_fast() -> None:
    """The fuzzer decodes every input; the bound is a tenth of what an idle machine does."""
    source = random.Random(3)
    inputs = [source.randbytes(1 + 4 * 16) for _ in range(2000)]
    best = min(_seconds(inputs) for _ in range(5))
    assert len(inputs) / best > 20_000


def _seconds(inputs: list[bytes]) -> float:
    begin = time.process_time()
    for data in inputs:
        decode(data)
    return time.process_time() - begin
