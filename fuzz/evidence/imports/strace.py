"""Programs from what strace or truss saw: the file operations of a log of `strace -f`, as ops on directories.

Each directory that a name is created in, removed from or renamed in becomes a ZAP. What is removed or renamed
without having been created in the log was there before it began, and is created first. Calls that failed by
what is in a directory are kept. What the log does not tell stands in the program as a comment, with its line.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Mapping

from fuzz.evidence.imports.call import Begun, Call, Ended
from fuzz.evidence.imports.dataset import PLAIN, Properties
from fuzz.evidence.imports.trace_lines import FORKS, LineReader, forks_of, string_of, unescaped
from fuzz.evidence.imports.traced_program import traced_program
from fuzz.evidence.imports.traced_tree import DIRECTORY, FILE, LINK, LONGEST_NAME, Node, Place, Tree
from fuzz.language.program import DEFAULT_SALT, Op, Program
from fuzz.language.syntax import SyntaxProblem
from fuzz.language.validate import MAX_OPS

MAX_LOG = 1 << 28
MAX_LINE = 1 << 16

_FD = re.compile(rb"(AT_FDCWD|-?\d{1,10}(?!\d))(?:<([^>]*)>)?")
_KEPT = ("EEXIST", "ENOENT", "ENOTDIR", "EISDIR", "EPERM", "ENOSPC", "EIO", "ENAMETOOLONG", "ENOTEMPTY")
"""Errors that come of what is in a directory, and that a model may give as well."""

PATHS: dict[bytes, tuple[str, tuple[int, ...], bool]] = {
    b"open": ("open", (0,), False),
    b"openat": ("open", (1,), True),
    b"openat2": ("open", (1,), True),
    b"creat": ("touch", (0,), False),
    b"mknod": ("touch", (0,), False),
    b"mknodat": ("touch", (1,), True),
    b"mkfifo": ("touch", (0,), False),
    b"link": ("touch", (1,), False),
    b"linkat": ("touch", (3,), True),
    b"symlink": ("touch", (1,), False),
    b"symlinkat": ("touch", (2,), True),
    b"mkdir": ("mkdir", (0,), False),
    b"mkdirat": ("mkdir", (1,), True),
    b"unlink": ("unlink", (0,), False),
    b"unlinkat": ("unlink", (1,), True),
    b"funlinkat": ("unlink", (1,), True),
    b"rmdir": ("rmdir", (0,), False),
    b"rename": ("rename", (0, 1), False),
    b"renameat": ("rename", (1, 3), True),
    b"renameat2": ("rename", (1, 3), True),
}
"""What each call of the log does, which of its arguments are paths, and whether a descriptor comes before."""
_NOT_OF_PATHS = (b"close", b"fchdir", b"dup", b"dup2", b"fcntl", b"clone", b"clone3", b"fork", b"vfork")
"""Some are in every log that shows more than calls with paths."""
_ONLY_PATHS = (
    "of directories that are opened the log does not show what they are used for (fchdir, dup, fork, close): "
    "names may be in others; `strace -f -e trace=file,desc,process` or `-y` shows it"
)


class _Directory:
    """The working directory of processes that share it (CLONE_FS)."""

    def __init__(self, node: Node) -> None:
        self.node = node


class _Process:
    """What paths and descriptors mean in a process; other threads may share either."""

    def __init__(self, cwd: _Directory, fds: dict[int, Node | Place]) -> None:
        self.cwd = cwd
        self.fds = fds

    def child(self, flags: bytes) -> _Process:
        cwd = self.cwd if b"CLONE_FS" in flags else _Directory(self.cwd.node)
        return _Process(cwd, self.fds if b"CLONE_FILES" in flags else dict(self.fds))


class _Reader:
    """Reads a log line by line into a tree."""

    def __init__(self, norm: int, forks: Mapping[bytes, deque[tuple[bytes, bytes]]]) -> None:
        """`forks` says of each child which parents it had, one after the other, and by which flags
        (`forks_of`)."""
        self.forks = forks
        self.tree = Tree(norm)
        self.lines = LineReader()
        self.processes: dict[bytes, _Process] = {}
        self.forking: list[tuple[bytes, bytes]] = []
        self.closing: set[bytes] = set()
        self.told_links = 0
        self.guessed = 0
        self.tells = False
        self.line = self.calls = 0

    def process(self, pid: bytes) -> _Process:
        """A process by its number; a new one is the child of the fork that returns it later, or, where the
        log ends before, of one that has not returned yet."""
        known = self.processes.get(pid)
        if known is None:
            if self.forks.get(pid):
                known = self.of_fork(pid)
            elif self.forking:
                parent, flags = self.forking.pop(0)
                known = self.processes[parent].child(flags)
            elif self.processes:
                self.tree.note(
                    self.line, f"process {pid.decode()} was there before the log: where, is not known"
                )
                known = _Process(_Directory(self.tree.here), {})
            else:
                known = _Process(_Directory(self.tree.here), {})
            self.processes[pid] = known
        return known

    def of_fork(self, pid: bytes) -> _Process:
        """A process that is heard of before its fork, of parents that may be so, too."""
        chain = []
        while pid not in self.processes and self.forks.get(pid):
            parent, flags = self.forks[pid].popleft()
            self.forking = [each for each in self.forking if each[0] != parent]
            chain.append((pid, flags))
            pid = parent
        known = self.processes.get(pid) or self.process(pid)
        for child, flags in reversed(chain):
            known = self.processes[child] = known.child(flags)
        return known

    def read(self, line: bytes) -> None:
        """Take a line."""
        self.line += 1
        call = self.lines.read(line)
        if call is None:
            return
        if isinstance(call, Ended):
            self.processes.pop(call.pid, None)  # another one may get its number
            return
        process = self.process(call.pid)
        if isinstance(call, Begun):
            if call.name in FORKS:
                self.forking.append((call.pid, call.text))
            elif call.name == b"close":
                # its number is free from here on: another thread may get it before this call is seen to end
                process.fds.pop(_number([call.text]), None)
                self.closing.add(call.pid)
            return
        self.calls += 1
        self.tells = self.tells or call.name in _NOT_OF_PATHS
        if call.name == b"close" and call.pid in self.closing:
            self.closing.discard(call.pid)
        elif call.name in FORKS:
            self.fork(process, call)
        elif call.name in PATHS:
            self.on_paths(process, call)
        elif call.result is not None and call.result >= 0:
            self.on_descriptors(process, call)

    def fork(self, process: _Process, call: Call) -> None:
        if call.result is None or call.result <= 0:
            return
        child = b"%d" % call.result
        flags = b" ".join(call.arguments)
        if child not in self.processes:
            self.processes[child] = process.child(flags)
            if self.forks.get(child):
                self.forks[child].popleft()
        self.forking = [each for each in self.forking if each[0] != call.pid]

    def on_descriptors(self, process: _Process, call: Call) -> None:
        """Calls that change what descriptors and relative paths mean."""
        arguments, result = call.arguments, call.result or 0
        number = _number(arguments)
        if number >= 0 and b"<" in arguments[0]:
            self.node_of(process, arguments[0])  # learns where it is
        if call.name == b"chdir" and arguments and (path := string_of(arguments[0])):
            process.cwd.node = self.tree.directory(process.cwd.node, path[0])
        elif call.name == b"fchdir":
            process.cwd.node = self.node_of(process, arguments[0])
        elif call.name == b"close":
            process.fds.pop(number, None)
        elif call.name in (b"getcwd", b"__getcwd") and arguments and (path := string_of(arguments[0])):
            process.cwd.node = self.tree.is_at(process.cwd.node, path[0], self.line)
        elif call.name == b"unshare":
            flags = b" ".join(arguments)
            if b"CLONE_FS" in flags:
                process.cwd = _Directory(process.cwd.node)
            if b"CLONE_FILES" in flags:
                process.fds = dict(process.fds)
        elif call.name in (b"dup", b"dup2", b"dup3") or b"F_DUPFD" in b" ".join(arguments[1:2]):
            if number in process.fds:
                process.fds[result] = process.fds[number]
            else:
                process.fds.pop(result, None)

    def node_of(self, process: _Process, argument: bytes) -> Node:
        """The directory of a descriptor; `strace -y` may say its path."""
        match = _FD.match(argument)
        if match is None:
            return process.cwd.node
        path = unescaped(match[2]) if match[2] else b""
        found = process.cwd.node if match[1] == b"AT_FDCWD" else process.fds.get(int(match[1]))
        known = self.tree.step(found.directory, found.name) if isinstance(found, Place) else found
        if path.startswith(b"/") and (known is None or known is self.tree.here):
            known = self.tree.directory(self.tree.root, path)
            if match[1] == b"AT_FDCWD":
                process.cwd.node = known
            else:
                process.fds[int(match[1])] = known
        if known is None:
            how = "procstat -f PID" if self.lines.truss else "strace -y"
            self.tree.note(
                self.line, f"descriptor {int(match[1])} was opened before the log: `{how}` names it"
            )
            known = process.fds[int(match[1])] = Node(None, b"", DIRECTORY, False)
        return known

    def place(self, process: _Process, call: Call, index: int, at: bool, creates: bool) -> Place | None:
        """Where one of a call's paths leads; None if it has none there that names an entry."""
        if index >= len(call.arguments):
            return None
        text = string_of(call.arguments[index])
        if text is None:
            return None
        path, cut = text
        base = process.cwd.node
        if at and not path.startswith(b"/"):
            base = self.node_of(process, call.arguments[index - 1])
        elif at and b"<" in call.arguments[index - 1]:
            self.node_of(process, call.arguments[index - 1])  # learns where it is
        place = self.tree.walk(base, path)
        if place is None or len(place.name) > LONGEST_NAME:
            return None
        return self.tree.whole_name(place, creates, self.line) if cut else place

    def on_paths(self, process: _Process, call: Call) -> None:
        """Calls on names."""
        verb, indexes, at = PATHS[call.name]
        flags = b" ".join(call.arguments[indexes[-1] + 1 :])
        good = call.result is not None and call.result >= 0
        makes = verb in ("touch", "mkdir") or (verb == "open" and b"O_CREAT" in flags)
        if verb == "unlink" and b"AT_REMOVEDIR" in flags:
            verb = "rmdir"
        if not good and call.error not in _KEPT:
            return
        if any(
            not argument.startswith(b'"')
            for index in indexes
            for argument in call.arguments[index : index + 1]
        ):
            if verb != "open" or makes:
                self.tree.note(self.line, f"{call.name.decode()} does not show its path, and is left out")
            return
        places = [self.place(process, call, index, at, makes and good) for index in indexes]
        first = places[0]
        if verb == "open" and good and b"O_EXCL" not in flags and b"O_NOFOLLOW" not in flags and first:
            known = first.directory.children.get(self.tree.form(first.name))
            if known is not None and known.kind == LINK:
                self.tree.follow(known)
        self.links()
        if verb == "open" and good:
            self.opened(process, call, indexes[0], at)
        if first is None or None in places:
            return
        if not good:
            self.failed(verb, call, first, places[-1] or first, flags)
        elif makes and b"O_TMPFILE" not in flags:
            if call.name in (b"link", b"linkat"):
                self.tree.link(self.place(process, call, int(at), at, False), first, self.line)
            else:
                kind = LINK if call.name.startswith(b"symlink") else FILE
                self.tree.create(first, DIRECTORY if verb == "mkdir" else kind, self.line)
        elif verb in ("unlink", "rmdir"):
            self.tree.remove(first, DIRECTORY if verb == "rmdir" else FILE, self.line)
        elif verb == "rename" and places[-1] is not None:
            if b"RENAME_EXCHANGE" in flags:
                self.tree.exchange(first, places[-1], self.line)
            else:
                done = self.tree.rename(first, places[-1], self.line)
                if done and b"RENAME_WHITEOUT" in flags:
                    self.tree.whiteout(first)

    def links(self) -> None:
        """Say once of each symbolic link that a call went through it."""
        for name in list(self.tree.followed.values())[self.told_links :]:
            self.told_links += 1
            self.tree.note(
                self.line,
                f"{name!r} is a symbolic link, which is not followed: what is behind it is "
                "taken for something of its own",
            )

    def failed(self, verb: str, call: Call, first: Place, last: Place, flags: bytes) -> None:
        """Keep a call that failed, as the op that fails in the same way; or say why not."""
        if verb == "rename":
            if call.error in ("EEXIST", "ENOTEMPTY"):
                for place in (first, last):
                    self.tree.there(place, FILE, self.line)
                    self.tree.looked_up(place)
                if call.error == "ENOTEMPTY":
                    self.tree.note(
                        self.line, f"{last.name!r} is not empty (ENOTEMPTY) when it is renamed onto"
                    )
            elif call.error == "ENOENT" and b"RENAME_" not in flags:
                known = first.directory.children.get(self.tree.form(first.name))
                if known is not None and known.shown:
                    self.tree.note(self.line, f"{first.name!r} is not found (ENOENT), and was made before")
                source, target = self.tree.zap_of(first.directory), self.tree.zap_of(last.directory)
                self.tree.ops.append(Op("rename", source, first.name, other=target, to=last.name))
            else:
                self.tree.note(self.line, f"a rename that failed with {call.error} is left out")
            return
        if verb == "open" and b"O_CREAT" not in flags:
            # ordinary programs look in vain in many places: what is told is of directories that change
            if call.error == "ENOENT" and first.directory.zap:
                self.tree.missed(first, self.line)
            return
        if verb == "open":
            verb = "touch"
            if call.error == "EEXIST" and b"O_EXCL" not in flags:
                return
        if verb == "touch" and call.error in ("EISDIR", "ENOTDIR", "ENOENT", "EPERM"):
            return
        if call.error == "ENOTEMPTY":
            self.tree.not_empty(first, self.line)
            return
        if verb == "mkdir" and call.error in ("ENOTDIR", "ENOENT", "EPERM"):
            return
        self.tree.failed(verb, first, call.error, self.line)

    def opened(self, process: _Process, call: Call, index: int, at: bool) -> None:
        """A descriptor may be of a directory: remember of which, if anything asks for it."""
        text = string_of(call.arguments[index]) if index < len(call.arguments) else None
        if text is None or call.result is None or text[1]:
            return
        if b"O_DIRECTORY" in b" ".join(call.arguments[index + 1 :]) and not call.path:
            self.guessed = self.guessed or self.line
        base = process.cwd.node
        if at and not text[0].startswith(b"/"):
            base = self.node_of(process, call.arguments[index - 1])
        place = self.tree.walk(base, text[0])
        known = None if place is None else place.directory.children.get(self.tree.form(place.name))
        flags = b" ".join(call.arguments[index + 1 :])
        if known is not None and known.kind != DIRECTORY:
            process.fds.pop(call.result, None)
        elif b"O_CREAT" not in flags and b"O_WRONLY" not in flags and b"O_RDWR" not in flags:
            if place is None or known is not None or b"O_DIRECTORY" in flags:
                process.fds[call.result] = self.tree.directory(base, text[0])
            else:
                process.fds[call.result] = place  # a directory only if a name is looked for in it
        else:
            process.fds.pop(call.result, None)


def _number(arguments: list[bytes]) -> int:
    """The descriptor that is the first argument, or -1."""
    found = _FD.match(arguments[0]) if arguments else None
    return int(found[1]) if found and found[1] != b"AT_FDCWD" else -1


def strace_program(
    log: str | os.PathLike[str],
    *,
    leaf_shift: int = 14,
    salt: int = DEFAULT_SALT,
    txgs: int = 0,
    properties: Properties = PLAIN,
) -> Program:
    """The program of a log; the next txg is opened `txgs` times, evenly spread. `properties` are those of the
    file system that the directories are in.

    Raises SyntaxProblem for a file that cannot be read, that is no log of strace or truss, or that changes no
    directory.
    """
    source = os.fspath(log)
    try:
        if "\0" in source:
            raise SyntaxProblem(source, 0, 0, "a path", "a NUL byte in it")
        with open(log, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_LOG:
                raise SyntaxProblem(source, 0, 0, f"at most {MAX_LOG} bytes", str(size))
            reader = _Reader(properties.same, forks_of(file))
            file.seek(0)
            while line := file.readline(MAX_LINE):
                reader.read(line)
    except OSError as error:
        raise SyntaxProblem(source, 0, 0, "a file that can be read", error.strerror or str(error)) from None
    tree = reader.tree
    if reader.guessed and not (reader.tells or reader.lines.truss):
        tree.notes.insert(0, (0, f"line {reader.guessed}: {_ONLY_PATHS}"))
    if not reader.calls:
        raise SyntaxProblem(source, 0, 0, "a log of `strace -f`", "no call in it")
    if not tree.ops:
        raise SyntaxProblem(source, 0, 0, "a call that changes a directory", "none")
    ops = tree.before + tree.ops
    if len(ops) + txgs > MAX_OPS:
        raise SyntaxProblem(source, 0, 0, f"at most {MAX_OPS} ops", str(len(ops) + txgs))
    return traced_program(ops, len(tree.before), tree.notes, txgs, leaf_shift, properties, salt)
