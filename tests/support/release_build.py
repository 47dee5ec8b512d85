"""The model as a build without assertions, on blocks as they are: a second way to what `check` has."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence

from zapcore import errors, zap
from zapcore.dmu.objset import Objset
from zapcore.errors import Kind, LimitExceeded, Panic, ZapErrno
from zapcore.release import RELEASES
from zapcore.verify.trial_world import MAX_FAILED
from zapcore.zap.name import Key

_KEPT = ("fzap_add_cd", "zfs_btree_find")


class _Hangs(Exception):
    pass


class _Outside(Exception):
    pass


def _no_assertion(expression: str, macro: str, place: str) -> bool:
    if (
        "NUMCHUNKS" in expression and expression.startswith("chunk <")
    ) or "array are in its leaf" in expression:
        raise _Outside
    if expression == "the chain of a bucket ends":
        raise _Hangs
    _no_assertion.calls += 1  # type: ignore[attr-defined]
    calls = _no_assertion.calls  # type: ignore[attr-defined]
    if calls > 20_000:
        raise _Hangs
    if calls > MAX_FAILED and "CHUNK_" not in expression:
        raise ValueError("no certain end")
    return not expression.startswith(_KEPT) and macro != "PANIC"


class ReleaseBuild:
    """A new world with one object of these little-endian blocks, for one operation or a few."""

    def __init__(self, blocks: Sequence[bytes], release: str = "2.3") -> None:
        self.objset = Objset(RELEASES[release], stale_bytes=False)
        self.tx = self.objset.open_tx
        self.dnode = dnode = self.objset.allocate(len(blocks[0]), self.tx, 1)
        dnode.directory = True
        dnode.stable = dict(enumerate(blocks))
        dnode.max_blkid = dnode.stable_max_blkid = len(blocks) - 1

    def run(self, call: Callable[..., object], *arguments: object) -> object:
        """What a call of zapcore.zap returns, or how it ends: a text."""
        _no_assertion.calls = 0  # type: ignore[attr-defined]
        errors.compiled_out = _no_assertion
        try:
            return call(self.objset, 1, *arguments)
        except ZapErrno as error:
            return f"errno {error.code}"
        except _Hangs:
            return "hang"
        except (_Outside, IndexError, struct.error):
            return "outside"
        except Panic as panic:
            certain = panic.macro == "PANIC" or panic.expression.startswith(_KEPT)
            return "hang" if panic.kind is Kind.DEADLOCK else "panic" if certain else "unknown"
        except (LimitExceeded, ValueError, OverflowError, AssertionError, TypeError):
            return "unknown"
        finally:
            errors.compiled_out = None

    def lookup(self, key: Key, size: int = 8, length: int = 1) -> object:
        return self.run(zap.lookup, key, size, length)

    def add(self, key: Key, size: int = 8, length: int = 1, value: bytes = bytes(8)) -> object:
        return self.run(zap.add, key, size, length, value, self.tx)

    def remove(self, key: Key) -> object:
        return self.run(zap.remove, key, self.tx)

    def count(self) -> object:
        return self.run(zap.count)

    def names(self, most: int) -> tuple[Counter[Key], object]:
        """What a cursor gives, and how it ends."""
        seen: Counter[Key] = Counter()

        def walk(objset: Objset, number: int) -> object:
            cursor = zap.Cursor(objset, number)
            while seen.total() < most:
                seen[cursor.retrieve().key] += 1
                cursor.advance()
            return "more"

        return seen, self.run(walk)

    def blocks(self) -> list[bytes]:
        """The object's blocks now."""
        return [self.dnode.peek(blkid) for blkid in range(self.dnode.max_blkid + 1)]
