"""The codes of wrong answers, which stand in signatures."""

from __future__ import annotations

import errno

from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.execution.result import Result
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Signature
from fuzz.judge.wrong_answers import ANOTHER_VALUE, CODES, expect, expect_value
from fuzz.language.syntax import parse
from tests.support.paths import CORPUS


def test_codes_are_as_stored_reproducers_have_them() -> None:
    """What an oracle's failure is called in the corpus is a code of today."""
    texts = {text for folder in corpus_folders(CORPUS) for text in read_reproducer(folder).expect.values()}
    codes = {Signature.of(text).expression for text in texts if text.startswith("oracle ")}
    assert codes, "the corpus has failures that the oracle found"
    assert {code for code in codes - CODES if not _two_errnos(code)} == set()


def _two_errnos(code: str) -> bool:
    known = {"success", *errno.errorcode.values()}
    wanted, _, got = code.removeprefix("expected ").partition(", got ")
    return code.startswith("expected ") and wanted in known and got in known


def test_a_code_has_no_value_in_it() -> None:
    """Keys and numbers stand in the text alone: they differ between runs of one bug."""
    program = parse('zap z micro\nadd z ": expected E, got E twice there" int=8 fill=7\ncursor c z\nnext c\n')
    oracle = Oracle(program)
    for op in program.ops[:2]:
        assert oracle.check(op, Result()) is None
    wrong = oracle.check(program.ops[2], Result(errno.ENOENT))
    assert wrong is not None
    assert wrong.code == "the cursor missed an entry"
    assert "got E twice there" in wrong.text


def test_how_errnos_and_values_are_told() -> None:
    """The strings as they were when they were read out of sentences."""
    wrong = expect(errno.E2BIG, 0, "the entry takes 3 chunks")
    assert wrong == ("expected success, got E2BIG", "expected success, got E2BIG: the entry takes 3 chunks")
    assert expect(0, errno.ENOENT) == ("expected ENOENT, got success",) * 2
    assert expect(9999, errno.ENOENT) == ("expected ENOENT, got 9999",) * 2
    assert expect(9999, 0) == (ANOTHER_VALUE, "expected success, got 9999")
    assert expect_value(b"", 3) == (ANOTHER_VALUE, "expected 3, got b''")
    assert expect(0, 0) is None
    assert expect_value(3, 3) is None
