"""The directories that a trace speaks of, as far as it tells: what is in them, and the ops that made it so.

A directory is a node, whatever its path is: a rename moves the node. Names that are removed without having
been created were there before the log, and are created first.
"""

from __future__ import annotations

from fuzz.language.program import Op
from zapcore.directory import KIND_SHIFT
from zapcore.zap.norm import Unmappable, normalize

LONGEST_NAME = 1040
DIRECTORY, FILE, LINK, WHITEOUT = 4, 8, 10, 2
"""Types of entries (DT_DIR, DT_REG, DT_LNK, DT_CHR)."""


class Node:
    """A file or directory. `made` says that the log made it: then it knows all of its names. `shown` that an
    op has made its own entry. Names of one file (hard links) have the same `file`."""

    __slots__ = ("children", "file", "inode", "kind", "made", "name", "parent", "shown", "zap")

    def __init__(self, parent: Node | None, name: bytes, kind: int, made: bool) -> None:
        self.parent = parent
        self.name = name
        self.kind = kind
        self.made = made
        self.shown = made
        self.inode = 0
        self.zap = ""
        self.file: object = self
        self.children: dict[bytes, Node | None] = {}


class Place:
    """Where a path leads: a directory, and a name in it."""

    __slots__ = ("directory", "name")

    def __init__(self, directory: Node, name: bytes) -> None:
        self.directory = directory
        self.name = name


class Tree:
    """Turns what a log says into ops. `before` come first; `notes` are (index into `ops`, text)."""

    def __init__(self, norm: int = 0) -> None:
        self.norm = norm
        self.root = Node(None, b"", DIRECTORY, False)
        self.here = Node(None, b"", DIRECTORY, False)
        self.before: list[Op] = []
        self.ops: list[Op] = []
        self.notes: list[tuple[int, str]] = []
        self.inode = 0
        self.zaps = 0
        self.freed: list[str] = []
        self.cut: dict[tuple[int, bytes], list[bytes]] = {}
        self.followed: dict[Node, bytes] = {}

    def note(self, line: int, text: str) -> None:
        """Say what cannot be known."""
        self.notes.append((len(self.ops), f"line {line}: {text}"))

    def form(self, name: bytes) -> bytes:
        """What names that are alike in these directories have in common."""
        if not self.norm:
            return name
        try:
            return normalize(name, self.norm, 1 << 12)
        except Unmappable:
            return name

    def zap_of(self, node: Node) -> str:
        """The ZAP of a directory."""
        if not node.zap:
            node.zap = f"d{self.zaps}"
            self.zaps += 1
        return node.zap

    def walk(self, base: Node, path: bytes) -> Place | None:
        """Where a path leads; None for one that names no entry (`/`, `.`, `..`)."""
        node = self.root if path.startswith(b"/") else base
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if not parts or parts[-1] == b"..":
            return None
        for part in parts[:-1]:
            node = self.step(node, part)
        return Place(node, parts[-1])

    def directory(self, base: Node, path: bytes) -> Node:
        """The directory that a path leads to."""
        node = self.root if path.startswith(b"/") else base
        for part in path.split(b"/"):
            if part not in (b"", b"."):
                node = self.step(node, part)
        return node

    def is_at(self, node: Node, path: bytes, line: int) -> Node:
        """What a process learns of where it is; the directory that the log began in is put there."""
        if node is not self.here or node.parent is not None:
            return node
        place = self.walk(self.root, path)
        known = self.root if place is None else place.directory.children.get(self.form(place.name))
        if known is None and place is not None:
            self.put(node, place)
        elif known is not None and not (node.children or node.zap):
            return known
        else:
            self.note(line, f"{path!r} is where the log began, and was spoken of as another directory before")
        return node

    def step(self, node: Node, part: bytes) -> Node:
        if part == b"..":
            if node.parent is None and node is not self.root:
                node.parent = Node(None, b"", DIRECTORY, False)
            return node.parent or node
        form = self.form(part)
        child = node.children.get(form)
        if child is not None and child.kind == LINK:
            self.follow(child)  # stands for the directory that it leads to
        elif child is None or child.kind != DIRECTORY:
            child = node.children[form] = Node(node, part, DIRECTORY, False)
        return child

    def follow(self, link: Node) -> None:
        """A call goes on behind a symbolic link."""
        self.followed.setdefault(link, link.name)

    def there(self, place: Place, kind: int, line: int) -> Node:
        """The node of a name that must be there; if nothing made it, it was there before the log."""
        form = self.form(place.name)
        known = place.directory.children.get(form)
        if known is None:
            never = form in place.directory.children or place.directory.made
            known = Node(place.directory, place.name, kind, False)
            place.directory.children[form] = known
            if never:
                self.note(line, f"{place.name!r} is used, and the log does not say who made it")
                self.ops.append(self.made(known))
                return known
        if not known.shown:
            self.before.append(self.made(known))
        return known

    def made(self, node: Node) -> Op:
        """The op that creates a node's entry."""
        assert node.parent is not None
        self.inode += 1
        node.inode, node.shown = self.inode, True
        verb = "mkdir" if node.kind == DIRECTORY else "touch"
        return Op(verb, self.zap_of(node.parent), node.name, fill=node.inode)

    def create(self, place: Place, kind: int, line: int) -> None:
        """A new entry; nothing for a file that is opened again. A directory that calls looked for something
        in, and that no op has shown, was not there before."""
        form = self.form(place.name)
        node = place.directory.children.get(form)
        if node is not None and (kind != DIRECTORY or node.kind != DIRECTORY or node.shown or node.zap):
            if kind == DIRECTORY:
                self.note(line, f"{place.name!r} was there when it was made: who removed it is not shown")
            return
        if node is None:
            node = place.directory.children[form] = Node(place.directory, place.name, kind, True)
        node.made = True
        self.ops.append(self.made(node))
        if kind == DIRECTORY and self.freed:
            node.zap = self.freed.pop()
            self.ops.append(Op("create", node.zap))

    def link(self, source: Place | None, place: Place, line: int) -> None:
        """Another name of a file, which may have been there before the log."""
        self.create(place, FILE, line)
        node = place.directory.children[self.form(place.name)]
        if source is None or node is None:
            return
        form, names = self.form(source.name), source.directory.children
        if form not in names and not source.directory.made:
            names[form] = Node(source.directory, source.name, FILE, False)
        if (known := names.get(form)) is not None:
            node.file = known.file

    def remove(self, place: Place, kind: int, line: int) -> None:
        """An entry goes; a directory's own ZAP with it."""
        node = self.there(place, kind, line)
        verb = "rmdir" if node.kind == DIRECTORY else "unlink"
        self.ops.append(Op(verb, self.zap_of(place.directory), node.name))
        self.gone(node)
        place.directory.children[self.form(place.name)] = None

    def gone(self, node: Node) -> None:
        if node.kind == DIRECTORY and node.zap:
            self.ops.append(Op("destroy", node.zap))
            self.freed.append(node.zap)
            node.zap = ""

    def rename(self, old: Place, new: Place, line: int) -> bool:
        """A rename, with everything below a directory. It does nothing, and says so, if both are names of one
        file."""
        node = self.there(old, FILE, line)
        replaced = new.directory.children.get(self.form(new.name))
        if replaced is not None and replaced.file is node.file:
            return False
        source, target = self.zap_of(old.directory), self.zap_of(new.directory)
        self.ops.append(Op("rename", source, node.name, other=target, to=new.name))
        if replaced is not None:
            self.gone(replaced)
        old.directory.children[self.form(old.name)] = None
        self.put(node, new)
        return True

    def put(self, node: Node, place: Place) -> None:
        node.parent, node.name = place.directory, place.name
        place.directory.children[self.form(place.name)] = node

    def exchange(self, old: Place, new: Place, line: int) -> None:
        """Two names change places (RENAME_EXCHANGE): both entries go, and come again as each other."""
        one, other = self.there(old, FILE, line), self.there(new, FILE, line)
        for node in (one, other):
            assert node.parent is not None
            self.ops.append(Op("remove", self.zap_of(node.parent), node.name))
        self.put(one, new)
        self.put(other, old)
        for node in (one, other):
            assert node.parent is not None
            value = node.kind << KIND_SHIFT | node.inode
            self.ops.append(Op("add", self.zap_of(node.parent), node.name, 8, 1, value))

    def whiteout(self, place: Place) -> None:
        """What RENAME_WHITEOUT leaves behind: a device's entry."""
        node = place.directory.children[self.form(place.name)] = Node(place.directory, place.name, FILE, True)
        self.inode += 1
        node.inode = self.inode
        value = WHITEOUT << KIND_SHIFT | node.inode
        self.ops.append(Op("add", self.zap_of(place.directory), place.name, 8, 1, value))

    def failed(self, verb: str, place: Place, error: str, line: int) -> None:
        """A call that failed by what is in the directory: the op fails as well, and changes nothing."""
        form = self.form(place.name)
        known = place.directory.children.get(form)
        if error == "EEXIST":
            self.there(place, DIRECTORY if verb == "mkdir" else FILE, line)
        elif error == "ENOENT":
            if known is not None and known.shown:
                self.note(line, f"{place.name!r} is not found (ENOENT), and was made before")
            place.directory.children.setdefault(form, None)
        else:
            self.note(line, f"{verb} of {place.name!r} failed with {error}")
            if verb in ("touch", "mkdir") and error != "ENAMETOOLONG" and known is None:
                self.create(place, DIRECTORY if verb == "mkdir" else FILE, line)
                return
        self.inode += verb in ("touch", "mkdir")
        fill = self.inode if verb in ("touch", "mkdir") else 0
        self.ops.append(Op(verb, self.zap_of(place.directory), place.name, fill=fill))

    def looked_up(self, place: Place) -> None:
        """An op that looks a name up, as a call does before it finds that it cannot do what it should."""
        zap = self.zap_of(place.directory)
        if self.norm:
            self.ops.append(Op("lookup_norm", zap, place.name, 8, 1, extra=1))
        else:
            self.ops.append(Op("contains", zap, place.name))

    def missed(self, place: Place, line: int) -> None:
        """A name that was looked for in vain."""
        known = place.directory.children.setdefault(self.form(place.name), None)
        if known is not None and known.shown:
            self.note(line, f"{place.name!r} is not found (ENOENT), and was made before")
        self.looked_up(place)

    def not_empty(self, place: Place, line: int) -> None:
        """A directory that rmdir() does not take: only what is in it says so."""
        node = self.there(place, DIRECTORY, line)
        empty = node.made and not any(node.children.values())
        self.note(
            line,
            f"rmdir of {place.name!r} failed with ENOTEMPTY"
            + (", and the log left nothing in it" if empty else ""),
        )
        self.looked_up(place)

    def whole_name(self, place: Place, creates: bool, line: int) -> Place:
        """A name of which the trace shows only the beginning: each that is created counts as another one, and
        what is removed as the oldest of them."""
        key = id(place.directory), place.name
        names = self.cut.setdefault(key, [])
        if not names:
            self.note(
                line, f"only the beginning of {place.name!r} is shown: `strace -s 4096` shows names whole"
            )
        if creates or not names:
            names.append(place.name + b"...%d" % (len(names) + 1))
            return Place(place.directory, names[-1])
        present = [name for name in names if place.directory.children.get(self.form(name)) is not None]
        return Place(place.directory, (present or names)[0])
