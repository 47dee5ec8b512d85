"""Serialized cursors: the place that one names is its own, and one that starts there begins there."""

from __future__ import annotations

import errno

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import Result
from fuzz.faults.edits import Edit
from fuzz.judge.oracle import Oracle
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.failure_under_fault import failure_under

ONE_HASH = """
zap z fat key=u64 words=2 prehashed hash64
add z 0x1230000000000000:0x1
add z 0x1230000000000000:0x2
cursor c z
next c
serialize c
next c
serialize c
"""
FROM_THE_SECOND_HALF = """
zap z fat key=u64 prehashed hash64
add z 0x1000000000000000
add z 0xf000000000000000
cursor c z from=0x800000000000
next c
next c
"""

RESUMED = """
zap z fat key=u64 prehashed hash64
add z 0x1000000000000000
cursor c z
next c
serialize c
cursor d z from=0x100000000000
next d
"""

FAULTS = {
    "a cursor begins behind its place": (
        RESUMED,
        Edit("zap.cursor:Cursor._start", "(self.cd + (self.serialized", "(self.cd + 1 + (self.serialized"),
        "zap:next",
    ),
    "places of two entries of one hash are the same": (
        ONE_HASH,
        Edit("zap.cursor:Cursor.serialize", " | (self.cd << zap.hash_bits) & U64", ""),
        "zap:serialize",
    ),
    "a place names another hash": (
        ONE_HASH,
        Edit("zap.cursor:Cursor.serialize", "self.hash >> (64 - zap.hash_bits)", "self.hash >> 36"),
        "zap:serialize",
    ),
    "a place of 48 bits is taken for one of 28: too early": (
        FROM_THE_SECOND_HALF,
        Edit("zap.cursor:Cursor._start", "self.serialized << (64 - zap.hash_bits)", "self.serialized << 36"),
        "zap:next",
    ),
    "a place is taken for a later one": (
        FROM_THE_SECOND_HALF,
        Edit(
            "zap.cursor:Cursor._start", "<< (64 - zap.hash_bits)) & U64", "<< (64 - zap.hash_bits)) * 2 - 1"
        ),
        "zap:next",
    ),
}


NOT_A_PLACE = """
zap z fat key=u64 prehashed hash64
add z 0x1230000000000000
cursor c z from=0xffff123000000000
serialize c
advance c
serialize c
cursor d z from=0x0002123000000000
advance d
serialize d
"""


def answers(release: str, text: str) -> list[Result]:
    """Of every op; the program is judged, too."""
    program = parse(text)
    target = ModelTarget(release)
    assert run(program, target).fine
    target.begin(program)
    return [target.apply(op) for op in program.ops]


def test_a_cursor_says_what_it_was_given_until_it_looks() -> None:
    given = [each.value for each in answers("2.4", NOT_A_PLACE) if each.value is not None]
    assert given == [0xFFFF_1230_0000_0000] * 2 + [0x0002_1230_0000_0000]


def test_a_cursor_that_finds_its_zap_at_once_says_where_it_stands() -> None:
    """What is no differentiator is none, and it moves."""
    said = [each.value for each in answers("master", NOT_A_PLACE) if each.value is not None]
    assert said == [0x1230_0000_0000, 0x1_1230_0000_0000, 0x3_1230_0000_0000]


@pytest.mark.parametrize(("release", "held"), [("2.4", b""), ("master", b"\1\1")])
def test_a_cursor_holds_its_zap_from_the_start_on_master(release: str, held: bytes) -> None:
    program = parse('zap z micro\nadd z "a"\nreopen\ncursor c z\n')
    target = ModelTarget(release)
    target.begin(program)
    for op in program.ops:
        assert target.apply(op).errno == 0
    assert target.dbufs("z") == held
    assert target.objset.holds == len(held) // 2


@pytest.mark.parametrize(("release", "code"), [("2.4", errno.ENOENT), ("master", errno.EIO)])
def test_a_cursor_on_what_is_destroyed_before_it_looks(release: str, code: int) -> None:
    text = 'zap z fat hash64\nadd z "a"\ncursor c z\ndestroy z\nnext c\n'
    assert answers(release, text)[-1].errno == code


def test_the_oracle_judges_the_place_of_a_cursor_that_holds() -> None:
    program = parse(NOT_A_PLACE)
    target = ModelTarget("master")
    results = answers("master", NOT_A_PLACE)
    for wrong in (3, 5, 8):
        oracle = Oracle(program, target.release)
        told = [
            oracle.check(op, Result(0, 7) if index == wrong - 1 else result)
            for index, (op, result) in enumerate(zip(program.ops, results, strict=True))
        ]
        assert [index + 1 for index, text in enumerate(told) if text] == [wrong]


@pytest.mark.parametrize(("text", "fault", "place"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(text: str, fault: Edit, place: str) -> None:
    failure = failure_under(fault, text)
    assert (failure.signature.kind, failure.signature.place) == ("oracle", place)
