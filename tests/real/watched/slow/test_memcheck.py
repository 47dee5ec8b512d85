"""memcheck around an unmodified library: bytes that were never written, where they decide something, in an
answer and in a block."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.execute import run
from fuzz.targets.libzpool.locate import find_library
from fuzz.targets.registry import make_target
from tests.support.missing import missing
from tests.support.paths import CORPUS
from tests.support.wrong_libraries.one_fault import COUNTS, WRONG_AT, wrong_library


@pytest.fixture(autouse=True)
def _valgrind() -> None:
    if shutil.which("valgrind") is None:
        missing("no valgrind")


@pytest.mark.parametrize(
    ("flag", "signature"),
    [
        (
            "-DUNINITIALIZED",
            "memcheck zap_micro.c:zap_count Conditional jump or move depends on uninitialised value(s)",
        ),
        ("-DUNINITIALIZED_ANSWER", "memcheck ?:count bytes of an answer were never written"),
    ],
)
def test_what_was_never_written_is_told_where_it_matters(flag: str, signature: str, tmp_path: Path) -> None:
    target = make_target("libzpool", "2.3", str(wrong_library(tmp_path, flag)), valgrind=True)
    try:
        outcome = run(COUNTS, target)
        assert str(outcome) == signature
        assert outcome.failure is not None and outcome.failure.op == WRONG_AT
    finally:
        target.close()


def test_memcheck_sees_the_stale_bytes_of_a_finding_in_debians_build_and_nothing_in_a_plain_program() -> None:
    find_library("2.3")
    target = make_target("libzpool", "2.3", valgrind=True)
    try:
        assert run(COUNTS, target).fine
        stale = read_reproducer(CORPUS / "findings" / "normalize-unterminated").program
        outcome = run(stale, target)
        assert outcome.failure is not None
        assert outcome.failure.signature.kind == "memcheck"
        assert outcome.failure.signature.stack[:2] == ("zap_name_alloc_str", "zap_add")
        assert outcome.failure.op == 0
    finally:
        target.close()
