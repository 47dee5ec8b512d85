"""Protects the history that a log of FreeBSD's truss tells. The logs are made after its source and manual and
after logs that people posted, and what they come to was written down before any of them was read. Names stand
in them as they are, escaped by nothing; older releases print what they do not know as six registers."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.evidence.imports.strace import strace_program
from fuzz.language.printing import format_op

RM_OF_9 = r"""
lstat("build/.deps",{ mode=drwxr-xr-x ,inode=58548,size=8192,blksize=4096 }) = 0 (0x0)
open(".",O_RDONLY,00)				 = 3 (0x3)
fchdir(0x3,0x5035c0,0x0,0x2,0x1cecf8,0x0)	 = 0 (0x0)
open("build/.deps",O_NONBLOCK,044270600)	 = 4 (0x4)
fstat(4,{ mode=drwxr-xr-x ,inode=58548,size=8192,blksize=4096 }) = 0 (0x0)
fchdir(0x4,0x7fffffffea20,0x4,0x0,0x0,0x8009002c0) = 0 (0x0)
close(4)					 = 0 (0x0)
unlink("a.Plo")				 = 0 (0x0)
unlink("b.Plo")				 = 0 (0x0)
fchdir(0x3,0x5035c0,0x80090b200,0x5036c0,0x5036c0,0x0) = 0 (0x0)
rmdir(0x80090b200,0x5035c0,0x80090b200,0x5036c0,0x5036c0,0x0) = 0 (0x0)
unlink("x")					 = 0 (0x0)
close(3)					 = 0 (0x0)
process exit, rval = 0
"""

CHILD_FIRST = r"""
  903: chdir("/usr/obj")				 = 0 (0x0)
  904: <new process>
  904: open("a.o",O_WRONLY|O_CREAT|O_TRUNC,0666)	 = 3 (0x3)
  903: fork()					 = 904 (0x388)
  904: unlink("a.o")				 = 0 (0x0)
  904: exit(0x0)
  904: process exit, rval = 0
  903: SIGNAL 20 (SIGCHLD) code=CLD_EXITED pid=904 uid=0 status=0
  903: wait4(-1,{ EXITED,val=0 },0x0,0x0)		 = 904 (0x388)
  903: rename("b.o.tmp","b.o")			 = 0 (0x0)
"""

THREADS = r"""
  903 100098: mkdir("d",0777)			 = 0 (0x0)
  903 100098: open("d",O_RDONLY|O_DIRECTORY|O_CLOEXEC,00) = 3 (0x3)
  903 100101: <new thread 100101>
  903 100101: openat(3,"x",O_RDWR|O_CREAT|O_EXCL,0600)	 = 4 (0x4)
  903 100098: unlinkat(3,"x",0x0)			 = 0 (0x0)
  903 100101: thr_exit(0x80200a000)
  903 100101: <thread 100101 exited>
"""

TIMES = r"""
  903: 0.012345678 0.000012345 mkdir("/t/d",0755)	 = 0 (0x0)
  903: 12.000000001 0.000000900 open("/t/d/f",O_RDWR|O_CREAT,0644)	 = 3 (0x3)
  903: 12.100000001 0.000001900 unlink("/t/d/f")	 = 0 (0x0)
  903: 12.200000001 0.000002900 rmdir("/t/d")	 = 0 (0x0)
"""

NAMES = r"""
open("back\slash",O_WRONLY|O_CREAT,0644)		 = 3 (0x3)
open("it's, a (name).txt",O_WRONLY|O_CREAT,0644)	 = 4 (0x4)
open("a"b",O_WRONLY|O_CREAT,0644)			 = 5 (0x5)
open("Grüße\n",O_WRONLY|O_CREAT,0644)		 = 6 (0x6)
rename("back\slash","ends\")				 = 0 (0x0)
unlink("a"b")						 = 0 (0x0)
open("cut...",O_WRONLY|O_CREAT,0644)			 = 7 (0x7)
"""

ERRORS = r"""
mkdir("/t/d",0755)					 ERR#17 'File exists'
unlink("/t/x")						 ERR#2 'No such file or directory'
rmdir("/t/d")						 ERR#66 'Directory not empty'
open("/t/new",O_WRONLY|O_CREAT|O_EXCL,0644)		 = 3 (0x3)
open("/t/new",O_WRONLY|O_CREAT|O_EXCL,0644)		 ERR#17 'File exists'
open("/t/d/gone",O_RDONLY,00)				 ERR#2 'No such file or directory'
unlink("/etc/passwd")					 ERR#13 'Permission denied'
"""

DESCRIPTORS = r"""
openat(AT_FDCWD,"/tank/src",O_RDONLY|O_DIRECTORY|O_CLOEXEC,00) = 5 (0x5)
mkdirat(5,"sub",0755)				 = 0 (0x0)
openat(5,"sub",O_RDONLY|O_DIRECTORY,00)		 = 6 (0x6)
openat(6,"f",O_WRONLY|O_CREAT|O_TRUNC,0644)	 = 7 (0x7)
fcntl(6,F_DUPFD_CLOEXEC,0x0)			 = 8 (0x8)
close(6)					 = 0 (0x0)
renameat(8,"f",5,"g")				 = 0 (0x0)
funlinkat(5,"g",FD_NONE,0x0)			 = 0 (0x0)
funlinkat(5,"sub",FD_NONE,AT_REMOVEDIR)		 = 0 (0x0)
"""

SHARED = r"""
   10: rfork(RFPROC|RFTHREAD)			 = 11 (0xb)
   11: open("/t/d",O_RDONLY|O_DIRECTORY,00)	 = 3 (0x3)
   10: openat(3,"n",O_WRONLY|O_CREAT,0600)	 = 4 (0x4)
   10: rfork(RFPROC|RFFDG)			 = 12 (0xc)
   12: close(3)					 = 0 (0x0)
   12: open("/t/e",O_RDONLY|O_DIRECTORY,00)	 = 3 (0x3)
   11: mkdirat(3,"m",0700)			 = 0 (0x0)
   12: mkdirat(3,"m",0700)			 = 0 (0x0)
"""

WHERE = r"""
open("first",O_WRONLY|O_CREAT,0644)			 = 3 (0x3)
__getcwd("/usr/home/ann",1024)			 = 0 (0x0)
open("notes",O_WRONLY|O_CREAT,0644)			 = 3 (0x3)
rename("/usr/home/ann/notes","/usr/home/ann/notes.old") = 0 (0x0)
unlink("notes.old")					 = 0 (0x0)
unlink("/usr/home/ann/first")				 = 0 (0x0)
mkdir("../bob",0755)					 = 0 (0x0)
rmdir("/usr/home/bob")					 = 0 (0x0)
"""

NUMBERS = r"""
open("/t/f",0x601,0666)				 = 3 (0x3)
open("/t",0x20000,00)				 = 4 (0x4)
mkdirat(0x4,"d",0x1ff)				 = 0 (0x0)
unlinkat(0x4,"d",0x800)				 = 0 (0x0)
dup2(0x4,0x9,0x1,0x0,0x0,0x0)			 = 9 (0x9)
unlinkat(9,"f",0x0)				 = 0 (0x0)
"""

ATTACHED = r"""
openat(17,"mail.1",O_RDWR|O_CREAT|O_EXCL,0600)	 = 20 (0x14)
unlinkat(17,"mail.1",0x0)			 = 0 (0x0)
"""

NUMBER_AGAIN = r"""
   10: chdir("/a")				 = 0 (0x0)
   10: fork()					 = 11 (0xb)
   11: stat("x",0x7fffffffe000)			 ERR#2 'No such file or directory'
   11: process exit, rval = 0
   10: chdir("/b")				 = 0 (0x0)
   11: mkdir("x",0755)				 = 0 (0x0)
   10: fork()					 = 11 (0xb)
   10: rmdir("x")				 = 0 (0x0)
   11: process killed, signal = 9
"""

MAILED = r"""
rename("/var/db/pkg/a-name-that-is-long.tmp","/var/db/pkg/a-name-that-is-long")
= 0 (0x0)
unlink("/var/db/pkg/a-name-that-is-not-there-any-more-and-long")
ERR#2 'No such file or directory'
unlink("/var/db/pkg/a-name-that-is-long") =
0 (0x0)
"""

NO_FOLLOW = THREADS.replace("  903 100", "100")

LOGS: dict[str, tuple[str, list[str], list[str]]] = {
    "rm of 9.x": (
        RM_OF_9,
        [
            *('touch d0 "a.Plo"', 'touch d0 "b.Plo"', 'touch d1 "x"'),
            *('unlink d0 "a.Plo"', 'unlink d0 "b.Plo"', 'unlink d1 "x"'),
        ],
        ["line 12: rmdir does not show its path, and is left out"],
    ),
    "-f, the child first": (
        CHILD_FIRST,
        ['touch d0 "b.o.tmp"', 'touch d0 "a.o"', 'unlink d0 "a.o"', 'rename d0 d0 "b.o.tmp" "b.o"'],
        [],
    ),
    "-f -H": (THREADS, ['mkdir d0 "d"', 'touch d1 "x"', 'unlink d1 "x"'], []),
    "-H": (NO_FOLLOW, ['mkdir d0 "d"', 'touch d1 "x"', 'unlink d1 "x"'], []),
    "-f -d -D": (
        TIMES,
        ['mkdir d0 "d"', 'touch d1 "f"', 'unlink d1 "f"', 'rmdir d0 "d"', "destroy d1"],
        [],
    ),
    "names": (
        NAMES,
        [
            *(r'touch d0 "back\\slash"', 'touch d0 "it\'s, a (name).txt"', r'touch d0 "a\"b"'),
            *(r'touch d0 "Gr\xc3\xbc\xc3\x9fe\\n"', r'rename d0 d0 "back\\slash" "ends\\"'),
            *(r'unlink d0 "a\"b"', 'touch d0 "cut..."'),
        ],
        [],
    ),
    "errors": (
        ERRORS,
        [
            *('mkdir d0 "d"', 'mkdir d0 "d"', 'unlink d0 "x"', 'contains d0 "d"'),
            *('touch d0 "new"', 'touch d0 "new"'),
        ],
        ["line 4: rmdir of b'd' failed with ENOTEMPTY"],
    ),
    "descriptors": (
        DESCRIPTORS,
        [
            *('mkdir d0 "sub"', 'touch d1 "f"', 'rename d1 d0 "f" "g"', 'unlink d0 "g"'),
            *('rmdir d0 "sub"', "destroy d1"),
        ],
        [],
    ),
    "rfork": (SHARED, ['touch d0 "n"', 'mkdir d0 "m"', 'mkdir d1 "m"'], []),
    "getcwd": (
        WHERE,
        [
            *('touch d0 "first"', 'touch d0 "notes"', 'rename d0 d0 "notes" "notes.old"'),
            *('unlink d0 "notes.old"', 'unlink d0 "first"', 'mkdir d1 "bob"', 'rmdir d1 "bob"'),
        ],
        [],
    ),
    "numbers": (NUMBERS, ['touch d0 "f"', 'mkdir d0 "d"', 'rmdir d0 "d"', 'unlink d0 "f"'], []),
    "-p": (
        ATTACHED,
        ['touch d0 "mail.1"', 'unlink d0 "mail.1"'],
        ["line 2: descriptor 17 was opened before the log: `procstat -f PID` names it"],
    ),
    "a number again": (NUMBER_AGAIN, ['mkdir d0 "x"', 'rmdir d0 "x"'], []),
    "wrapped by mail": (
        MAILED,
        [
            *('touch d0 "a-name-that-is-long.tmp"',),
            'rename d0 d0 "a-name-that-is-long.tmp" "a-name-that-is-long"',
            'unlink d0 "a-name-that-is-not-there-any-more-and-long"',
            'unlink d0 "a-name-that-is-long"',
        ],
        [],
    ),
}
"""Each log, the ops that it comes to (but for inodes), and what is said to be unknown."""


@pytest.mark.parametrize("name", LOGS)
def test_what_a_log_comes_to(name: str, tmp_path: Path) -> None:
    log, ops, notes = LOGS[name]
    path = tmp_path / "truss.out"
    path.write_bytes(log.encode())
    program = strace_program(path)
    assert [format_op(op).partition(" inode=")[0] for op in program.ops] == ops
    assert [text for _, text in program.notes] == notes


def test_a_line_of_forks_that_are_told_last(tmp_path: Path) -> None:
    """Each of ten thousand processes is the child of the one before, and the last is heard of first."""
    path = tmp_path / "truss.out"
    count = 10_000
    forks = "".join(f"{pid}: fork()\t = {pid + 1} ({pid + 1:#x})\n" for pid in range(1, count))
    made = f'{count}: mkdir("x",0755)\t = 0 (0x0)\n'
    path.write_text('1: chdir("/d")\t = 0 (0x0)\n' + made + forks + '1: rmdir("/d/x")\t = 0 (0x0)\n')
    assert [format_op(op) for op in strace_program(path).ops] == ['mkdir d0 "x"', 'rmdir d0 "x"']
