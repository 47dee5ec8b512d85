"""What a cursor answers whose ZAP is destroyed is known, for each release."""

from __future__ import annotations

import errno

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.judge.undecided import OPEN
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget

FAT = "zap z fat hash64\n" + "".join(f'add z "{name}" int=8\n' for name in "abc")
MICRO = FAT.replace("fat hash64", "micro")


def last_errno(release: str, text: str) -> int:
    """The errno of the last op of a program that is judged and fine."""
    errnos: list[int] = []
    program = parse(text)
    outcome = run(program, ModelTarget(release), trace=lambda _, __, result: errnos.append(result.errno))
    assert outcome.fine, outcome
    return errnos[-1]


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4", "master"])
def test_a_cursor_that_has_found_nothing_yet(release: str) -> None:
    """It looks for the object then, and there is none; since efda1093ff it holds it, and the header is
    zero."""
    wanted = errno.EIO if release == "master" else errno.ENOENT
    assert last_errno(release, f"{FAT}cursor c z\ndestroy z\nnext c\n") == wanted


@pytest.mark.parametrize("release", ["2.3", "2.4", "master"])
def test_a_cursor_that_stands_on_a_fat_leaf(release: str) -> None:
    """The leaf counts as shrunk, and the header is none: EIO, again and again."""
    assert last_errno(release, f"{FAT}cursor c z\nnext c\ndestroy z\nnext c\nretrieve c\n") == errno.EIO


def test_a_cursor_at_the_end_stays_there() -> None:
    assert (
        last_errno("2.3", f"{FAT}cursor c z from=0xfffffffffffff\nnext c\ndestroy z\nnext c\n")
        == errno.ENOENT
    )


def test_a_micro_index_outlives_its_block() -> None:
    """Entries without a name as often as there were entries, then the end; `serialize` says where it
    stands."""
    walk = "next c\nserialize c\n" * 3
    assert last_errno("2.3", f"{MICRO}cursor c z\nnext c\ndestroy z\n{walk}next c\n") == errno.ENOENT


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EINVAL, 0])
def test_another_answer_is_seen(code: int) -> None:
    """What an EIO hides: a cursor that says it is at the end makes `rm -r` believe that all is gone."""
    program = parse(f"{FAT}cursor c z\nnext c\ndestroy z\nnext c\n")
    fault = Edit("zap.fat:deref_leaf", "raise ZapErrno(errno.EIO)", f"raise ZapErrno({code})")
    with applied(fault):
        failure = run(program, ModelTarget("2.3")).failure
    assert failure is not None
    assert (failure.signature.kind, failure.signature.place) == ("oracle", "zap:next")


def test_the_one_case_that_stays_open_is_on_the_list() -> None:
    """A ZAP that is created anew has its old number only if that was free."""
    assert "created-anew" in OPEN
    for between in ("", "txg\ntxg\ntxg\n"):
        assert last_errno("2.3", f"{FAT}cursor c z\ndestroy z\n{between}create z\nnext c\n") == errno.ENOENT
