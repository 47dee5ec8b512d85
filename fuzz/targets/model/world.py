"""The model's world of one program: its objects and cursors, and what is asked of them. What each verb does
there is in `fuzz.targets.model.verbs`; programs with threads are run by `fuzz.targets.model.target`."""

from __future__ import annotations

import errno
import gc
import struct
from collections.abc import Callable, Iterable, Sequence
from types import MethodType

from fuzz.execution.result import Result
from fuzz.judge.oracle import Oracle
from fuzz.judge.signature import Failure
from fuzz.language.by_verb import ByVerb
from fuzz.language.program import OLD_MAX_BLOCK, Key, Op, Program, Zap
from fuzz.language.verb_sets import JOINS, TIME, key_of
from fuzz.targets.base import Target, pack_indirect
from fuzz.targets.endless_ops import WATCH
from fuzz.targets.panic_to_failure import after_failed_read, broken, failure_of
from zapcore import layout, zap
from zapcore.audit.auditor import Auditor
from zapcore.directory import Tree
from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.objset import DEFAULT_BYTE_LIMIT, Objset, Tx
from zapcore.errors import LimitExceeded, Panic, ZapErrno
from zapcore.release import Release, the_release
from zapcore.user_accounting import Accounting
from zapcore.work import Work

SMALL = 1 << 10
PATIENCE, LONG_PATIENCE = 3, 80
"""Ticks of the watch that an op may take on objects of at most SMALL blocks, and on larger ones: a second,
and twenty. The longest of 900 programs on small ones, an overfull micro ZAP's upgrade, took 0.065."""
HEAVY = 8 << 20
"""Bytes of an object that are not left to the garbage collector's leisure."""
EVERYWHERE = TIME | {"create", "claim", "create_link", "destroy", "fail", "heal"}
"""Verbs after which any dbuf may be another."""
WHOLE = JOINS | {"sync", "crash", "move", "create_link"}
"""Verbs after which every entry is looked at."""


def flags_of(header: Zap) -> int:
    """zap_flags_t of a header line; 0 for a micro ZAP."""
    return (
        layout.FLAG_HASH64 * header.hash64
        | layout.FLAG_UINT64_KEY * bool(header.words)
        | layout.FLAG_PRE_HASHED_KEY * header.prehashed
    )


HANDLERS: ByVerb[Callable[[ModelWorld, Op], Result]] = ByVerb("the model")
"""What each verb does on the model. Complete once `fuzz.targets.model.target` is imported."""


class OpenCursor:
    """A cursor of the program: where it stands, whose it is, and whether it has retrieved anything yet."""

    __slots__ = ("cursor", "fresh", "zap")

    def __init__(self, cursor: zap.Cursor, name: str) -> None:
        self.cursor = cursor
        self.zap = name
        self.fresh = True


class ModelWorld(Target):
    """Runs programs on the model of one release, without threads. Every run starts from an empty object set.
    `stale_bytes`:
    see `zapcore.dmu.objset.Objset`."""

    can_audit = True

    def __init__(
        self,
        release: str | Release = "2.3",
        *,
        block_limit: int = 1 << 14,
        byte_limit: int = DEFAULT_BYTE_LIMIT,
        stale_bytes: bool = True,
    ) -> None:
        self.release = the_release(release) if isinstance(release, str) else release
        self.name = f"model {self.release.name}"
        self.block_limit, self.byte_limit = block_limit, byte_limit
        self.stale_bytes = stale_bytes
        self.patience = PATIENCE if block_limit <= SMALL else LONG_PATIENCE
        self.handlers: dict[str, Callable[[Op], Result]] = {
            verb: MethodType(handler, self) for verb, handler in HANDLERS.items()
        }
        self.usual_handlers = self.handlers

    def begin(self, program: Program) -> None:
        """A new object set with the program's ZAPs in it."""
        WATCH.start()
        WATCH.patience = self.patience
        was_heavy = self._is_heavy()
        self.program = program
        self.objset = Objset(
            self.release,
            block_limit=self.block_limit,
            byte_limit=self.byte_limit,
            stale_bytes=self.stale_bytes,
        )
        self.headers = {header.name: header for header in program.zaps}
        self.numbers: dict[str, int] = {}
        self.names: dict[int, str] = {}
        """Of every object that there was, which ZAP of the header it is."""
        self.cursors: dict[str, OpenCursor] = {}
        self.auditor = Auditor(self.objset)
        if was_heavy:  # a world is full of cycles, and Python looks for old ones late
            gc.collect()
        self.handlers = self.usual_handlers
        self.failing: dict[str, dict[int | tuple[int, int], int]] = {}
        """Of each ZAP of which blocks fail to be read: these, and with which errno (`verbs.read_errors`)."""
        self.whole_handlers: dict[str, Callable[[Op], Result]] | None = None
        self.tree = Tree()
        self.accounting: Accounting | None = None
        if any(header.usage for header in program.zaps):
            self.begin_accounting(program.zaps)
        for header in program.zaps:
            if not header.usage:
                self.create_zap(header)
        self.early = False
        tasked = frozenset(header.name for header in program.zaps if header.mos)
        self.changes_in_sync = self.accounting is not None or bool(tasked)
        if tasked:
            self.begin_sync_tasks(tasked)
        if self.accounting is not None:
            self.numbers = {header.name: self.numbers[header.name] for header in program.zaps}

    def begin_accounting(self, headers: Sequence[Zap]) -> None:
        """Make the ZAPs of usage, of which a header line names one or more. `ModelTarget` can."""
        raise NotImplementedError

    def begin_sync_tasks(self, names: frozenset[str]) -> None:
        """Let these ZAPs be of the meta object set. `ModelTarget` can."""
        raise NotImplementedError

    def _is_heavy(self) -> bool:
        """Whether the world that was run last, if any, had an object of many bytes."""
        dnodes = self.objset.dnodes.values() if hasattr(self, "objset") else ()
        return any(dnode.max_blkid * dnode.block_size > HEAVY for dnode in dnodes)

    @property
    def work(self) -> Work:
        """What counts the work of ops since `begin`."""
        return self.objset.work

    def apply(self, op: Op) -> Result:
        """Run one op. Raises Failure when the world ended, or does not go on."""
        WATCH.serial += 1
        WATCH.verb = op.verb
        try:
            return self.handlers[op.verb](op)
        except ZapErrno as error:
            return Result(error.code)
        except Panic as panic:
            raise failure_of(panic, op.verb) from panic
        except (Failure, LimitExceeded):
            raise
        except Exception as error:
            raise broken(error) from error
        finally:
            WATCH.verb = ""

    def audit(self, op: Op, oracle: Oracle, before: Iterable[Op] = ()) -> None:
        """Check the invariants of the ZAPs that an op worked on, or of all after a txg op; after `sync`, all
        entries. `before` are ops that changed this ZAP before, each under a key of its own, and were not
        audited. Raises Failure."""
        held = sum([opened.cursor.holds for opened in self.cursors.values()]) if self.cursors else 0
        numbers = self.numbers
        key = key_of(op)
        keys: tuple[Key, ...] | None = () if key is None else (key,)
        name = op.other if op.verb in JOINS or op.subject not in numbers else op.subject
        names: Iterable[str] = (name,) if name in numbers else numbers
        if op.verb in WHOLE or (self.changes_in_sync and op.verb in TIME):
            keys = None
            if op.verb == "create_link":
                names = (op.subject, op.other)
        elif op.to is not None and op.key is not None:  # a rename, which may change two directories
            keys = (op.key, op.to)
            names = dict.fromkeys((op.subject, op.other))
        if before and keys is not None:
            keys = (*keys, *[each.key for each in before if each.key is not None])
        state = oracle.state
        everywhere = op.verb in EVERYWHERE
        try:
            for each in names:
                fat = state.fat[each]
                self.auditor.check(numbers[each], state.entries[each], held, keys, fat, everywhere)
        except Panic as panic:
            raise failure_of(after_failed_read(panic) if state.read_failed else panic) from panic

    def blocks(self, zap: str) -> list[bytes] | None:
        """Every block up to the last one that the object ever had, as bytes."""
        dnode = self.objset.dnodes.get(self.numbers[zap])
        if dnode is None or dnode.free_txg:
            return None
        return [dnode.peek(blkid) for blkid in range(dnode.max_blkid + 1)]

    def dbufs(self, zap: str) -> bytes:
        """How many hold each block's dbuf and whether it has user data: see `Target.dbufs`."""
        dnode = self.objset.dnodes.get(self.numbers[zap])
        if dnode is None or dnode.free_txg:
            return b""
        states = bytearray(2 * (dnode.max_blkid + 1))
        for blkid, dbuf in dnode.dbufs.items():
            if blkid <= dnode.max_blkid:
                states[2 * blkid] = min(len(dbuf.holds), 255)
                states[2 * blkid + 1] = dbuf.user is not None
        return bytes(states.rstrip(b"\0"))

    def block_tree(self, zap: str) -> bytes:
        """Levels, and the blocks on disk that are no holes: see `Target.block_tree`."""
        dnode = self.objset.dnodes.get(self.numbers[zap])
        if dnode is None or dnode.free_txg:
            return b""
        tree = struct.pack(f"<B{len(dnode.stable)}I", dnode.levels, *sorted(dnode.stable))
        return tree + self._indirect_blocks(dnode) if isinstance(dnode, IndirectDnode) else tree

    @staticmethod
    def _indirect_blocks(dnode: IndirectDnode) -> bytes:
        """Of each indirect block that is on disk or dirty: the level, the number, whether it is on disk, and
        in how many txgs it is dirty."""
        found = dict.fromkeys(dnode.pointers, (True, 0))
        for key, dbuf in dnode.indirect.items():
            if dbuf.dirty:
                found[key] = (key in found, len(dbuf.dirty))
        return b"".join(pack_indirect(*key, *found[key]) for key in sorted(found))

    def end(self) -> None:
        """Nothing outlives a world but the memory that Python takes back."""

    def create_zap(self, header: Zap) -> None:
        number = self.numbers[header.name] = zap.create(
            self.objset,
            self.objset.open_tx,
            salt=header.salt,
            flags=flags_of(header),
            norm=header.norm,
            block_shift=header.leaf_shift if header.fat else 0,
            number=self.numbers.get(header.name, 0),
            hash_bits=header.hash_bits,
            indirect_shift=header.indirect_shift,
        )
        self.names[number] = header.name
        if header.inode:
            self.tree.zaps[header.inode] = number
            self.tree.removed.discard(header.inode)

    def number_of(self, op: Op) -> int:
        """The object of an op, with the tunables as its header line says."""
        name = op.subject
        if not self.headers[name].fat:
            self.tune_for(name)
        return self.numbers[name]

    def tune_for(self, name: str) -> None:
        """Set the tunables that say how large a micro ZAP may be, and its blocks when it is made fat."""
        header = self.headers[name]
        if not header.fat:
            self.objset.fat_block_shift = header.leaf_shift
            self.objset.micro_max_size = header.micro_max or OLD_MAX_BLOCK

    def tx(self, number: int) -> Tx:
        """A transaction that may write a ZAP. It is the transaction that reads the header, where that is in
        no dbuf, and where there is no room before that is said (dmu_tx_hold_zap). Raises ENOENT, and what a
        read gives."""
        objset = self.objset
        if objset.full or 0 not in objset.dnode(number).dbufs:
            self.look_for_tx(number)
            objset.check_room()
        return objset.open_tx

    def look_for_tx(self, number: int) -> None:
        """Read the header for a modifying call that may look at nothing: its tx does (dmu_tx_hold_zap), and
        no other thread comes between. A sync task's holds nothing."""
        dnode = self.objset.dnode(number)
        if not dnode.mos:
            dnode.check_header()

    def is_micro(self, name: str) -> bool:
        """Whether a ZAP that is there is micro, as its callers know; one that is created fat is not. Raises
        the errno of a read that fails."""
        if self.headers[name].fat:
            return False
        header = self.objset.dnode(self.numbers[name]).hold(0, "dmu_read")
        block_type = header.buf.q[layout.Q_BLOCK_TYPE]
        header.rele("dmu_read")
        return block_type == layout.ZBT_MICRO

    def live(self, op: Op) -> int:
        """The object of an op, which may not ask for it itself. Raises ENOENT."""
        number = self.number_of(op)
        self.objset.dnode(number)
        return number

    def named(self, op: Op, name: str = "") -> int:
        """The object of an op that OpenZFS has for names only. Raises ENOENT, ENOTSUP."""
        number = self.live(op._replace(subject=name) if name else op)
        if self.headers[name or op.subject].words:
            raise ZapErrno(errno.ENOTSUP)
        return number
