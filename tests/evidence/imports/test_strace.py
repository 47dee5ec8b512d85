"""Protects programs from logs of strace: a log recorded for real, and what a log can have beside."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.imports.strace import import_strace
from fuzz.evidence.imports.strace import strace_program
from fuzz.execution.execute import run
from fuzz.language.byteform import decode, encode
from fuzz.language.printing import format_op
from fuzz.language.program import Zap
from fuzz.language.syntax import SyntaxProblem, parse
from fuzz.language.validate import MAX_ZAPS, problems
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import DATA
from zapcore.release import RELEASES

LOG = DATA / "unpack-and-delete.strace"


def ops_of(tmp_path: Path, *lines: str) -> list[str]:
    """The ops, in text, of a log with these lines."""
    log = tmp_path / "log"
    log.write_text("".join(line + "\n" for line in lines))
    return [format_op(op) for op in strace_program(log).ops]


def test_unpacking_and_deleting_an_archive() -> None:
    """The log is of: tar xf, two mv at the same time, mv of a directory, touch, rm -rf (see its lines)."""
    program = strace_program(LOG)
    assert program.zaps == tuple(Zap(name, fat=False) for name in ("d0", "d1", "d2"))
    assert problems(program) is None
    assert decode(encode(program)) == program
    lines = [format_op(op) for op in program.ops]
    assert lines[0] == 'mkdir d0 "pkg"'
    assert lines[-2:] == ['rmdir d0 "pkg"', "destroy d1"]
    assert 'rename d1 d2 "file1.txt" "moved.txt"' in lines
    assert 'rename d1 d1 "sub" "other"' in lines
    assert 'unlink d2 "moved.txt"' in lines, "a directory that was renamed is still the same one"
    verbs = Counter(op.verb for op in program.ops)
    assert verbs == {
        "mkdir": 3,
        "touch": 7,
        "rename": 3,
        "unlink": 6,
        "rmdir": 3,
        "destroy": 2,
        "contains": 2,
    }
    for release in RELEASES:
        target = ModelTarget(release)
        target.begin(program)
        assert {target.apply(op).errno for op in program.ops} == {0}
        assert run(program, ModelTarget(release)).fine
        assert all(not any(block[64:]) for name in target.numbers for block in target.blocks(name) or ())


def test_relative_paths_descriptors_and_processes(tmp_path: Path) -> None:
    assert ops_of(
        tmp_path,
        'mkdir("a", 0777) = 0',
        'chdir("a") = 0',
        'openat(AT_FDCWD, "f", O_WRONLY|O_CREAT, 0666) = 3',
        'openat(AT_FDCWD, "../a", O_RDONLY|O_DIRECTORY) = 4',
        "clone(child_stack=NULL, flags=SIGCHLD) = 77",
        'chdir("/") = 0',
        '[pid 77] unlinkat(4, "f", 0) = 0',
        '[pid 77] openat(4</x/a>, "g \\303\\251\\n", O_RDWR|O_CREAT|O_EXCL, 0600) = 5</x/a/g>',
        "[pid 77] fchdir(4) = 0",
        '[pid 77] 12:00:01.5 link("g \\303\\251\\n", "h") = 0',
    ) == [
        'mkdir d0 "a"',
        'touch d1 "f" inode=0x2',
        'unlink d1 "f"',
        'touch d1 "g \\xc3\\xa9\\n" inode=0x3',
        'touch d1 "h" inode=0x4',
    ]


@pytest.mark.parametrize("begun", [True, False], ids=["as strace tells it", "with -z"])
def test_children_that_are_heard_of_before_their_forks_return(begun: bool, tmp_path: Path) -> None:
    """Each is where its own parent was, whoever is heard of first; -z hides that a fork has begun."""
    forks = ["1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>", "2 fork( <unfinished ...>"]
    ends = ["1 <... clone resumed>) = 11", "2 <... fork resumed>) = 12"]
    at_once = ["1 clone(child_stack=NULL, flags=SIGCHLD) = 11", "2 fork() = 12"]
    assert ops_of(
        tmp_path,
        '1 chdir("/x") = 0',
        "1 fork() = 2",
        '2 chdir("/y") = 0',
        *(forks if begun else ()),
        '12 creat("of 2", 0600) = 3',
        '11 creat("of 1", 0600) = 3',
        *(ends if begun else at_once),
        '1 creat("1", 0600) = 3',
        '2 creat("2", 0600) = 3',
    ) == [
        'touch d0 "of 2"',
        'touch d1 "of 1" inode=0x2',
        'touch d1 "1" inode=0x3',
        'touch d0 "2" inode=0x4',
    ]


def test_what_was_there_before_the_log_is_created_first(tmp_path: Path) -> None:
    assert ops_of(
        tmp_path,
        '1 rename("old", "new") = 0',
        '1 rmdir("dir") = 0',
        '1 open("new", O_RDWR|O_CREAT, 0600) = 3',
        '1 unlink("new") = 0',
    ) == [
        'touch d0 "old"',
        'mkdir d0 "dir" inode=0x2',
        'rename d0 d0 "old" "new"',
        'rmdir d0 "dir"',
        'unlink d0 "new"',
    ]


def test_calls_that_changed_nothing_do_not_count(tmp_path: Path) -> None:
    assert ops_of(
        tmp_path,
        '1 open("b", O_RDONLY) = 3',
        '1 mkdir("e", 0777) = -1 EACCES (Permission denied)',
        '1 open("d", O_TMPFILE|O_RDWR, 0600) = 4',
        "--- SIGCHLD {si_signo=SIGCHLD} ---",
        "+++ exited with 0 +++",
        '1 mkdir("c", 0777 <unfinished ...>',
        '2 open("/c/d", O_CREAT|O_RDWR, 0600) = 3',
        "1 <... mkdir resumed>) = 0",
    ) == ['touch d0 "d"', 'mkdir d1 "c" inode=0x2']


def test_many_directories_share_the_last_zap(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = [f'1 open("{n}/f{n}", O_CREAT) = 3' for n in range(300)]
    log.write_text("\n".join([*lines, '1 open("7/g", O_CREAT) = 3']))
    program = strace_program(log, txgs=2)
    assert len(program.zaps) == MAX_ZAPS
    assert program.zaps[-1].name == "rest"
    assert Counter(op.subject for op in program.ops)["d7"] == 2
    assert [at for at, op in enumerate(program.ops) if op.verb == "txg"] == [100, 201]
    assert problems(program) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "expected a file that can be read, found No such file or directory"),
        ("", "expected a log of `strace -f`, found no call in it"),
        ("hello\nworld = 3\n", "expected a log of `strace -f`, found no call in it"),
        ("1 close(3) = 0\n", "expected a call that changes a directory, found none"),
    ],
)
def test_what_is_no_log_is_a_problem(tmp_path: Path, content: str | None, said: str) -> None:
    log = tmp_path / "log"
    if content is not None:
        log.write_text(content)
    with pytest.raises(SyntaxProblem, match=said):
        strace_program(log)


def test_the_command_prints_or_saves(tmp_path: Path) -> None:
    printed = CliRunner().invoke(import_strace, [str(LOG), "--leaf-shift", "9"])
    assert printed.exit_code == 0
    program = parse(printed.output)
    assert program.zaps[0].leaf_shift == 9
    out = tmp_path / "p.zap"
    assert (
        CliRunner().invoke(import_strace, [str(LOG), "--leaf-shift", "9", "--out", str(out)]).exit_code == 0
    )
    assert out.read_text() == printed.output
