"""Protects what the ARC keeps of a block whose dbuf goes while reads fail: it is read again without the disk,
unless a transaction has read it first in a release where that counts for nothing. Measured on master's code;
older releases' cursors hold nothing that could go."""

from __future__ import annotations

import errno

import pytest

from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget

CLOSED_AND_OPENED = "zap z fat key=u64 prehashed leaf_shift=9\nreopen\n{before}\nfail z\ncursor c z"


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        ("cursor c z", 0),
        ("lookup z 0x1\ncursor c z", 0),
        ("cursor c z\nremove z 0x1", 0),
        ("remove z 0x1\ncursor c z", errno.EIO),
        ("add z 0x1\ncursor c z", 0),
        ("add z 0x1\nsync\ncursor c z", errno.EIO),
    ],
)
def test_a_header_that_a_transaction_read_first_is_not_kept(before: str, answer: int) -> None:
    """One that is changed stays in its dbuf until it has synced; then it is as it was read."""
    program = parse(CLOSED_AND_OPENED.format(before=before))
    target = ModelTarget("master")
    target.begin(program)
    assert [target.apply(op) for op in program.ops][-1].errno == answer
