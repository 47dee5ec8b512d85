"""Protects the history that a trace tells: descriptors, threads, renames, failed calls and cut names mean
what they meant there, in every form in which strace and truss write; and what is not told is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.imports.strace import import_strace
from fuzz.evidence.imports.call import Call
from fuzz.evidence.imports.dataset import properties_of
from fuzz.evidence.imports.strace import strace_program
from fuzz.evidence.imports.trace_lines import LineReader
from fuzz.execution.execute import run
from fuzz.language.printing import format_op, format_program
from fuzz.language.program import Program
from fuzz.language.syntax import parse
from fuzz.language.validate import problems
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import DATA

LONG = "n" * 300
CASES = {
    "dir_unknown_moved": [
        'mkdir d1 "old" inode=0x2',
        'touch d0 "a"',
        'rename d1 d1 "old" "new"',
        'touch d0 "b" inode=0x3',
        'unlink d0 "a"',
    ],
    "rmdir_mkdir": [
        *('mkdir d0 "d"', 'touch d1 "a" inode=0x2', 'unlink d1 "a"', 'rmdir d0 "d"', "destroy d1"),
        *('mkdir d0 "d" inode=0x3', "create d1", 'touch d1 "b" inode=0x4'),
    ],
    "exchange": [
        *('mkdir d0 "d"', 'touch d0 "f" inode=0x2', 'remove d0 "d"', 'remove d0 "f"'),
        *('add d0 "f" int=8 fill=0x4000000000000001', 'add d0 "d" int=8 fill=0x8000000000000002'),
        *('rmdir d0 "f"', 'unlink d0 "d"'),
    ],
    "threads_fd": ['touch d0 "a"', 'touch d1 "b" inode=0x2', 'mkdir d2 "c" inode=0x3'],
    "y_comma_two": ['touch d0 "n"', 'touch d1 "n" inode=0x2', 'touch d1 "m" inode=0x3'],
    "y_cwd": ['touch d0 "n"', 'rename d0 d0 "n" "m"', 'unlink d0 "m"'],
    "rel_time": ['touch d0 "a"', 'unlink d0 "a"'],
    "longname": [f'touch d0 "{LONG}"', f'unlink d0 "{LONG}"', 'touch d0 "a" inode=0x2'],
    "truncated": [
        'touch d0 "averyveryverylongnamethatis...1"',
        'touch d0 "averyveryverylongnamethatis...2" inode=0x2',
        'unlink d0 "averyveryverylongnamethatis...1"',
        'unlink d0 "averyveryverylongnamethatis...2"',
    ],
    "flagname": [
        *('touch d0 "AT_REMOVEDIR.c"', 'unlink d0 "AT_REMOVEDIR.c"'),
        *('touch d0 "RENAME_EXCHANGE" inode=0x2', 'rename d0 d0 "RENAME_EXCHANGE" "x"'),
    ],
    "inherited_fd_y": ['touch d0 "n"', 'touch d1 "n" inode=0x2', 'unlink d1 "n"'],
}
"""Traces of `tests/data/strace`, and the ops of each."""


def program_of(tmp_path: Path, *lines: str) -> Program:
    (tmp_path / "log").write_text("".join(line + "\n" for line in lines))
    program = strace_program(tmp_path / "log")
    assert problems(program) is None
    return program


def ops_of(tmp_path: Path, *lines: str) -> list[str]:
    return [format_op(op) for op in program_of(tmp_path, *lines).ops]


@pytest.mark.parametrize("name", CASES)
def test_a_trace_becomes_what_was_done(name: str) -> None:
    program = strace_program(DATA / "strace" / f"{name}.strace")
    assert [format_op(op) for op in program.ops] == CASES[name]
    target = ModelTarget("2.3")
    target.begin(program)
    assert {target.apply(op).errno for op in program.ops} == {0}


def test_every_trace_is_one_of_the_cases() -> None:
    assert {path.stem for path in (DATA / "strace").iterdir()} == set(CASES)


@pytest.mark.parametrize(
    "prefix",
    [
        *("", "100  ", "[pid   100] ", "100<tar> ", "[pid 100<a b>] ", "     0.000052 ", "100 12:00:01 "),
        *("12:00:01.123456 ", "1690000000.123456 ", "100 1690000000.123456 (+     0.000012) "),
        *("[00007f4fa7c5c2e7] ", "100 [    7f4fa7c5c2e7] ", "[pid 100]      0.000100 [ffffffffff600000] "),
    ],
)
def test_what_stands_before_a_call(prefix: str) -> None:
    """-f, -t, -tt, -ttt, -r, -i and --decode-pids=comm, and several of them."""
    call = LineReader().read(
        f'{prefix}openat(3</a,b>, "x\\"),y", O_CREAT|O_EXCL, 0600) = 4</a,b/x> <0.1>'.encode()
    )
    assert isinstance(call, Call)
    assert (call.name, call.arguments, call.result) == (
        b"openat",
        [b"3</a,b>", b'"x\\"),y"', b"O_CREAT|O_EXCL", b"0600"],
        4,
    )


def test_freebsds_truss(tmp_path: Path) -> None:
    assert ops_of(
        tmp_path,
        '1234: openat(AT_FDCWD,"/t/a",O_WRONLY|O_CREAT,0644)\t = 3 (0x3)',
        "1234: fork()\t\t\t\t\t = 1235 (0x4d3)",
        "1235: mkdir(\"/t/d\",0777)\t\t ERR#17 'File exists'",
        '1235: 0.123456789 rename("/t/a","/t/b")\t = 0 (0x0)',
        '1234: unlink("/t/b")\t\t\t = 0 (0x0)',
    ) == [
        'mkdir d0 "d" inode=0x2',
        'touch d0 "a"',
        'mkdir d0 "d" inode=0x3',
        'rename d0 d0 "a" "b"',
        'unlink d0 "b"',
    ]


def test_a_rename_of_one_name_of_a_file_onto_another_does_nothing(tmp_path: Path) -> None:
    """Both stay: rename(2) says so of hard links. What a link is of may have been there before the log."""
    assert ops_of(
        tmp_path,
        '1 link("old", "other") = 0',
        '1 renameat2(AT_FDCWD, "other", AT_FDCWD, "old", RENAME_WHITEOUT) = 0',
        '1 creat("a", 0600) = 3',
        '1 linkat(AT_FDCWD, "a", AT_FDCWD, "b", 0) = 0',
        '1 linkat(AT_FDCWD, "b", AT_FDCWD, "c", 0) = 0',
        '1 rename("a", "c") = 0',
        '1 rename("c", "d") = 0',
        '1 rename("b", "d") = 0',
        '1 rename("b", "other") = 0',
        '1 unlink("old") = 0',
    ) == [
        'touch d0 "old" inode=0x5',
        'touch d0 "other"',
        'touch d0 "a" inode=0x2',
        'touch d0 "b" inode=0x3',
        'touch d0 "c" inode=0x4',
        'rename d0 d0 "c" "d"',
        'rename d0 d0 "b" "other"',
        'unlink d0 "old"',
    ]


def test_the_rest_of_a_call_may_say_nothing_of_whose_it_is(tmp_path: Path) -> None:
    """With -z strace keeps what it prints until it knows the result, and prints no more than that."""
    assert ops_of(
        tmp_path,
        '12 openat(AT_FDCWD, "a", O_WRONLY|O_CREAT|O_EXCL, 0644 <unfinished ...>',
        ")                                       = 3</tmp/a>",
        '13 rename("a", "b" <unfinished ...>',
        '12 mkdir("d", 0700) = 0',
        "13 <... rename resumed>)              = 0",
        ")                                       = 4",
    ) == ['touch d0 "a"', 'mkdir d0 "d" inode=0x2', 'rename d0 d0 "a" "b"']
    assert ops_of(tmp_path, 'creat("a", 0600 <unfinished ...>', ")      = 3") == ['touch d0 "a"']


def test_failed_calls_are_ops_that_fail(tmp_path: Path) -> None:
    """They are the symptom: what should be there and is not, or the other way."""
    program = program_of(
        tmp_path,
        '1 mkdir("a", 0777) = -1 EEXIST (File exists)',
        '1 unlink("b") = -1 ENOENT (No such file or directory)',
        '1 open("c", O_CREAT|O_EXCL|O_RDWR, 0600) = 3',
        '1 unlink("c") = -1 ENOENT (No such file or directory)',
        '1 rename("x", "y") = -1 ENOENT (No such file or directory)',
    )
    assert [format_op(op) for op in program.ops] == [
        *('mkdir d0 "a"', 'mkdir d0 "a" inode=0x2', 'unlink d0 "b"', 'touch d0 "c" inode=0x3'),
        *('unlink d0 "c"', 'rename d0 d0 "x" "y"'),
    ]
    assert [text for _, text in program.notes] == ["line 4: b'c' is not found (ENOENT), and was made before"]
    target = ModelTarget("2.3")
    target.begin(program)
    assert [target.apply(op).errno for op in program.ops] == [0, 17, 2, 0, 0, 2]


def test_rename_flags(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        '1 open("a", O_CREAT, 0600) = 3',
        '1 renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE) = 0',
        '1 renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE) = -1 EEXIST (File exists)',
        '1 renameat2(AT_FDCWD, "b", AT_FDCWD, "d", RENAME_WHITEOUT) = 0',
    )
    assert [format_op(op) for op in program.ops] == [
        *('touch d0 "c" inode=0x2', 'touch d0 "a"', 'rename d0 d0 "a" "b"'),
        *('contains d0 "b"', 'contains d0 "c"', 'rename d0 d0 "b" "d"'),
        'add d0 "b" int=8 fill=0x2000000000000003',
    ]
    assert not program.notes and run(program, ModelTarget("2.3")).fine


def test_opens_and_removals_that_failed(tmp_path: Path) -> None:
    """An entry that is listed and cannot be opened, a directory that is empty and cannot be removed: the
    symptoms. What programs look for in vain elsewhere is left out."""
    lines = (
        '1 openat(AT_FDCWD, "/etc/ld.so.preload", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file)',
        '1 mkdir("d", 0777) = 0',
        '1 openat(AT_FDCWD, "d/a", O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3',
        '1 openat(AT_FDCWD, "d/a", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
        '1 openat(AT_FDCWD, "d/b", O_RDONLY) = -1 ENOENT (No such file or directory)',
        '1 unlink("d/a") = 0',
        '1 rmdir("d") = -1 ENOTEMPTY (Directory not empty)',
        '1 rename("d", "e") = -1 ENOTEMPTY (Directory not empty)',
    )
    program = program_of(tmp_path, *lines)
    assert [format_op(op) for op in program.ops] == [
        *('touch d0 "e" inode=0x3', 'mkdir d0 "d"', 'touch d1 "a" inode=0x2'),
        *('contains d1 "a"', 'contains d1 "b"', 'unlink d1 "a"', 'contains d0 "d"'),
        *('contains d0 "d"', 'contains d0 "e"'),
    ]
    assert [text for _, text in program.notes] == [
        "line 4: b'a' is not found (ENOENT), and was made before",
        "line 7: rmdir of b'd' failed with ENOTEMPTY, and the log left nothing in it",
        "line 8: b'e' is not empty (ENOTEMPTY) when it is renamed onto",
    ]
    assert run(program, ModelTarget("2.3")).fine
    folded = tmp_path / "folded"
    folded.write_text("\n".join(lines) + "\n")
    program = strace_program(folded, properties=properties_of("normalization=formD,casesensitivity=mixed"))
    assert 'lookup_norm d1 "b" int=8 len=1 match=1' in [format_op(op) for op in program.ops]
    assert run(program, ModelTarget("2.3")).fine


def test_a_directory_opened_before_it_is_renamed_is_still_the_same(tmp_path: Path) -> None:
    assert ops_of(
        tmp_path,
        '1 mkdir("d", 0777) = 0',
        '1 openat(AT_FDCWD, "d", O_RDONLY) = 3',
        '1 rename("d", "e") = 0',
        '1 openat(3, "f", O_CREAT, 0600) = 4',
        "1 fcntl(3, F_GETFD) = 0",
        "1 fcntl(3, F_DUPFD_CLOEXEC, 10) = 10",
        "1 close(3) = 0",
        '1 unlinkat(10, "f", 0) = 0',
        '1 unlink("e/g") = 0',
    ) == [
        *('mkdir d0 "d"', 'rename d0 d0 "d" "e"', 'touch d1 "f" inode=0x2', 'unlink d1 "f"'),
        *('touch d1 "g" inode=0x3', 'unlink d1 "g"'),
    ]


def test_processes_that_do_not_share(tmp_path: Path) -> None:
    """fork() copies both; CLONE_FS alone shares the directory."""
    assert ops_of(
        tmp_path,
        '1 chdir("/x") = 0',
        "1 fork() = 2",
        '2 chdir("/y") = 0',
        "1 clone3({flags=CLONE_FS, exit_signal=SIGCHLD}, 88) = 3",
        '3 chdir("/z") = 0',
        '1 creat("a", 0600) = 3',
        '2 creat("b", 0600) = 3',
    ) == ['touch d0 "a"', 'touch d1 "b" inode=0x2']


def test_what_the_trace_does_not_tell_is_said(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        '1 openat(7, "a", O_CREAT, 0600) = 8',
        '1 mkdir("/d", 0777) = 0',
        '1 unlink("/d/x") = 0',
        '9 creat("y", 0600) = 3',
    )
    assert [text for _, text in program.notes] == [
        "line 1: descriptor 7 was opened before the log: `strace -y` names it",
        "line 3: b'x' is used, and the log does not say who made it",
        "line 4: process 9 was there before the log: where, is not known",
    ]
    assert parse(format_program(program)).notes == program.notes


def test_datasets_that_fold_names(tmp_path: Path) -> None:
    """A file that is made as A and removed as a is one file."""
    log = tmp_path / "log"
    log.write_text('1 creat("A", 0600) = 3\n1 unlink("a") = 0\n')
    options = ["--dataset", "normalization=formD,casesensitivity=insensitive"]
    printed = CliRunner().invoke(import_strace, [str(log), *options])
    header = "zap d0 micro casesensitivity=insensitive normalization=formD longname=on"
    assert printed.output == f'{header}\ntouch d0 "A"\nunlink d0 "A"\n'


def test_case_that_is_mixed(tmp_path: Path) -> None:
    """Names that differ by case are two entries there, on Linux."""
    log = tmp_path / "log"
    log.write_text('1 creat("A", 0600) = 3\n1 creat("a", 0600) = 4\n1 unlink("A") = 0\n1 unlink("a") = 0\n')
    program = strace_program(log, properties=properties_of("casesensitivity=mixed"))
    assert [format_op(op) for op in program.ops] == [
        *('touch d0 "A"', 'touch d0 "a" inode=0x2', 'unlink d0 "A"', 'unlink d0 "a"')
    ]
    assert run(program, ModelTarget("2.3")).fine


def test_renames_of_directories_take_linear_time(tmp_path: Path) -> None:
    """A directory with ten thousand names is renamed ten thousand times."""
    log = tmp_path / "log"
    count = 10_000
    lines = ['1 mkdir("d0", 0777) = 0']
    lines += [f'1 creat("d0/f{number}", 0600) = 3' for number in range(count)]
    lines += [f'1 rename("d{number}", "d{number + 1}") = 0' for number in range(count)]
    log.write_text("\n".join([*lines, f'1 unlink("d{count}/f7") = 0']) + "\n")
    start = time.process_time()
    program = strace_program(log)
    assert time.process_time() - start < 10
    assert format_op(program.ops[-1]) == 'unlink d1 "f7"'


def test_a_descriptor_is_free_when_its_close_begins(tmp_path: Path) -> None:
    """Another thread gets its number before the first one is seen to be done."""
    ops = ops_of(
        tmp_path,
        '1 openat(AT_FDCWD, "old", O_RDONLY|O_DIRECTORY) = 3',
        "1 clone(child_stack=NULL, flags=CLONE_VM|CLONE_FS|CLONE_FILES) = 2",
        "1 close(3 <unfinished ...>",
        '2 openat(AT_FDCWD, "new", O_RDONLY|O_DIRECTORY) = 3',
        "1 <... close resumed>) = 0",
        '2 mkdirat(3, "a", 0777) = 0',
        '2 mkdir("new/b", 0777) = 0',
        "2 close(3) = 0",
    )
    assert [op.partition(" inode=")[0] for op in ops] == ['mkdir d0 "a"', 'mkdir d0 "b"']


@pytest.mark.parametrize(
    "lines",
    [
        (  # -X raw
            'openat(-100, "d", 0x10000) = 3',
            "fcntl(3, 0x406, 0) = 4",
            'openat(4, "a", 0x241, 0644) = 5',
            'openat(-100, "d/b", 0x241, 0644) = 6',
            'renameat2(-100, "d/a", -100, "d/b", 0x2) = 0',
            'mkdir("d/c", 0777) = 0',
            'unlinkat(4, "c", 0x200) = 0',
            'openat(4, "a", 0x1) = 7',
        ),
        (  # -X verbose
            'openat(-100 /* AT_FDCWD */, "d", 0x10000 /* O_RDONLY|O_DIRECTORY */) = 3',
            "fcntl(3, 0x406 /* F_DUPFD_CLOEXEC */, 0) = 4",
            'openat(4, "a", 0x241 /* O_WRONLY|O_CREAT|O_TRUNC */, 0644) = 5',
            'openat(-100 /* AT_FDCWD */, "d/b", 0x241 /* O_WRONLY|O_CREAT|O_TRUNC */, 0644) = 6',
            'renameat2(-100 /* AT_FDCWD */, "d/a", 3, "b", 0x2 /* RENAME_EXCHANGE */) = 0',
            'mkdir("d/c", 0777) = 0',
            'unlinkat(4, "c", 0x200 /* AT_REMOVEDIR */) = 0',
            'openat(4, "a", 0x1 /* O_WRONLY */) = 7',
        ),
    ],
    ids=["raw", "verbose"],
)
def test_numbers_and_comments_in_the_place_of_names(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """-X raw and -X verbose."""
    ops = [op.split(" inode=")[0].split(" int=")[0] for op in ops_of(tmp_path, *lines)]
    assert ops == [
        *('touch d0 "a"', 'touch d0 "b"', 'remove d0 "a"', 'remove d0 "b"'),
        *('add d0 "b"', 'add d0 "a"', 'mkdir d0 "c"', 'rmdir d0 "c"'),
    ]


def test_what_is_behind_a_symbolic_link_is_said_to_be_unknown(tmp_path: Path) -> None:
    """It may be made by an open, or be a directory; its own entry stays. Told once."""
    program = program_of(
        tmp_path,
        'symlink("target", "d/link") = 0',
        'openat(AT_FDCWD, "d/link", O_CREAT|O_WRONLY, 0644) = 3',
        'mkdir("d/link/sub", 0777) = 0',
        'unlink("d/link") = 0',
    )
    assert format_op(program.ops[0]).startswith('touch d0 "link"')
    assert format_op(program.ops[-1]) == 'unlink d0 "link"'
    [told] = [text for _, text in program.notes if "symbolic link" in text]
    assert told.startswith("line 2: b'link' is a symbolic link, which is not followed: ")


def ops_and_notes(tmp_path: Path, log: str) -> tuple[list[str], list[str]]:
    path = tmp_path / "log"
    path.write_text(log)
    program = strace_program(path)
    return [format_op(op).partition(" inode=")[0] for op in program.ops], [text for _, text in program.notes]


def test_a_number_of_base_eight_is_a_result(tmp_path: Path) -> None:
    """umask() gives one, and nearly every program that makes files calls it: such a log was refused."""
    log = 'umask(000) = 022\numask(022) = 0\nopenat(AT_FDCWD, "a", O_WRONLY|O_CREAT, 0666) = 3\n'
    assert ops_and_notes(tmp_path, log) == (['touch d0 "a"'], [])


def test_a_directory_that_was_looked_for_is_made(tmp_path: Path) -> None:
    """`install -D` looks for a/b/c, makes a and b, and goes there: they were taken to be there before."""
    log = (
        'openat(AT_FDCWD, "a/b/c", O_RDONLY|O_DIRECTORY) = -1 ENOENT (No such file or directory)\n'
        'mkdir("a", 0755) = 0\nopenat(AT_FDCWD, "a", O_RDONLY|O_DIRECTORY) = 3\nfchdir(3) = 0\n'
        'mkdir("b", 0755) = 0\nchdir("..") = 0\nopenat(AT_FDCWD, "a/b/c", O_WRONLY|O_CREAT, 0600) = 4\n'
        'mkdir("a/b", 0755) = 0\n'
    )
    again = "line 8: b'b' was there when it was made: who removed it is not shown"
    assert ops_and_notes(tmp_path, log) == (['mkdir d0 "a"', 'mkdir d1 "b"', 'touch d2 "c"'], [again])


def test_a_log_of_calls_with_paths_alone_says_what_it_hides(tmp_path: Path) -> None:
    """`strace -e trace=file` shows no fchdir(), by which the second directory is made in the first."""
    log = 'mkdir("a", 0755) = 0\nopenat(AT_FDCWD, "a", O_RDONLY|O_DIRECTORY) = 3\nmkdir("b", 0755) = 0\n'
    ops, [note] = ops_and_notes(tmp_path, log)
    assert ops == ['mkdir d0 "a"', 'mkdir d0 "b"']
    assert note.startswith("line 2: ") and "trace=file,desc,process" in note
    assert ops_and_notes(tmp_path, log + "fchdir(3) = 0\n")[1] == []


@pytest.mark.parametrize("nul", ["\0", "\\0", "\\x00"])
def test_a_name_ends_at_a_nul(nul: str, tmp_path: Path) -> None:
    """A log that a crash has damaged has zeros in it; for a kernel a path ends there (found by Atheris)."""
    log = f'openat(AT_FDCWD, "a{nul}b", O_WRONLY|O_CREAT, 0666) = 3\nunlink("a") = 0\n'
    assert ops_and_notes(tmp_path, log) == (['touch d0 "a"', 'unlink d0 "a"'], [])


NINES = "9" * 5000


@pytest.mark.parametrize(
    "line",
    [
        *(f'openat({NINES}, "b", O_CREAT) = 3', f"close({NINES}) = 0", f"fcntl(3, {NINES}) = 0"),
        *(f"umask(0) = {NINES}", "umask(0) = 099", f"fork()\t = {NINES} (0x1)"),
        f"mkdir(\"\",0)\t ERR#{NINES} 'x'",
        f'renameat2(3, "x", 3, "y", {NINES}8) = 0',
        *("rfork(0x80zz)\t = 4 (0x4)", "rfork(0x)\t = 4 (0x4)"),
    ],
)
def test_numbers_that_are_none(line: str, tmp_path: Path) -> None:
    """A damaged log ends in no traceback: Python's own numbers have fewer digits than a line may have."""
    ops, _ = ops_and_notes(tmp_path, f'mkdir("a", 0) = 0\n{line}\n')
    assert [op for op in ops if "mkdir" in op] == ['mkdir d0 "a"']
