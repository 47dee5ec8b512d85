"""The oracle's word on directories: what `zapcore.zpl` and the real calls must answer."""

from __future__ import annotations

import errno
from typing import NamedTuple

from fuzz.execution.result import Result
from fuzz.judge import beside_others
from fuzz.judge.checks import CHECKS, Stepwise, in_steps
from fuzz.judge.keys import hash_bits, matching, max_cd, refused_form
from fuzz.judge.state import END, State, first_integer
from fuzz.judge.verbs.entries import write, write_with
from fuzz.judge.wrong_answers import Wrong, expect, expect_value, other_value
from fuzz.language.program import U64, Key, Op, Zap
from zapcore.zap import MATCH_CASE, MATCH_NORMALIZE
from zapcore.zap.name import LONG_NAME, MAX_NAME

WHITEOUT, DIRECTORY, FILE, SYMLINK = 2, 4, 8, 10
"""DT_CHR, DT_DIR, DT_REG and DT_LNK, the kinds that a new entry's value has."""
KINDS = {"touch": FILE, "mkdir": DIRECTORY, "symlink": SYMLINK}
KIND_SHIFT = 60
FIRST_FILE = 2
"""The least object number that a file may have: two names with one that is less are two files."""
INSENSITIVE, MIXED = 1, 2
SPECIAL = (b".", b"..")
LAST_SPECIAL = 3


class _Found(NamedTuple):
    """What a lookup must come to: an errno, the name as it is stored, and the entry's value."""

    code: int
    name: bytes = b""
    value: int = 0


def is_directory(value: int) -> bool:
    """Whether an entry's value is of a directory; there are kinds beside these."""
    return value >> KIND_SHIFT == DIRECTORY


def _led_to(state: State, value: int) -> str:
    """The directory of a header line to which an entry with this value leads; else nothing."""
    number = value & (1 << 48) - 1
    if not is_directory(value) or not number:
        return ""
    return next((name for name, header in state.headers.items() if header.inode == number), "")


def _is_full(state: State, value: int) -> bool:
    """Whether an entry leads to a directory that has entries, or that is no more."""
    name = _led_to(state, value)
    return bool(name) and state.entries[name] != {}


def _lies_in(state: State, zap: str, value: int) -> bool:
    """Whether a directory is the one that an entry leads to, or lies somewhere in it."""
    upper, passed = _led_to(state, value), [""]
    while upper and zap not in passed:
        if zap == upper:
            return True
        passed.append(zap)
        zap = state.parents.get(zap, "")
    return False


def _is_removed(state: State, zap: str) -> int:
    """ENOENT where a directory's last name is gone; else 0."""
    return errno.ENOENT if zap in state.removed else 0


def _refused(state: State, zap: str, name: bytes) -> int:
    """The errno of a name that the file system does not look for: it is too long, or no UTF-8."""
    properties = state.headers[zap].properties
    if len(name) >= (LONG_NAME if state.release.long_names and properties.longname else MAX_NAME):
        return errno.ENAMETOOLONG
    if properties.utf8only:
        try:
            name.decode()
        except UnicodeDecodeError:
            return errno.EILSEQ
    return 0


def _look(state: State, zap: str, name: Key | None) -> _Found:
    """The lookup that comes before every change of a directory: the file system looks at the name itself,
    then the ZAP at its form, then a fat ZAP at its length."""
    entries, header = state.entries[zap], state.headers[zap]
    assert isinstance(name, bytes)
    if entries is None:
        return _Found(errno.ENOENT)
    refused = _refused(state, zap, name) or _is_removed(state, zap)
    refused = refused or refused_form(header, name, _match(header), state.release.long_names)
    if refused:
        return _Found(refused)
    if state.too_long(zap, name):
        return _Found(errno.ENAMETOOLONG)
    stored = _stored(state, zap, name)
    return _Found(errno.ENOENT) if stored is None else _Found(0, stored, first_integer(entries[stored]))


def _match(header: Zap) -> int:
    """How a file system compares names."""
    if not header.norm:
        return 0
    return MATCH_NORMALIZE | (MATCH_CASE if header.properties.case == MIXED else 0)


def _stored(state: State, zap: str, name: bytes) -> bytes | None:
    """The first name that is there and the same to the file system; None if none is."""
    entries, header = state.entries[zap] or {}, state.headers[zap]
    if not header.norm:
        return name if name in entries else None
    alike = matching(header, state.orders[zap].bucket(name), name, _match(header))
    if not alike:
        return None
    assert isinstance(alike[0], bytes)
    return alike[0]


@CHECKS.of("dirlook")
def dirlook(state: State, op: Op, result: Result) -> Wrong | None:
    """ENOENT where the name is not there, in whatever spelling."""
    if refused := state.has_no_names(op.subject):
        return expect(result.errno, refused)
    return expect(result.errno, 0 if op.key in SPECIAL else _look(state, op.subject, op.key).code)


@in_steps("touch", "mkdir", "symlink")
def make_entry(state: State, op: Op, result: Result) -> Stepwise:
    """The name is there afterwards; EEXIST where it was, in whatever spelling."""
    assert isinstance(op.key, bytes)
    if op.key in SPECIAL:
        parent = op.verb == "touch" and op.key == b".."
        return expect(result.errno, errno.EISDIR if parent else errno.EEXIST)
    found = _look(state, op.subject, op.key)
    if found.code != errno.ENOENT or op.subject in state.removed:
        return expect(result.errno, found.code or errno.EEXIST)
    yield
    entry = _link(op, op.subject, op.key, KINDS[op.verb] << KIND_SHIFT | op.fill)
    wrong = write(state, entry, result)
    _stands(state, entry)
    return wrong


def _enter(state: State, op: Op, result: Result, leaf_shift: int) -> Wrong | None:
    """An entry comes, as it is written (`write_with`), and what it leads to stands there."""
    wrong = write_with(state, op, result, leaf_shift)
    _stands(state, op)
    return wrong


def _stands(state: State, op: Op) -> None:
    """Where a directory stands to which an entry leads that an op has made, if it has."""
    entries, name = state.entries[op.subject], _led_to(state, op.fill)
    if name and entries is not None and op.key in entries and first_integer(entries[op.key]) == op.fill:
        state.parents[name] = op.subject
        state.removed.discard(name)


def _link(op: Op, zap: str, name: bytes, value: int) -> Op:
    """The add that makes an entry."""
    return op._replace(verb="add", subject=zap, key=name, other="", to=None, size=8, length=1, fill=value)


@in_steps("unlink", "rmdir")
def drop_entry(state: State, op: Op, result: Result) -> Stepwise:
    """The name is gone afterwards, however it was spelled, if it was of the right kind."""
    if op.key in SPECIAL:
        return expect(result.errno, errno.EEXIST)
    code, _, value = _look(state, op.subject, op.key)
    if not code and is_directory(value) != (op.verb == "rmdir"):
        code = errno.ENOTDIR if op.verb == "rmdir" else errno.EPERM
    if code:
        return expect(result.errno, code)
    yield
    assert isinstance(op.key, bytes)
    if _is_full(state, value):
        return expect(result.errno, errno.ENOTEMPTY)
    code = _drop(state, op.subject, op.key)
    if not code:
        _removed(state, value)
    return expect(result.errno, code)


def _removed(state: State, value: int) -> None:
    """The directory to which an entry led has no name any more."""
    state.removed |= {_led_to(state, value)} - {""}


def _drop(state: State, zap: str, name: bytes) -> int:
    """zfs_dropname(): the first entry that the name matches is gone; ENOENT where there is none."""
    stored = _stored(state, zap, name)
    if stored is None:
        return errno.ENOENT
    state.take(zap, stored)
    return 0


def _no_directory(state: State, op: Op) -> int:
    """The errno of an op on two ZAPs of which one is gone or is no directory."""
    for zap in (op.subject, op.other):
        if state.entries[zap] is None:
            return errno.ENOENT
        if state.headers[zap].words:
            return errno.ENOTSUP
    return 0


def _other_file_system(state: State, op: Op) -> bool:
    """Whether the two directories of an op are of two file systems: names are not the same in both."""
    one, other = state.headers[op.subject], state.headers[op.other]
    return (one.norm, one.properties) != (other.norm, other.properties)


@in_steps("link")
def link(state: State, op: Op, result: Result) -> Stepwise:
    """The file has another name afterwards, with the same value."""
    if wrong := _no_directory(state, op):
        return expect(result.errno, wrong)
    assert isinstance(op.to, bytes)
    if op.key in SPECIAL:
        return expect(result.errno, errno.EEXIST)
    file = _look(state, op.subject, op.key)
    if file.code:
        return expect(result.errno, file.code)
    if op.to in SPECIAL:
        return expect(result.errno, errno.EEXIST)
    yield
    there = _look(state, op.other, op.to)
    if there.code != errno.ENOENT:
        return expect(result.errno, there.code or errno.EEXIST)
    if op.other in state.removed:
        return expect(result.errno, errno.ENOENT)
    if _other_file_system(state, op):
        return expect(result.errno, errno.EXDEV)
    if is_directory(file.value):
        return expect(result.errno, errno.EPERM)
    yield
    return write(state, _link(op, op.other, op.to, file.value), result)


@in_steps("rename", "exchange", "whiteout")
def rename(state: State, op: Op, result: Result) -> Stepwise:
    """Two lookups, then the name moves; what had the new name is gone, or has the old one (exchange)."""
    if wrong := _no_directory(state, op):
        return expect(result.errno, wrong)
    if _other_file_system(state, op):
        return expect(result.errno, errno.EXDEV)
    found = []
    for zap, name in ((op.subject, op.key), (op.other, op.to)):
        if name in SPECIAL:
            return expect(result.errno, errno.EINVAL if name == b".." else errno.EEXIST)
        found.append(_look(state, zap, name))
        if found[-1].code not in (0, errno.ENOENT) or found[0].code:
            return expect(result.errno, found[-1].code)
        yield
    moved, there = found
    if there.code and op.verb == "exchange":
        return expect(result.errno, errno.ENOENT)
    if _lies_in(state, op.other, moved.value):
        return expect(result.errno, errno.EINVAL)
    if not there.code and _lies_in(state, op.subject, there.value):
        return expect(result.errno, errno.EINVAL if op.verb == "exchange" else errno.ENOTEMPTY)
    if there.code and op.other in state.removed:
        return expect(result.errno, errno.ENOENT)
    if not there.code:
        if op.verb != "exchange" and is_directory(moved.value) != is_directory(there.value):
            return expect(result.errno, errno.ENOTDIR if is_directory(moved.value) else errno.EISDIR)
        number = moved.value & (1 << 48) - 1
        one_file = number >= FIRST_FILE and number == there.value & (1 << 48) - 1
        if one_file or (op.subject, moved.name) == (op.other, there.name):
            return expect(result.errno, 0)
    if op.verb != "rename" and not state.release.rename_unlinks_first:
        return expect(result.errno, errno.EINVAL)
    if state.full:  # what is left to do needs a transaction
        return expect(result.errno, state.full)
    return (yield from _move(state, op, result, moved, there))


def _move(state: State, op: Op, result: Result, moved: _Found, there: _Found) -> Stepwise:
    """The steps of a rename. Where one is refused, what was taken comes back if there is room for it: what
    was replaced has the size of what was refused, and is gone if that was its successor.

    A directory without regard to case is asked for names as they are stored; others get the new spelling."""
    assert isinstance(op.key, bytes) and isinstance(op.to, bytes)
    stored = state.headers[op.subject].properties.case == INSENSITIVE
    old, new = (moved.name, there.name or op.to) if stored else (op.key, op.to)
    first = state.release.rename_unlinks_first
    # the tunable is still that of the target, if that was created micro: nothing sets it in between
    target = state.headers[op.other]
    leaf_shift = state.headers[op.subject].leaf_shift if target.fat else target.leaf_shift
    if first:
        if code := _drop(state, op.subject, old):
            return expect(result.errno, code)
        yield
    if not there.code:
        full = op.verb != "exchange" and _is_full(state, there.value)
        if code := errno.ENOTEMPTY if full else _drop(state, op.other, new):
            if first:
                _put_back(state, moved, _link(op, op.subject, old, moved.value), leaf_shift)
            return expect(result.errno, code)
        if op.verb != "exchange":
            _removed(state, there.value)
        yield
    left = {"exchange": there.value, "whiteout": WHITEOUT << KIND_SHIFT | op.fill}.get(op.verb)
    come, back = _link(op, op.other, new, moved.value), _link(op, op.subject, old, left or 0)
    if not first and result.errno == errno.ENOENT:  # only what comes last can say that
        wrong = _enter(state, come, Result(), leaf_shift)
        yield
        return wrong or expect(result.errno, _drop_last(state, op, old, new))
    wrong = _enter(state, come, result, leaf_shift)
    if left is not None and not result.errno and not wrong:
        yield
        wrong = _enter(state, back, result, leaf_shift)
    elif left is not None and result.errno and wrong:  # then it was the other one that was refused
        wrong = _enter(state, come, Result(), leaf_shift)
        if not wrong:
            yield
            wrong = _enter(state, back, result, leaf_shift)
            _drop(state, op.other, new)
    if not result.errno and not wrong:
        if first or left is not None:
            return None
        yield
        return expect(result.errno, _drop_last(state, op, old, new))
    if first:
        _put_back(state, there, _link(op, op.other, new, there.value), leaf_shift)
        _put_back(state, moved, _link(op, op.subject, old, moved.value), leaf_shift)
    return wrong


def _drop_last(state: State, op: Op, old: bytes, new: bytes) -> int:
    """The old name goes after the new one was made, which goes again if that fails."""
    if code := _drop(state, op.subject, old):
        _drop(state, op.other, new)
        return code
    return 0


def _put_back(state: State, found: _Found, op: Op, leaf_shift: int) -> None:
    """An entry that was taken away comes back, if there was one and there is room for it."""
    if not found.code:
        _enter(state, op, Result(), leaf_shift)


@CHECKS.of("readdir")
def readdir(state: State, op: Op, result: Result) -> Wrong | None:
    """Every name once, in the order of hashes."""
    if refused := state.has_no_names(op.subject) or _is_removed(state, op.subject):
        return expect(result.errno, refused)
    if op.subject in state.moving:
        return beside_others.readdir(state, op, result)
    entries = state.entries[op.subject]
    assert entries is not None
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


@CHECKS.of("getdents")
def getdents(state: State, op: Op, result: Result) -> Wrong | None:
    """The names from a position on, each with the position behind it; ENXIO for what is no directory's entry,
    where nothing comes before that."""
    if refused := state.has_no_names(op.subject) or _is_removed(state, op.subject):
        return expect(result.errno, refused)
    if op.subject in state.moving:
        return beside_others.getdents(state, op, result)
    listed, bad = _listed(state, op)
    if bad and not listed:
        return expect(result.errno, errno.ENXIO)
    wanted = b"".join(position.to_bytes(8, "little") + name + b"\0" for position, name in listed)
    return expect(result.errno, 0) or expect_value(result.value, wanted)


def _listed(state: State, op: Op) -> tuple[list[tuple[int, bytes]], bool]:
    """What getdents lists: positions and names, and whether it met an entry that no directory has. Positions
    0 and 1 are those of `.` and `..`; up to 3 they are before the first entry."""
    header, order, entries = state.headers[op.subject], state.orders[op.subject], state.entries[op.subject]
    bits = hash_bits(header)
    listed = [(at + 1, name) for at, name in enumerate(SPECIAL) if at >= op.fill]
    start = op.fill if op.fill > LAST_SPECIAL else 0
    place = (start << (64 - bits) & U64, start >> bits & 0xFFFFFFFF)
    if place[1] >= max_cd(header):
        place = place[0], 0
    if not state.fat[op.subject]:
        place = place[0], place[1] & 0xFFFF
    while len(listed) < op.length and place[0] != END and (first := order.first(*place)) is not None:
        (hashed, cd), name = first
        assert isinstance(name, bytes) and entries is not None
        if entries[name].size != 8 or entries[name].length == 0:
            return listed, True
        listed.append((hashed >> (64 - bits) | (cd + 1) << bits, name))
        place = hashed, cd + 1
    return listed[: op.length], False
