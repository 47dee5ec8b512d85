"""Hypothesis strategies: valid programs of any shape, driven by the same table as everything else."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from fuzz.language.program import DEFAULT_SALT, MAX_NAME, MAX_WORDS, U64, Key, Op, Program, Switch, Zap
from fuzz.language.validate import (
    CONTROL,
    HASH_BITS,
    INDIRECT_SHIFTS,
    INODES,
    LEAF_SHIFTS,
    MAX_STEP,
    MAX_THREAD,
    MICRO_MAXIMA,
    NORMS,
    beside,
    statements,
)
from fuzz.language.verb_row import Number, Subject
from fuzz.language.verbs import VERBS
from zapcore.hashing import name_for_hash

names = st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True)
words64 = st.one_of(
    st.integers(0, 15),
    st.integers(0, 15).map(lambda top: top << 60),
    st.integers(0, U64),
)
byte_names = st.one_of(
    st.sampled_from([b"a", b"b", b'"', b"\\", b"\n\t", b"#", b" ", b"s.acl.h", b"\xff" * MAX_NAME]),
    st.binary(min_size=1, max_size=MAX_NAME).map(lambda name: name.replace(b"\0", b"\x01")),
    st.builds(
        name_for_hash,
        st.just(DEFAULT_SALT),
        words64,
        st.sampled_from([8, 28, 48, 64]),
        st.sampled_from([b"", b"a", b"b"]),
    ),
)
"""Names: plain and awkward ones, any bytes, and such as have a wanted hash, several for the same one."""
salts = st.one_of(st.just(DEFAULT_SALT), st.integers(1, U64))


@st.composite
def zaps(draw: st.DrawFn, name: str = "z") -> Zap:
    """One valid header line."""
    shape: dict[str, Any] = {"leaf_shift": draw(st.sampled_from(LEAF_SHIFTS)), "salt": draw(salts)}
    shape["hash_bits"] = draw(st.one_of(st.just(0), st.sampled_from(HASH_BITS)))
    if not shape["hash_bits"]:
        shape["indirect_shift"] = draw(st.one_of(st.just(0), st.sampled_from(INDIRECT_SHIFTS)))
    shape["by_dnode"] = draw(st.booleans())
    kind = draw(st.sampled_from(["words", "names", "micro"]))
    if kind == "words":
        shape["words"] = draw(st.one_of(st.just(1), st.integers(1, MAX_WORDS)))
        shape["shorter"] = shape["words"] > 1 and draw(st.booleans())
        shape["prehashed"] = draw(st.booleans())
        shape["hash64"] = draw(st.booleans())
    else:
        shape["fat"] = shape["hash64"] = kind == "names"
        shape["norm"] = draw(st.sampled_from(NORMS))
    if kind == "micro":
        shape["micro_max"] = draw(st.one_of(st.just(0), st.integers(MICRO_MAXIMA[0], MICRO_MAXIMA[-1])))
    if kind != "words":
        shape["inode"] = draw(st.one_of(st.just(0), st.integers(2, 3), st.integers(INODES[0], INODES[-1])))
    return Zap(name, **shape)


def numbers(number: Number) -> st.SearchStrategy[int]:
    """Any value of a numeric field."""
    if number.choices:
        return st.sampled_from(number.choices)
    return st.one_of(
        st.just(number.default),
        st.integers(number.low, min(number.high, 255)),
        st.integers(number.low, number.high),
    )


def keys(zap: Zap) -> st.SearchStrategy[Key]:
    """Any key that fits a ZAP."""
    if zap.words:
        lengths = range(1 if zap.shorter else zap.words, zap.words + 1)
        return st.one_of([st.tuples(*[words64] * length) for length in lengths])
    return byte_names


@st.composite
def ops(draw: st.DrawFn, header: list[Zap], cursors: list[str], threads: int = 0) -> Op:
    """Any op of a program with this header; `threads` is the highest thread."""
    name = draw(st.sampled_from(list(VERBS)))
    verb = VERBS[name]
    fields: dict[str, Any] = {"thread": draw(st.integers(0, threads))}
    if verb.subject is Subject.ZAP:
        zap = draw(st.sampled_from(header))
        fields["subject"] = zap.name
        if verb.key:
            fields["key"] = draw(keys(zap))
        if verb.to:
            fields["to"] = draw(keys(zap))
    elif verb.subject is Subject.CURSOR:
        fields["subject"] = draw(st.sampled_from(cursors))
    if verb.other:
        fields["other"] = draw(st.sampled_from(header)).name
    for number in verb.numbers:
        fields[number.field] = draw(numbers(number))
    return Op(name, **fields)


@st.composite
def schedules(draw: st.DrawFn, threads: int) -> tuple[Switch, ...]:
    """Any schedule with steps that grow."""
    gaps = draw(st.lists(st.one_of(st.integers(1, 9), st.integers(1, MAX_STEP // 8)), max_size=8))
    steps = [step - 1 for step in itertools.accumulate(gaps)]
    return tuple(Switch(step, draw(st.integers(0, threads))) for step in steps)


note_texts = st.one_of(
    st.just(""),
    st.text(max_size=30).map(lambda text: CONTROL.sub("?", text).rstrip(" \t")),
)


@st.composite
def programs(draw: st.DrawFn, notes: bool = False) -> Program:
    """Any valid program: several ZAPs of every kind, cursors, threads with or without a schedule."""
    header_names = draw(st.one_of(st.just(["z"]), st.lists(names, min_size=1, max_size=4, unique=True)))
    header: list[Zap] = []
    for name in header_names:
        header.append(beside(draw(zaps(name)), header))
    cursors = draw(st.one_of(st.just(["c"]), st.lists(names, min_size=1, max_size=4, unique=True)))
    threads = draw(st.sampled_from([0, 0, 1, 2, MAX_THREAD]))
    body = draw(st.lists(ops(header, cursors, threads), max_size=12))
    schedule = draw(schedules(threads)) if threads else ()
    program = Program(tuple(header), tuple(body), schedule)
    if not notes:
        return program
    places = st.integers(0, statements(program))
    found = draw(st.lists(st.tuples(places, note_texts), max_size=5))
    return Program(program.zaps, program.ops, schedule, tuple(sorted(found, key=lambda note: note[0])))
