"""Programs from what strace saw: the file operations of a log of `strace -f`, as ops on directory ZAPs.

Each directory that a name is created in, removed from or renamed in becomes a ZAP. Only calls that succeeded
count. What is removed or renamed without having been created in the log was there before it began, and is
created first.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from fuzz.language.program import DEFAULT_SALT, Op, Program, Zap
from fuzz.language.syntax import SyntaxProblem
from fuzz.language.validate import MAX_OPS, MAX_ZAPS

MAX_LOG = 1 << 28
MAX_LINE = 1 << 16
LONGEST_NAME = 255
HERE = b"."
"""The directory that the first process was in; strace does not say which it is."""

_LINE = re.compile(
    rb"(?:\[pid +(\d+)\] |(\d+) +)?(?:[\d:.]+ +)?(?:<\.\.\. (\w+) resumed> ?|(\w+)\()(.*)", re.S
)
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(\.\.\.)?', re.S)
_FD = re.compile(rb"(AT_FDCWD|-?\d+)(?:<[^>]*>)?")
_RESULT = re.compile(rb"\) += (-?\d+)(?:<[^>]*>)?[^=]*$", re.S)
_UNFINISHED = re.compile(rb" ?<unfinished \.\.\.>\s*$")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.S)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


class Event(NamedTuple):
    """A change of the tree: `touch`, `mkdir`, `unlink`, `rmdir` of a path, or its `rename`."""

    verb: str
    path: bytes
    to: bytes = b""


class _Process:
    """What paths and descriptors mean in a process."""

    def __init__(self, parent: _Process | None = None) -> None:
        self.cwd: bytes = parent.cwd if parent else HERE
        self.fds: dict[int, bytes] = dict(parent.fds) if parent else {}

    def path(self, fd: bytes, name: bytes) -> bytes:
        base = self.cwd if fd == b"AT_FDCWD" else self.fds.get(int(fd), HERE)
        return posixpath.normpath(posixpath.join(base, name))


def _unescape(text: bytes) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2]:
            return bytes([int(match[2], 8) & 255])
        return _PLAIN.get(match[3], match[3])

    return _ESCAPE.sub(one, text)


class _Call(NamedTuple):
    """A call that succeeded: the directory descriptors and paths among its arguments, in order."""

    process: _Process
    arguments: bytes
    result: int

    def paths(self, at: bool) -> list[bytes]:
        """Its paths; with `at`, each has a descriptor before it."""
        found = []
        for match in _STRING.finditer(self.arguments):
            fd = b"AT_FDCWD"
            if at:
                before = self.arguments[: match.start()].rstrip(b" ,").rpartition(b",")[2].strip()
                known = _FD.fullmatch(before)
                fd = known[1] if known else fd
            found.append(self.process.path(fd, _unescape(match[1])))
        return found

    def number(self) -> int:
        """Its first argument, a descriptor."""
        found = _FD.match(self.arguments)
        return int(found[1]) if found and found[1] != b"AT_FDCWD" else -1


def _make(verb: str, at: bool, which: int = 0) -> Callable[[_Call], Iterator[Event]]:
    """A call that makes or drops the entry of one of its paths."""

    def read(call: _Call) -> Iterator[Event]:
        paths = call.paths(at)
        if len(paths) > which:
            yield Event(verb, paths[which])

    return read


def _open(at: bool) -> Callable[[_Call], Iterator[Event]]:
    def read(call: _Call) -> Iterator[Event]:
        paths = call.paths(at)
        if paths:
            call.process.fds[call.result] = paths[0]
            if b"O_CREAT" in call.arguments:
                yield Event("touch", paths[0])

    return read


def _unlinkat(call: _Call) -> Iterator[Event]:
    yield from _make("rmdir" if b"AT_REMOVEDIR" in call.arguments else "unlink", True)(call)


def _rename(at: bool) -> Callable[[_Call], Iterator[Event]]:
    def read(call: _Call) -> Iterator[Event]:
        paths = call.paths(at)
        if len(paths) == 2 and b"RENAME_EXCHANGE" not in call.arguments:
            yield Event("rename", paths[0], paths[1])

    return read


def _chdir(call: _Call) -> Iterator[Event]:
    call.process.cwd = call.paths(False)[0] if call.paths(False) else call.process.cwd
    yield from ()


def _fchdir(call: _Call) -> Iterator[Event]:
    call.process.cwd = call.process.fds.get(call.number(), HERE)
    yield from ()


def _close(call: _Call) -> Iterator[Event]:
    call.process.fds.pop(call.number(), None)
    yield from ()


def _dup(call: _Call) -> Iterator[Event]:
    if call.number() in call.process.fds:
        call.process.fds[call.result] = call.process.fds[call.number()]
    yield from ()


CALLS: Mapping[bytes, Callable[[_Call], Iterator[Event]]] = {
    b"open": _open(False),
    b"openat": _open(True),
    b"openat2": _open(True),
    b"creat": _make("touch", False),
    b"mknod": _make("touch", False),
    b"mknodat": _make("touch", True),
    b"link": _make("touch", False, 1),
    b"linkat": _make("touch", True, 1),
    b"symlink": _make("touch", False, 1),
    b"symlinkat": _make("touch", True, 1),
    b"mkdir": _make("mkdir", False),
    b"mkdirat": _make("mkdir", True),
    b"unlink": _make("unlink", False),
    b"unlinkat": _unlinkat,
    b"rmdir": _make("rmdir", False),
    b"rename": _rename(False),
    b"renameat": _rename(True),
    b"renameat2": _rename(True),
    b"chdir": _chdir,
    b"fchdir": _fchdir,
    b"close": _close,
    b"dup": _dup,
    b"dup2": _dup,
    b"dup3": _dup,
    b"fcntl": _dup,
}
"""What each call of the log means. Others are not looked at."""

FORKS = (b"clone", b"clone3", b"fork", b"vfork")


class _Reader:
    """Reads a log line by line; a call that was interrupted by another process's is put together again."""

    def __init__(self) -> None:
        self.processes: dict[bytes, _Process] = {}
        self.begun: dict[bytes, tuple[bytes, bytes]] = {}
        self.forking: _Process | None = None
        self.calls = 0

    def process(self, pid: bytes) -> _Process:
        """A process by its number; a new one has what the one has that forked last."""
        known = self.processes.get(pid)
        if known is None:
            known = self.processes[pid] = _Process(self.forking)
            self.forking = self.forking or known
        return known

    def events(self, line: bytes) -> Iterator[Event]:
        """What a line changes."""
        match = _LINE.match(line)
        if match is None:
            return
        pid = match[1] or match[2] or b""
        process, name, rest = self.process(pid), match[3] or match[4], match[5]
        if match[3]:
            name, head = self.begun.pop(pid, (name, b""))
            rest = head + rest
        if name in FORKS:
            self.forking = process
        if _UNFINISHED.search(rest):
            self.begun[pid] = (name, _UNFINISHED.sub(b"", rest))
            return
        found = _RESULT.search(rest)
        self.calls += found is not None
        if found is None or int(found[1]) < 0:
            return
        result, arguments = int(found[1]), rest[: found.start()]
        if name in FORKS:
            self.processes.setdefault(found[1], _Process(process))
        elif name in CALLS:
            yield from CALLS[name](_Call(process, arguments, result))


class _Tree:
    """Turns events into ops: which ZAP a directory is, and which names were there before the log."""

    def __init__(self) -> None:
        self.directories: dict[bytes, int] = {}
        self.kinds: dict[bytes, str] = {}
        self.before: list[Op] = []
        self.ops: list[Op] = []
        self.inode = 0

    def zap(self, path: bytes) -> str:
        """The ZAP of the directory that a path lies in."""
        number = self.directories.setdefault(posixpath.dirname(path), len(self.directories))
        return f"d{number}"

    def made(self, verb: str, path: bytes) -> Op:
        """The op that creates an entry."""
        self.inode += 1
        self.kinds[path] = verb
        return Op(verb, self.zap(path), posixpath.basename(path), fill=self.inode)

    def there(self, path: bytes, verb: str) -> None:
        """A path must be there: if the log did not create it, it was before."""
        if path not in self.kinds:
            self.before.append(self.made(verb, path))

    def add(self, event: Event) -> None:
        """The op of an event; none for names that no directory can have, and files that were opened again."""
        name = posixpath.basename(event.path)
        if not 0 < len(name) <= LONGEST_NAME or len(posixpath.basename(event.to)) > LONGEST_NAME:
            return
        if event.verb in ("touch", "mkdir"):
            if event.path not in self.kinds:
                self.ops.append(self.made(event.verb, event.path))
            return
        self.there(event.path, "mkdir" if event.verb == "rmdir" else "touch")
        if event.verb == "rename":
            self.rename(event.path, event.to)
            return
        verb = "rmdir" if self.kinds.pop(event.path) == "mkdir" else "unlink"
        self.ops.append(Op(verb, self.zap(event.path), name))

    def rename(self, old: bytes, new: bytes) -> None:
        """A rename, and that everything below a directory goes with it."""
        if old == new:
            return
        names = {"key": posixpath.basename(old), "to": posixpath.basename(new)}
        self.ops.append(Op("rename", self.zap(old), names["key"], other=self.zap(new), to=names["to"]))
        self.kinds[new] = self.kinds.pop(old)
        if self.kinds[new] == "mkdir":
            self.directories.pop(new, None)  # it was empty
            self.directories = {_moved(path, old, new): zap for path, zap in self.directories.items()}
            self.kinds = {_moved(path, old, new): kind for path, kind in self.kinds.items()}


def _moved(path: bytes, old: bytes, new: bytes) -> bytes:
    return new + path[len(old) :] if path == old or path.startswith(old + b"/") else path


def _shared(ops: list[Op]) -> dict[str, str]:
    """A ZAP's name for each directory: its own, but the least used share one where there are too many."""
    used = Counter(name for op in ops for name in (op.subject, op.other) if name)
    order = sorted(used, key=lambda name: (-used[name], int(name[1:])))
    return {name: name if place < MAX_ZAPS - 1 else "rest" for place, name in enumerate(order)}


def strace_program(
    log: str | os.PathLike[str], *, leaf_shift: int = 14, salt: int = DEFAULT_SALT, txgs: int = 0
) -> Program:
    """The program of a log; the next txg is opened `txgs` times, evenly spread.

    Raises SyntaxProblem for a file that cannot be read, that is no log of strace, or that changes no
    directory.
    """
    source = os.fspath(log)
    reader, tree = _Reader(), _Tree()
    try:
        with open(log, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_LOG:
                raise SyntaxProblem(source, 0, 0, f"at most {MAX_LOG} bytes", str(size))
            while line := file.readline(MAX_LINE):
                for event in reader.events(line):
                    tree.add(event)
    except (OSError, ValueError) as error:
        if isinstance(error, SyntaxProblem):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise SyntaxProblem(source, 0, 0, "a file that can be read", reason) from None
    if not reader.calls:
        raise SyntaxProblem(source, 0, 0, "a log of `strace -f`", "no call in it")
    if not tree.ops:
        raise SyntaxProblem(source, 0, 0, "a call that changes a directory", "none")
    ops = tree.before + tree.ops
    if len(ops) + txgs > MAX_OPS:
        raise SyntaxProblem(source, 0, 0, f"at most {MAX_OPS} ops", str(len(ops) + txgs))
    names = _shared(ops)
    ops = [op._replace(subject=names[op.subject], other=names.get(op.other, "")) for op in ops]
    zaps = [
        Zap(name, fat=False, leaf_shift=leaf_shift, salt=salt)
        for name in sorted(set(names.values()), key=lambda name: (name == "rest", len(name), name))
    ]
    for step in range(txgs, 0, -1):
        ops.insert(step * len(ops) // (txgs + 1), Op("txg"))
    return Program(tuple(zaps), tuple(ops))
