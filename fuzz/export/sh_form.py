"""The `sh` form: a POSIX shell script that does a program's file operations as a plain user.

For test pools alone: it refuses anything but an empty directory of a dataset that its owner has marked for
this, with a user property, which a plain user cannot set.
"""

from __future__ import annotations

import dataclasses
import errno
import itertools
from collections.abc import Iterator

from fuzz.corpus.reproducer import Reproducer
from fuzz.execution.execute import run
from fuzz.export.expected_answers import NoForm
from fuzz.export.story import story
from fuzz.language.program import Op, Program
from fuzz.targets.kernel.plain_files import LETTERS, OWNING, TIME, names_of, why_not_files
from fuzz.targets.model.target import ModelTarget

PROPERTY = "zapfuzz:scratch"

USAGE = f"""\
A script for a maintainer's test pool: sh THIS_FILE --yes, as a plain user, in an empty directory of a dataset
that root has marked: zfs set {PROPERTY}=yes POOL/DATASET. It may leave the directory damaged for good, panic
the kernel, or hang the pool: have nothing else on it.
Exit status: 0 if every operation did what it should, 1 if one did not, 2 if the script will not run here."""

HEAD = """\
set -u
LC_ALL=C
export LC_ALL

refuse() {
    printf '%s: %s\\n' "$0" "$1" >&2
    exit 2
}

[ "${1-}" = --yes ] || refuse "read what stands at the beginning of this file, then say --yes"
[ "$(id -u)" != 0 ] || refuse "run it as a plain user, not as root"
[ -z "$(ls -A .)" ] || refuse "expected an empty directory, found files in $(pwd)"
here=$(pwd -P)
dataset=$(zfs list -H -o name "$here" 2>/dev/null) || refuse "$here is on no ZFS dataset, or there is no zfs"
[ "$(zfs get -H -o value PROPERTY "$dataset")" = yes ] ||
    refuse "$dataset is not marked for this: its owner must set PROPERTY=yes"

wrong=0
# op NUMBER WANTED COMMAND...: runs one operation, which should succeed (ok) or be refused (no)
op() {
    number=$1 wanted=$2
    shift 2
    if "$@" 2>/dev/null; then got=ok; else got=no; fi
    [ "$got" = "$wanted" ] && return
    wrong=1
    printf 'operation %s: expected %s, got %s\\n' "$number" "$wanted" "$got"
}
make_file() (
    set -C
    : >"$1"
)
# sync(1) waits for the intent log alone; any user may ask for a transaction group
next_txg() { zpool sync "${dataset%%/*}" 2>/dev/null || sleep 12; }
"""

OWNERS = """\
# each DIRECTORY FIRST MANY ID DOES: files that are called by numbers; succeeds if one was there to be done
each() {
    at=0 any=no
    while [ $at -lt "$3" ]; do
        file=$1/$(($2 + at)) id=$(($4 + at)) at=$((at + 1))
        if "$5"; then any=yes; fi
    done
    [ $any = yes ]
}
allocate_file() { [ ! -e "$file" ] && : >"$file" && chattr -p "$id" "$file"; }
chown_file() { [ -e "$file" ] && chattr -p "$id" "$file"; }
free_file() { rm "$file"; }
"""

TAIL = """\
printf 'all operations are done\\n'
exit $wrong
"""

COMMANDS = {
    "touch": "make_file",
    "mkdir": "mkdir",
    "unlink": "rm",
    "rmdir": "rmdir",
    "rename": "mv -f --",
    "link": "ln",
    "symlink": "ln -s nowhere",
    "readdir": "ls -A",
    "contains": "ls -d",
    "dirlook": "ls -d",
}
SHORTEST_PAD = 8
RIGHT = "2.1"
"""A release that returns what is right for directories, also where later ones do not."""


def sh_form(reproducer: Reproducer, release: str = "") -> str:
    """The script. Raises NoForm where the program is not one of file operations."""
    program = reproducer.program
    known = (*COMMANDS, *OWNING, *TIME)
    verb = next((op.verb for op in program.ops if op.verb not in known), "")
    if any(zap.dataset for zap in program.zaps):
        raise NoForm("its directories are in file systems with properties of their own")
    if verb in LETTERS and verb not in OWNING:
        raise NoForm(f"no shell has a command for `{verb}`")
    if (why := why_not_files(program)) is not None:
        raise NoForm(f"not a plain user's file operations: {why}; `zapfuzz reach` may find some")
    return "".join(f"{line}\n" for line in _lines(reproducer, program, release))


def _lines(reproducer: Reproducer, program: Program, release: str) -> Iterator[str]:
    pad = _common_start(program)
    yield "#!/bin/sh"
    # the operations stand below, and names of 255 bytes need not stand there twice
    for line in story(dataclasses.replace(reproducer, program=program.with_ops(())), USAGE):
        yield f"# {line}".rstrip()
    yield ""
    yield from HEAD.replace("PROPERTY", PROPERTY).splitlines()
    if any(op.verb in OWNING for op in program.ops):
        yield from OWNERS.splitlines()
    yield ""
    if pad:
        yield f"pad={_quoted(pad)}"
    for zap in program.zaps:
        yield f"mkdir {zap.name} || exit 2"
    kept = next((zap.name for zap in program.zaps if zap.usage), "")
    expected = _errnos(program)
    for number, op in enumerate(program.ops):
        if op.verb in COMMANDS or op.verb in OWNING:
            code = expected[number] if number < len(expected) else 0
            told = f"  # {errno.errorcode.get(code, code)}" if code else ""
            hush = " >/dev/null" if op.verb in ("readdir", "contains", "dirlook") else ""
            command = _each(op, kept) if op.verb in OWNING else _command(op, pad)
            yield f"op {number} {'no' if code else 'ok'} {command}{hush}{told}"
        elif op.verb != "finish":
            yield "next_txg"
    yield from TAIL.splitlines()


def _errnos(program: Program) -> list[int]:
    """What each operation returns on the model without the faults of zap_shrink(), as far as it goes."""
    found: list[int] = []
    run(program, ModelTarget(RIGHT), judge=False, trace=lambda _, __, result: found.append(result.errno))
    return found


def _command(op: Op, pad: bytes) -> str:
    """One operation's words."""
    words = [COMMANDS[op.verb]]
    words.append(_path(op.subject, op.key, pad))
    if op.to is not None:
        words.append(_path(op.other, op.to, pad))
    return " ".join(words)


def _each(op: Op, directory: str) -> str:
    """The words for files that belong to a project (chattr is of e2fsprogs, and works on ZFS)."""
    return f"each {directory} {op.first} {op.many} {op.owner} {op.verb}_file"


def _path(directory: str, name: object, pad: bytes) -> str:
    if not isinstance(name, bytes):
        return directory
    if pad and name.startswith(pad):
        return f'{directory}/"$pad"{_quoted(name[len(pad) :])}'
    return f"{directory}/{_quoted(name)}"


def _common_start(program: Program) -> bytes:
    """What all names begin with, if that is long: it is written once."""
    names = sorted(names_of(program)) or [b""]
    pairs = zip(names[0], names[-1], strict=False)  # what the least and the greatest share all share
    common = bytes(one for one, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    return common if len(common) >= SHORTEST_PAD and names[0] != names[-1] else b""


def _quoted(name: bytes) -> str:
    """A word of the shell. Bytes that are no ASCII go through printf, in octal."""
    if all(0x20 <= byte < 0x7F for byte in name):
        return "'" + name.decode().replace("'", "'\\''") + "'"
    octal = "".join(f"\\{byte:03o}" for byte in name)
    return f"\"$(printf '{octal}')\""
