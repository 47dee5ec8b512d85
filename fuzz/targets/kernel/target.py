"""A real kernel module as a target: programs of file operations, done by a plain user in a guest.

What can be seen from outside is judged: errno, names (as a set: the salt is the kernel's own, so their order
is), and after the last op what is there when the pool was exported and imported again. Blocks cannot be had.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Iterator, Sequence

from fuzz.execution.execute import run_far
from fuzz.execution.result import DONE, Forgive, Outcome, Result
from fuzz.judge.keys import hash_of, hashing
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Op, Program
from fuzz.targets.base import Target
from fuzz.targets.kernel import console
from fuzz.targets.kernel.guest import LONG, PLAIN, POOL, Dead, Guest, Silent
from fuzz.targets.kernel.initramfs import KEY
from fuzz.targets.kernel.locate import SHIPPED, find_parts
from fuzz.targets.kernel.plain_files import (
    LETTERS,
    OWNING,
    dataset_words,
    has_long_names,
    pack,
    pack_open,
    projects_of,
    slots_of,
    why_not_files,
)
from fuzz.targets.kernel.qemu import GuestGone
from zapcore.errors import LimitExceeded
from zapcore.release import the_release

DEADLINE_SECONDS = 120.0
"""How long one op may take. The guest's own watchdogs come first: a soft lockup after 8 seconds, a hung task
after 40."""
ROOT_SECONDS = 120.0
"""How long a command of root's may take, such as an import."""
FEW_SECONDS = 3.0


class KernelTarget(Target):
    """Programs in a guest with the modules of a release (`2.3`, or an OpenZFS version) in one of two builds,
    or with the user's own. `thorough` looks again at everything after an export and import.

    Raises NoKernel where the guest cannot be had, when it is first needed.
    """

    def __init__(
        self, release: str = "2.3", build: str = SHIPPED, modules: str | None = None, *, thorough: bool = True
    ) -> None:
        self.parts = find_parts(release, build, modules)
        self.name = f"kernel {self.parts.version} {self.parts.modules.name}"
        self.release = the_release(self.parts.version)
        self.thorough = thorough
        self._guest: Guest | None = None
        self._program: Program | None = None
        self.directories: dict[str, int] = {}
        self.slots: dict[str, int] = {}
        self.datasets: dict[str, str] = {}

    # What every target offers

    def begin(self, program: Program) -> None:
        """A guest as it was saved, with an empty directory for each ZAP. Raises LimitExceeded where the
        program is not one of file operations, Failure, NoKernel."""
        if (why := why_not_files(program)) is not None:
            raise LimitExceeded(f"not a plain user's file operations: {why}")
        if self._guest is None:
            self._guest = Guest(self.parts)
        self._guest.fresh()
        self._program, self._at = program, -1
        self.slots = slots_of(program)
        self.directories = {zap.name: self.slots[zap.name] for zap in program.zaps}
        self.datasets = {}
        with self.failing(Op("begin")):
            self._make_datasets(program)
            self.open_pool()
            paths = (self.path_of(zap.name)[len(POOL) + 2 :] for zap in program.zaps)
            made = b"".join(b"m" + pack_open(0, path)[1:] for path in paths)
            self._ask(made, len(program.zaps))
            self.open_directories()

    def apply(self, op: Op) -> Result:
        """Run one op. Raises Failure."""
        return next(self._apply((op,)))

    def blocks(self, zap: str) -> list[bytes] | None:
        """Cannot be had from outside."""
        return None

    def end(self) -> None:
        """Look at what is there after an export and an import, if `thorough`. Raises Failure."""
        if self._program is not None and self.thorough:
            self._look_again()

    # Whole programs

    def run_program(self, program: Program) -> list[Result]:
        """Begin, run every op and end. Raises Failure (with its op), LimitExceeded."""
        self.begin(program)
        results = list(self._apply(program.ops))
        self._at = len(program.ops)
        self.end()
        return results

    def run_at_once(self, program: Program, judge: bool, forgive: Forgive | None) -> Outcome:
        """Run a program's operations in batches, and judge the answers afterwards."""
        return run_far(program, self, self.run_program, judge, forgive)

    def dbufs(self, zap: str) -> bytes:
        """Nothing: a plain user sees no dbuf."""
        return b""

    def block_tree(self, zap: str) -> bytes:
        """Nothing: a plain user sees no block pointer."""
        return b""

    def close(self) -> None:
        """End the guest."""
        if self._guest is not None:
            self._guest.close()
            self._guest = None

    @property
    def guest(self) -> Guest:
        """The guest of the program that runs."""
        assert self._guest is not None, "begin a program first"
        return self._guest

    def _make_datasets(self, program: Program) -> None:
        """A file system for each set of properties that the program's directories declare."""
        default = LONG if has_long_names(program) else PLAIN
        known = {(): PLAIN, ("longname=on",): LONG}
        for zap in program.zaps:
            words = dataset_words(zap)
            if words not in known:
                name = known[words] = f"{POOL}/made{len(known)}"
                told = [word for word in words if not word.startswith("longname=")]
                if any(word.startswith("encryption=") for word in words):
                    told += ["keyformat=raw", f"keylocation=file:///{KEY}"]
                self.as_root("/sbin/zfs", "create", *(part for word in told for part in ("-o", word)), name)
                # Not with the rest: of one that is encrypted and not mounted 2.4.4 says EACCES then, as its
                # zfsvfs_create_hold() holds the object set without the key (commit eb0c674c2a).
                if self.release.long_names and "longname=on" in words:
                    self.as_root("/sbin/zfs", "set", "longname=on", name)
                self.as_root("/bin/chown", "1000:1000", f"/{name}")
            self.datasets[zap.name] = known[words] if zap.dataset is not None else default

    def path_of(self, zap: str) -> bytes:
        """Where a directory of the program is in the guest."""
        return f"/{self.datasets[zap]}/{zap}".encode()

    def _apply(self, ops: Sequence[Op]) -> Iterator[Result]:
        """Runs of the user's ops go in one batch; time is root's."""
        for users, group in itertools.groupby(ops, key=lambda op: op.verb in LETTERS):
            batch = list(group)
            if not users:
                for op in batch:
                    self._at += 1
                    with self.failing(op):
                        self._move_time(op)
                    yield DONE
                continue
            with self.failing(batch[0]):
                self.guest.start_batch(b"".join(pack(op, self.slots) for op in batch))
            for op in batch:
                self._at += 1
                with self.failing(op):
                    code, data = self.guest.user_answer(DEADLINE_SECONDS)
                yield self._result(op, code, data)

    def _result(self, op: Op, code: int, data: bytes) -> Result:
        """An answer in the words that all targets share."""
        if op.verb == "unlink" and code == errno.EISDIR:
            return Result(errno.EPERM)  # Linux asks before zfs_remove() can
        if op.verb in OWNING and not code:
            return Result(0, int.from_bytes(data, "little"))
        if op.verb != "readdir" or code:
            return Result(code)
        assert self._program is not None
        header = next(zap for zap in self._program.zaps if zap.name == op.subject)
        names = sorted(data.split(b"\0")[:-1], key=lambda name: hash_of(name, hashing(header)))
        return Result(0, b"".join(name + b"\0" for name in names))

    def answers(self, body: bytes, count: int) -> list[tuple[int, bytes]]:
        """What each of a batch of the user's operations came to. Raises Dead, Silent, GuestGone."""
        self.guest.start_batch(body)
        return [self.guest.user_answer(DEADLINE_SECONDS) for _ in range(count)]

    def _ask(self, body: bytes, count: int) -> list[tuple[int, bytes]]:
        """A batch of the user's that must not fail, and its answers."""
        answers = self.answers(body, count)
        for code, _ in answers:
            if code:
                raise GuestGone(f"the guest's user is refused: {errno.errorcode.get(code, code)}")
        return answers

    def open_pool(self) -> None:
        self._ask(pack_open(0, f"/{POOL}".encode()), 1)

    def open_directories(self) -> None:
        opens = (pack_open(slot, self.path_of(name)) for name, slot in self.directories.items())
        self._ask(b"".join(opens), len(self.directories))

    def _close_directories(self) -> None:
        slots = [0, *self.directories.values()]
        self._ask(b"".join(pack_open(slot, b"/") for slot in slots), len(slots))

    def as_root(self, *words: str) -> str:
        code, text = self.guest.run(*words, seconds=ROOT_SECONDS)
        if code:
            raise GuestGone(f"{' '.join(words)}: {text.strip() or code}")
        return text

    def _move_time(self, op: Op) -> None:
        if op.verb in ("txg", "sync"):
            self.as_root("/sbin/zpool", "sync", POOL)
        elif op.verb == "evict":
            self.guest.write("/proc/sys/vm/drop_caches", b"2")
        elif op.verb == "reopen":
            self._reimport()

    def _reimport(self) -> None:
        self._close_directories()
        self.as_root("/sbin/zpool", "export", POOL)
        self.import_pool()
        self.open_pool()
        self.open_directories()

    def import_pool(self, *force: str) -> None:
        """Import it from its device, with the keys of what is encrypted."""
        self.as_root("/sbin/zpool", "import", "-l", *force, "-d", "/dev/vda1", "-o", "cachefile=none", POOL)

    def _look_again(self) -> None:
        """Names before and after the pool was away must be the same, and each must be found; a scrub finds no
        error."""
        op = Op("reopen")
        with self.failing(op):
            before = self.listed()
            if (wrong := self.scrubbed()) is not None:
                raise Failure(Signature("oracle", "zap:reopen", "a pool with errors after a scrub"), wrong)
            self._reimport()
            after = self.listed()
            for (name, slot), listed in zip(self.directories.items(), after, strict=True):
                asked = [pack(Op("contains", name, each), {name: slot}) for each in listed]
                self.guest.start_batch(b"".join(asked))
                codes = [self.guest.user_answer(DEADLINE_SECONDS)[0] for _ in asked]
                lost = sum(1 for code in codes if code)
                if lost:
                    raise _after_import(f"{lost} of {len(listed)} names of {name} are listed and not found")
            self._look_at_projects()
        for name, old, new in zip(self.directories, before, after, strict=True):
            if set(old) != set(new) or len(new) != len(set(new)):
                raise _after_import(f"{name} has other names than before: {len(old)} then, {len(new)} now")

    def _look_at_projects(self) -> None:
        """What the file system says that each project has must be what the user gave it."""
        assert self._program is not None
        for zap in self._program.zaps:
            if not zap.usage:
                continue
            words = ("/sbin/zfs", "projectspace", "-H", "-p", "-o", "name,objused", self.datasets[zap.name])
            lines = [line.split() for line in self.as_root(*words).splitlines()]
            told = {int(name): int(count) for name, count in lines if count.isdigit()}
            wanted = projects_of(self._program)
            wrong = [
                each for each in told.keys() | wanted.keys() if each and told.get(each, 0) != wanted[each]
            ]
            if wrong:
                raise _after_import(f"{len(wrong)} projects have other numbers of files than they should")

    def scrubbed(self) -> str | None:
        """What `zpool status` says after a scrub; None if all is well."""
        self.as_root("/sbin/zpool", "scrub", "-w", POOL)
        said = self.as_root("/sbin/zpool", "status", "-x")
        return None if "healthy" in said else self.as_root("/sbin/zpool", "status", "-v", POOL)

    def listed(self) -> list[list[bytes]]:
        answers = self._ask(
            b"".join(pack(Op("readdir", name), self.directories) for name in self.directories),
            len(self.directories),
        )
        return [data.split(b"\0")[:-1] for _, data in answers]

    @contextlib.contextmanager
    def failing(self, op: Op) -> Iterator[None]:
        """Turns a guest that died or hangs during an op into a Failure."""
        try:
            yield
        except Dead:
            raise console.failure_of(self.guest.console(), op.verb, self._at) from None
        except Silent:
            self._show_blocked_tasks()
            raise console.silence_of(self.guest.console(), op.verb, self._at) from None
        except GuestGone as gone:
            text = f"{op.verb}: {gone}"
            raise Failure(Signature("guest", f"?:{op.verb}", "the guest goes on"), text, self._at) from None

    def _show_blocked_tasks(self) -> None:
        """Ask the kernel for the stacks of who sleeps and of who runs; a guest that spins does not answer."""
        with contextlib.suppress(Silent, Dead, GuestGone):
            for letter in (b"w", b"l"):
                self.guest.root(b"w/proc/sysrq-trigger\0" + letter, FEW_SECONDS)


def _after_import(text: str) -> Failure:
    return Failure(Signature("oracle", "zap:reopen", "other names after an import"), text)
