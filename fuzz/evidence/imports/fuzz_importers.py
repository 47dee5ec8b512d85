"""Traces and texts of zdb from Atheris into `import-strace` and `import-zdb`: a program that is valid, or one
line that says what is wrong; no exception, no hang.

    python -m fuzz.evidence.imports.fuzz_importers -max_total_time=600 -timeout=10
        -rss_limit_mb=500 -max_len=4096

The first byte chooses the reader, its top bit whether the rest are its bytes as they are, or have a phrase of
real traces or texts in the place of every byte from 0x80 on.
"""

from __future__ import annotations

import os
import sys

import atheris

with atheris.instrument_imports(include=["fuzz.evidence.imports"]):
    from fuzz.evidence.imports.dataset import properties_of
    from fuzz.evidence.imports.strace import strace_program
    from fuzz.evidence.imports.zdb import zdb_program

from fuzz.language.printing import format_program
from fuzz.language.syntax import SyntaxProblem, parse
from fuzz.language.validate import problems

_TRACE = r"""
\n
1\x20
[pid 2]\x20
3:\x20
12:00:01.123456\x20
open(
openat(
openat(AT_FDCWD, "a", O_CREAT|O_EXCL, 0600) = 3\n
openat(AT_FDCWD, "d", O_RDONLY|O_DIRECTORY) = 4\n
openat(4</x/d>, "b", O_CREAT, 0600) = 5</x/d/b>\n
AT_FDCWD
,\x20
"a"
"d/a"
"/x/../y"
"name that is cut"...
"\x5c303\x5c251\x5cx00"
O_CREAT|O_EXCL
) = 0\n
) = 3\n
) = -1 ENOENT (No such file or directory)\n
) = -1 EEXIST (File exists)\n
) = -1 ENOTEMPTY (Directory not empty)\n
) ERR#17 'File exists'\n
) = ?\n
mkdir("d", 0777) = 0\n
rmdir("d") = 0\n
rmdir("d") = -1 ENOTEMPTY (Directory not empty)\n
unlink("a") = 0\n
unlinkat(4, "b", AT_REMOVEDIR) = 0\n
rename("a", "b") = 0\n
rename("d", "e") = 0\n
rename("d", "d/e") = 0\n
renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) = 0\n
renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE) = -1 EEXIST (File exists)\n
renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT) = 0\n
link("a", "l") = 0\n
symlink("a", "s") = 0\n
chdir("d") = 0\n
chdir("..") = 0\n
fchdir(4) = 0\n
clone(child_stack=NULL, flags=CLONE_FS|CLONE_FILES) = 2\n
fork() = 3\n
dup2(4, 9) = 9\n
close(4) = 0\n
unshare(CLONE_FS) = 0\n
\x20<unfinished ...>\n
<... openat resumed>
<... rename resumed>) = 0\n
+++ exited with 0 +++\n
--- SIGCHLD {si_signo=SIGCHLD} ---\n
\x20\x203:\x20
\x20\x203 100101:\x20
100101:\x20
0.012345678\x20
open("a"b\x5c",O_WRONLY|O_CREAT,0644)\t = 3 (0x3)\n
open("d",0x20000,00)\t = 4 (0x4)\n
mkdir("d",0755)
rmdir(0x80090b200,0x5035c0,0x80090b200,0x5036c0,0x5036c0,0x0)
fchdir(0x4,0x0,0x0,0x0,0x0,0x0)
funlinkat(4,"b",FD_NONE,0x800)
)\t = 0 (0x0)\n
\t = 0 (0x0)\n
)\t ERR#66 'Directory not empty'\n
\n= 0 (0x0)\n
3: fork()\t = 4 (0x4)\n
4: rfork(RFPROC)\t = 3 (0x3)\n
3: process exit, rval = 0\n
getcwd("/x/d", 4096) = 5\n
__getcwd("/",1024)\t = 0 (0x0)\n
"""
_ZDB = r"""
\n
Dataset tank/ds [ZPL], ID 54, cr_txg 9, 24K, 9 objects\n
\x20   Object  lvl   iblk   dblk  dsize  dnsize  lsize   %full  type\n
\x20        7    1   128K    512      0     512    512  100.00  ZFS directory\n
\x20        8    2   128K    16K    48K     512    64K   50.00  ZFS directory\n
\tmicrozap: 512 bytes, 2 entries\n
\tFat ZAP stats:\n
\t\tZAP entries: 3\n
\t\tzap_salt: 0x2b\n
\t\ta = 3 (type: Regular File)\n
\t\tdir = 4 (type: Directory)\n
\t\tx = 5 (type: 3 (invalid))\n
\t\ta b = c = 9 (type: Socket)\n
\t\tname = 1 2 3\n
\t\tempty = \n
=\x20
(type:\x20
18446744073709551616
-1
\xff
"""


def phrases(text: str) -> list[bytes]:
    """One a line, with Python's escapes."""
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in text.strip().splitlines()]


READERS = ((strace_program, phrases(_TRACE)), (zdb_program, phrases(_ZDB)))
WORDS = (
    "",
    "normalization=formD",
    "casesensitivity=mixed",
    "normalization=formC,casesensitivity=insensitive",
)
PROPERTIES = tuple(map(properties_of, WORDS))
PLACE = f"/tmp/zapfuzz-imports-{os.getpid()}"


def one(data: bytes) -> None:
    """Read one text; what comes of it is printed and read again."""
    if not data:
        return
    reader, pieces = READERS[data[0] & 1]
    text = data[1:]
    if not data[0] & 0x80:
        text = b"".join(
            bytes((byte,)) if byte < 0x80 else pieces[(byte & 0x7F) % len(pieces)] for byte in text
        )
    with open(PLACE, "wb") as file:
        file.write(text)
    try:
        program = reader(PLACE, properties=PROPERTIES[data[0] >> 1 & 3])
    except SyntaxProblem as problem:
        assert "\n" not in str(problem)
        return
    assert problems(program) is None, problems(program)
    assert parse(format_program(program)) == program


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    try:
        atheris.Fuzz()
    finally:
        if os.path.exists(PLACE):
            os.unlink(PLACE)
