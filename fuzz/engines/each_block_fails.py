"""Each block of each starting shape cannot be read, in turn, under each op: what is held or changed then?

A program is a shape on disk, one block of it that fails, one op (or a cursor and its step), and then, with
all that can be read again, a look at every entry and an export, for which nobody may hold anything. Objects
are as OpenZFS makes them, and with small indirect blocks, each of which fails, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fuzz.engines.crash_states.programs import SHAPES as CRASH_SHAPES
from fuzz.engines.enumerate import LARGE, SMALL
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verbs import READ_ERRORS
from fuzz.targets.model.target import ModelTarget
from zapcore.dmu.indirect import IndirectDnode

Shape = tuple[Zap, tuple[Op, ...], tuple[Op, ...]]
DEEP_KEYS: tuple[Key, ...] = ((0,), (1 << 55,), (1 << 63,), (3 << 62,))
SMALLEST = 9
"""indirect_shift of objects whose indirect blocks have dbufs."""
SEEN = 8
"""Steps of the walk over all entries afterwards."""


def _shapes() -> Iterator[tuple[str, Shape]]:
    deep = tuple(Op("add", "z", key, 1, LARGE) for key in DEEP_KEYS)
    zap = CRASH_SHAPES["empty"][0]
    shapes: Mapping[str, Shape] = {**CRASH_SHAPES, "a deep table that grows": (zap, deep, ())}
    for name, (header, on_disk, since) in shapes.items():
        yield name, (header, on_disk, since)
        if header.fat:
            yield f"{name}, levels", (header._replace(indirect_shift=SMALLEST), on_disk, since)


SHAPES: Mapping[str, Shape] = dict(_shapes())
"""The ZAP, what has been done to it and is on disk, and what has been done to it since in the open txg."""

_WORDS: tuple[Key, ...] = ((0,), (1 << 63,), (1 << 62,), (1 << 56,))
_NAMES: tuple[Key, ...] = (b"a", b"0", b"new")


def _on_key(zap: Zap, key: Key) -> Iterator[Op]:
    size = 1 if zap.words else 8
    for verb in ("add", "update"):
        yield Op(verb, "z", key, size, SMALL)
        yield Op(verb, "z", key, 1, LARGE)
    for verb in ("remove", "length", "contains", "prefetch"):
        if verb != "prefetch" or zap.fat:  # prefetch-of-a-micro
            yield Op(verb, "z", key)
    yield Op("lookup", "z", key, size, 1)
    yield Op("increment", "z", key, fill=1)
    if not zap.words:
        for verb in ("touch", "mkdir", "symlink", "unlink", "rmdir", "remove_norm"):
            yield Op(verb, "z", key)
        for verb in ("link", "rename", "exchange", "whiteout"):
            yield Op(verb, "z", key, other="z", to=b"0")
        yield Op("lookup_norm", "z", key, 8, 1)


def steps(zap: Zap) -> list[tuple[Op, ...]]:
    """What is done while a block cannot be read."""
    keys = _WORDS if zap.words else _NAMES
    found = [(op,) for key in keys for op in _on_key(zap, key)]
    whole = [Op(verb, "z") for verb in ("count", "stats", "destroy", "create", "prefetch_object")]
    whole += [Op("seek", "z", fill=0, extra=hole) for hole in (0, 1)]
    if not zap.words:
        whole += [Op("readdir", "z"), Op("getdents", "z", length=9), Op("search", "z", fill=1, extra=1)]
    opened = Op("cursor", "c", other="z")
    return [*found, *((op,) for op in whole), (opened, Op("next", "c")), (opened, *[Op("next", "c")] * 3)]


def blocks(shape: Shape) -> list[tuple[int, int]]:
    """Level and number of each block of a shape that is on disk."""
    zap, on_disk, since = shape
    model = ModelTarget("2.3")
    model.begin(Program((zap,), ()))
    for op in (*on_disk, Op("sync"), *since):
        model.apply(op)
    found: list[tuple[int, int]] = []
    for dnode in model.objset.dnodes.values():
        found += [(0, blkid) for blkid in dnode.stable]
        if isinstance(dnode, IndirectDnode):
            found += [(level, blkid) for level, blkid in dnode.pointers if level <= 2]
    return sorted(set(found))


def programs(shape: str, errors: Sequence[int] = READ_ERRORS) -> Iterator[Program]:
    """All programs of a shape."""
    zap, on_disk, since = SHAPES[shape]
    looks = (Op("heal", "z"), Op("cursor", "c", other="z"), *[Op("next", "c")] * SEEN, Op("close", "c"))
    for level, blkid in blocks(SHAPES[shape]):
        for error in errors:
            fault = Op("fail", "z", size=level, length=1, fill=blkid, extra=error)
            for done in steps(zap):
                ops = (*on_disk, Op("sync"), *since, fault, *done, *looks, Op("reopen"), Op("count", "z"))
                yield Program((zap,), ops)


KNOWN = (
    "assertion zap.c:zap_table_grow",
    "assertion zap.c:zap_create_leaf",
    "invariant zap:locks-at-rest",
    "invariant zap:failed-op",
    "suspended ?:",
)
"""How programs end that meet a finding: zap-table-grow-verify, zap-create-leaf-verify, zap-expand-leaf-leak,
zap-shrink-hides-removal, table-growth-suspends."""
__all__ = ["KNOWN", "SHAPES", "blocks", "programs", "steps"]
