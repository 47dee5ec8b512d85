"""The oracle's word on directories: what `zapcore.zpl` and the real calls must answer."""

from __future__ import annotations

import errno

from fuzz.judge.cursors import Cursors
from fuzz.judge.state import expect, first_integer, serial_of
from fuzz.language.program import Key, Op
from fuzz.targets.base import Result
from zapcore.zap.name import LONG_NAME, MAX_NAME

DIRECTORY, FILE = 4, 8
"""DT_DIR and DT_REG, the kind that a new entry's value has."""
KIND_SHIFT = 60


def is_directory(value: int) -> bool:
    """Whether an entry's value is of a directory; there are kinds beside these two."""
    return value >> KIND_SHIFT == DIRECTORY


class Directories(Cursors):
    """Ops on directories."""

    unlinks_first: bool

    def _directory_value(self, zap: str, name: Key | None) -> tuple[int, int]:
        """errno and value of the lookup that comes before every change of a directory."""
        entries = self.entries[zap]
        assert name is not None and entries is not None
        if len(name) >= LONG_NAME or self._too_long(Op("lookup", zap, name)):
            return errno.ENAMETOOLONG, 0
        value = entries.get(name)
        return (errno.ENOENT, 0) if value is None else (0, first_integer(value))

    def _make_entry(self, op: Op, result: Result) -> str | None:
        if result.errno == errno.ENAMETOOLONG and self._may_be_too_long(op.subject, op.key):
            return None
        code, _ = self._directory_value(op.subject, op.key)
        if code != errno.ENOENT:
            return expect(result.errno, code or errno.EEXIST)
        kind = DIRECTORY if op.verb == "mkdir" else FILE
        entry = op._replace(verb="add", size=8, length=1, fill=kind << KIND_SHIFT | op.fill)
        return self._write(entry, result)

    def _drop_entry(self, op: Op, result: Result) -> str | None:
        if result.errno == errno.ENAMETOOLONG and self._may_be_too_long(op.subject, op.key):
            return None
        code, value = self._directory_value(op.subject, op.key)
        if not code and is_directory(value) != (op.verb == "rmdir"):
            code = errno.ENOTDIR if op.verb == "rmdir" else errno.EPERM
        return expect(result.errno, code) if code else self._remove(op, result)

    def _rename(self, op: Op, result: Result) -> str | None:
        for zap in (op.subject, op.other):
            if self.entries[zap] is None:
                return expect(result.errno, errno.ENOENT)
            if self.headers[zap].words:
                return expect(result.errno, errno.ENOTSUP)
        assert isinstance(op.key, bytes) and isinstance(op.to, bytes)
        room = MAX_NAME if result.errno == errno.ENAMETOOLONG else LONG_NAME
        found: list[tuple[int, int]] = []
        for zap, name in ((op.subject, op.key), (op.other, op.to)):
            if len(name) >= room:
                return expect(result.errno, errno.ENAMETOOLONG)
            refused = self.refused_name(self.headers[zap], name, 0)
            if result.errno in refused and name not in (self.entries[zap] or ()):
                return None
            if refused and errno.ENAMETOOLONG not in refused:
                return expect(result.errno, refused[0])
            code, value = self._directory_value(zap, name)
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
        return self._move(op, result, value, replace=not code)

    def _move(self, op: Op, result: Result, value: int, *, replace: bool) -> str | None:
        """The three steps of a rename. Where the last is refused, the entry that went first comes back; what
        was replaced is gone."""
        old = Op("remove", op.subject, op.key)
        if self.unlinks_first:
            self._remove(old, Result())
        if replace:
            self._remove(Op("remove", op.other, op.to), Result())
        wrong = self._write(Op("add", op.other, op.to, 8, 1, value), result)
        if not result.errno and not wrong:
            return None if self.unlinks_first else self._remove(old, result)
        if self.unlinks_first:
            self._write(Op("add", op.subject, op.key, 8, 1, value), Result())
        return wrong

    def _readdir(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.subject]
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        if self.headers[op.subject].words:
            return expect(result.errno, errno.ENOTSUP)
        if any(value.size != 8 or value.length == 0 for value in entries.values()):
            return expect(result.errno, errno.ENXIO)
        if result.errno:
            return expect(result.errno, 0)
        assert isinstance(result.value, bytes)
        names = result.value.split(b"\0")[:-1]
        missed, extra = entries.keys() - set(names), len(names) - len(entries)
        if missed or extra:
            return f"expected all names once, got {extra} more, and not {len(missed)}"
        header = self.headers[op.subject]
        places = [serial_of(header, name) for name in names]
        return None if places == sorted(places) else "expected names by their hashes, got another order"
