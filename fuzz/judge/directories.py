"""The oracle's word on directories: what `zapcore.zpl` and the real calls must answer."""

from __future__ import annotations

import errno

from fuzz.execution.result import Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.entries import remove, write, write_with
from fuzz.judge.keys import refused_form
from fuzz.judge.state import State, first_integer
from fuzz.judge.wrong import Wrong, expect, other_value
from fuzz.language.program import Key, Op
from zapcore.zap.name import LONG_NAME, MAX_NAME

DIRECTORY, FILE = 4, 8
"""DT_DIR and DT_REG, the kind that a new entry's value has."""
KIND_SHIFT = 60


def is_directory(value: int) -> bool:
    """Whether an entry's value is of a directory; there are kinds beside these two."""
    return value >> KIND_SHIFT == DIRECTORY


def _look(state: State, zap: str, name: Key | None) -> tuple[int, int]:
    """errno and value of the lookup that comes before every change of a directory: the file system looks at
    the name's length, then the ZAP at its form, then a fat ZAP at its length."""
    entries = state.entries[zap]
    assert isinstance(name, bytes) and entries is not None
    if len(name) >= (LONG_NAME if state.release.long_names else MAX_NAME):
        return errno.ENAMETOOLONG, 0
    refused = refused_form(state.headers[zap], name, 0, state.release.long_names)
    if refused:
        return refused, 0
    if state.too_long(zap, name):
        return errno.ENAMETOOLONG, 0
    value = entries.get(name)
    return (errno.ENOENT, 0) if value is None else (0, first_integer(value))


@CHECKS.of("touch", "mkdir")
def make_entry(state: State, op: Op, result: Result) -> Wrong | None:
    """The name is there afterwards; EEXIST where it was."""
    code, _ = _look(state, op.subject, op.key)
    if code != errno.ENOENT:
        return expect(result.errno, code or errno.EEXIST)
    kind = DIRECTORY if op.verb == "mkdir" else FILE
    entry = op._replace(verb="add", size=8, length=1, fill=kind << KIND_SHIFT | op.fill)
    return write(state, entry, result)


@CHECKS.of("unlink", "rmdir")
def drop_entry(state: State, op: Op, result: Result) -> Wrong | None:
    """The name is gone afterwards, if it was of the right kind."""
    code, value = _look(state, op.subject, op.key)
    if not code and is_directory(value) != (op.verb == "rmdir"):
        code = errno.ENOTDIR if op.verb == "rmdir" else errno.EPERM
    return expect(result.errno, code) if code else remove(state, op, result)


@CHECKS.of("rename")
def rename(state: State, op: Op, result: Result) -> Wrong | None:
    """Two lookups, then the name moves; what had the new name is gone."""
    for zap in (op.subject, op.other):
        if state.entries[zap] is None:
            return expect(result.errno, errno.ENOENT)
        if state.headers[zap].words:
            return expect(result.errno, errno.ENOTSUP)
    found = []
    for zap, name in ((op.subject, op.key), (op.other, op.to)):
        code, value = _look(state, zap, name)
        if code not in (0, errno.ENOENT):
            return expect(result.errno, code)
        found.append((code, value))
    (missing, value), (code, there) = found
    if missing:
        return expect(result.errno, missing)
    if (op.subject, op.key) == (op.other, op.to):
        return expect(result.errno, 0)
    if not code and is_directory(value) != is_directory(there):
        return expect(result.errno, errno.ENOTDIR if is_directory(value) else errno.EISDIR)
    return _move(state, op, result, value, replace=not code)


def _move(state: State, op: Op, result: Result, value: int, *, replace: bool) -> Wrong | None:
    """The three steps of a rename. Where the last is refused, the entry that went first comes back; what
    was replaced is gone."""
    old = Op("remove", op.subject, op.key)
    if state.release.rename_unlinks_first:
        remove(state, old, Result())
    if replace:
        remove(state, Op("remove", op.other, op.to), Result())
    wrong = write(state, Op("add", op.other, op.to, 8, 1, value), result)
    if not result.errno and not wrong:
        return None if state.release.rename_unlinks_first else remove(state, old, result)
    if state.release.rename_unlinks_first:
        # the tunable is still that of the target, if that was created micro: nothing sets it in between
        back, target = Op("add", op.subject, op.key, 8, 1, value), state.headers[op.other]
        leaf_shift = state.headers[op.subject].leaf_shift if target.fat else target.leaf_shift
        write_with(state, back, Result(), leaf_shift)
    return wrong


@CHECKS.of("readdir")
def readdir(state: State, op: Op, result: Result) -> Wrong | None:
    """Every name once, in the order of hashes."""
    entries = state.entries[op.subject]
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    if state.headers[op.subject].words:
        return expect(result.errno, errno.ENOTSUP)
    if any(value.size != 8 or value.length == 0 for value in entries.values()):
        return expect(result.errno, errno.ENXIO)
    if result.errno:
        return expect(result.errno, 0)
    assert isinstance(result.value, bytes)
    names = state.orders[op.subject].keys()
    if result.value == b"".join(name + b"\0" for name in names if isinstance(name, bytes)):
        return None
    found = result.value.split(b"\0")
    missed, extra = set(names) - set(found[:-1]), len(found) - 1 - len(names)
    if missed or extra or found[-1]:
        return other_value(f"expected all names once, got {extra} more, and not {len(missed)}")
    return other_value("expected names by their hashes, got another order")
