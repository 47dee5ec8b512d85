"""Protects directories: the errno of each op, what a listing has, and what a panic's stack reads like."""

from __future__ import annotations

import errno

import pytest

from fuzz.execution.execute import run
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from zapcore.hashing import name_for_hash


def errnos(text: str, release: str = "2.3") -> list[int]:
    """What each op of a program returns; the oracle must agree."""
    program = parse(text)
    found: list[int] = []
    outcome = run(program, ModelTarget(release), trace=lambda _, __, result: found.append(result.errno))
    assert outcome.fine, outcome
    return found


def test_every_errno_of_a_directory() -> None:
    assert errnos(
        """
        zap d micro
        zap e fat hash64 leaf_shift=9
        zap w fat key=u64
        touch d "file"
        mkdir d "dir" inode=0x2
        touch d "dir"
        mkdir d "file"
        unlink d "dir"
        rmdir d "file"
        unlink d "gone"
        rename d e "file" "moved"
        rename d e "file" "moved"
        rename d e "dir" "moved"
        rename e d "moved" "dir"
        touch d "other"
        rename e d "moved" "other"
        rename d d "other" "other"
        rmdir d "dir"
        add d "long" len=3
        readdir d
        unlink d "long"
        touch w 0x0
        readdir w
        destroy e
        touch e "x"
        """
    ) == [
        *(0, 0, errno.EEXIST, errno.EEXIST, errno.EPERM, errno.ENOTDIR, errno.ENOENT),
        *(0, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, 0, 0, 0, 0, 0),
        *(errno.ENXIO, 0, errno.ENOTSUP, errno.ENOTSUP, 0, errno.ENOENT),
    ]


def test_a_listing_has_every_name_once() -> None:
    program = parse('zap d micro\ntouch d "b"\nmkdir d "a"\nrename d d "b" "c"\nreaddir d\n')
    target = ModelTarget("2.1")
    target.begin(program)
    results = [target.apply(op) for op in program.ops]
    listed = results[-1].value
    assert isinstance(listed, bytes)
    assert sorted(listed.split(b"\0")) == [b"", b"a", b"c"]


@pytest.mark.parametrize(("verb", "top"), [("touch", "zfs_create"), ("mkdir", "zfs_mkdir")])
def test_a_panic_reads_like_the_kernels(verb: str, top: str) -> None:
    """The bug of OpenZFS issue 16157, with names: its stack is that of the report."""
    zap = Zap("d", hash64=True, leaf_shift=9)
    hashes = [half << 63 | each << 60 for half in (0, 1) for each in range(3)]
    names = [name_for_hash(zap.salt, wanted, 64, b"n") for wanted in hashes]
    ops = [Op(verb, "d", name, fill=1) for name in names]
    drop = "unlink" if verb == "touch" else "rmdir"
    ops += [
        Op("txg"),
        *(Op(drop, "d", name) for name in names),
        *(Op(verb, "d", name, fill=1) for name in names),
    ]
    outcome = run(Program((zap,), tuple(ops)), ModelTarget("unfixed"))
    assert isinstance(outcome.failure, Failure)
    stack = outcome.failure.signature.stack
    wanted = ("zap_create_leaf", "zap_expand_leaf", "fzap_add_cd", "fzap_add", "zap_add_impl", "zap_add")
    assert tuple(name for name in stack if name in wanted) == wanted
    assert stack[-2:] == ("zfs_link_create", top)
    assert len(stack) == len(wanted) + 2
    assert run(Program((zap,), tuple(ops)), ModelTarget("2.3")).fine


TREE = """
zap d micro
zap e micro inode=0x2
zap f micro inode=0x3
mkdir d "e" inode=0x2
mkdir e "f" inode=0x3
"""


def test_a_directory_does_not_go_into_itself() -> None:
    """EINVAL for what lies in it, however deep, before anything else about the two names; an exchange also
    the other way round, where a rename finds that what is there has entries."""
    steps = """
        rename d e "e" "x"
        rename d f "e" "x"
        touch f "x"
        rename d f "e" "x"
        exchange d f "e" "x"
        exchange d f "e" "y"
        rename f d "x" "e"
        exchange f d "x" "e"
        rename e d "f" "f"
        rename d f "e" "e"
    """
    loop, full = errno.EINVAL, errno.ENOTEMPTY
    assert errnos(TREE + steps)[2:] == [loop, loop, 0, loop, loop, errno.ENOENT, full, loop, 0, 0]


def test_what_has_entries_is_not_removed_or_replaced() -> None:
    steps = """
        rmdir d "e"
        mkdir d "other" inode=0x9
        rename d d "other" "e"
        exchange d d "other" "e"
        rename e d "f" "e"
        rename d d "e" "f"
        destroy f
        rmdir d "f"
        create f
        rmdir d "f"
    """
    full = errno.ENOTEMPTY
    assert errnos(TREE + steps)[2:] == [full, 0, full, 0, 0, 0, 0, full, 0, 0]


def test_nothing_is_found_or_made_in_what_was_removed() -> None:
    steps = """
        rmdir e "f"
        touch f "a"
        mkdir f "a"
        link e f "gone" "a"
        touch d "a"
        link d f "a" "a"
        readdir f
        getdents f
        mkdir e "again" inode=0x3
        touch f "a"
        readdir f
    """
    gone = errno.ENOENT
    assert errnos(TREE + steps)[2:] == [0, gone, gone, gone, 0, gone, gone, gone, 0, 0, 0]


@pytest.mark.parametrize(("release", "anew"), [("2.1", False), ("2.3", True), ("2.4", True)])
def test_a_name_is_written_anew_where_what_it_should_replace_has_entries(release: str, anew: bool) -> None:
    """From 2.2 on zfs_rename() has taken the old name away by then; in a micro ZAP it gets another slot."""
    target = ModelTarget(release)
    steps = 'mkdir d "other" inode=0x9\ntouch d "last"\nrename d d "other" "e"\n'
    assert run(parse(TREE + steps), target).fine
    blocks = target.blocks("d")
    assert blocks is not None
    assert (blocks[0].index(b"other") > blocks[0].index(b"last")) is anew
