"""Protects that every line of a trace can be read: names as the language writes them, numbers with what they
count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.execution.answer_in_words import answer_in_words
from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.programs.answers_of_verbs import ANSWERS
from tests.support.programs.file_systems import PROGRAMS


def words(text: str) -> list[str]:
    """The answers of a program, as a trace has them."""
    found: list[str] = []
    run(
        parse(text), ModelTarget("2.3"), trace=lambda _, op, result: found.append(answer_in_words(op, result))
    )
    return found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('lookup z "a" int=8 len=1', "value 0x7"),
        ('lookup z "a"', "EINVAL"),
        ('lookup z "long" len=1', "EOVERFLOW value 0x1"),
        ('lookup z "long" len=10', "value 0x1, 0x2, 0x3, 0x4, 0x5, 0x6 and 2 more"),
        ('lookup z "long" len=0', "EOVERFLOW no integer asked for"),
        ('lookup_norm z "A" int=8 len=1 match=1', 'value 0x7 of "a"'),
        ('length z "long"', "8 integers of 1 byte"),
        ("count z", "2 entries"),
        ("search z value=0x7", '"a"'),
        ("serialize c", "at 0x0"),
        ('remove z "a"', "ok"),
        ("getdents z names=1", '1 name: "."; goes on at 0x1'),
        ("getdents z from=0xffffffffffff", "the end"),
    ],
)
def test_a_value_in_words(text: str, said: str) -> None:
    header = 'zap z fat hash64 leaf_shift=9 norm=2\nadd z "a" int=8 fill=0x7\nadd z "long" len=8 fill=0x1\n'
    assert words(f"{header}cursor c z\n{text}\n")[-1] == said


def test_listings_and_statistics_in_words() -> None:
    names = "".join(f'touch z "n{number}" inode={number + 2}\n' for number in range(14))
    small, large = words(f"zap z micro leaf_shift=9\n{names}readdir z\nstats z\n")[-2:]
    assert re.fullmatch(r'14 names: ("n\d+", ){11}"n\d+" and 2 more', small)
    assert large == "micro ZAP: 1 block of 1024 bytes, 14 entries"
    fat = words(f'zap z micro leaf_shift=9\n{names}add z "x" len=3\nstats z\n')[-1]
    assert fat.startswith("fat ZAP: ") and ", table of 32 pointers, " in fat and "15 entries; " in fat
    assert "; leafs with 2n pointers: " in fat and "; buckets with n entries: " in fat


@pytest.mark.parametrize("what", [*ANSWERS, *PROGRAMS])
def test_no_answer_is_a_row_of_bytes_or_numbers(what: str) -> None:
    text = ANSWERS[what][0] if what in ANSWERS else PROGRAMS[what][0]
    for line in words(text):
        assert not re.search(r"(\b[0-9a-f]{2} ){3}|(\b\d+ ){4}|b'", line), line


def test_a_limit_of_threads_names_the_op(tmp_path: Path) -> None:
    path = tmp_path / "threads.zap"
    path.write_text("zap z fat key=u64\nt1: add z 0x1\nt2: reopen\n")
    ran = CliRunner().invoke(main, ["run", str(path)], catch_exceptions=False)
    assert ran.exit_code == 3 and ran.output.startswith("limit: t2: reopen in a parallel section")
