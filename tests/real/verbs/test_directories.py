"""Protects directories on the real libraries: a rename takes the steps of its release, and many real names
created, removed and created again leave the same bytes as on the model."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from fuzz.execution.execute import run
from fuzz.execution.result import Entry, Found, Result
from fuzz.language.program import DEFAULT_SALT, Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.hashing import crc64, name_for_hash

Make = Callable[..., LibzpoolTarget]

NAMES = int(os.environ.get("ZAPFUZZ_NAMES", "3000"))
"""How many names the comparison takes. With 100000 it takes a minute or two."""

BATCH = 1000


@pytest.mark.parametrize(("release", "size"), [("2.1", 1024), ("2.3", 512)])
def test_a_rename_takes_the_steps_of_its_release(libzpool: Make, release: str, size: int) -> None:
    """In a micro ZAP without a free slot the block grows where the new name comes before the old one goes."""
    names = [f'touch d "n{number}"' for number in range(7)]
    program = parse("\n".join(["zap d micro", *names, 'rename d d "n0" "new"']))
    target = ModelTarget(release)
    assert run(program, target).fine
    blocks = target.blocks("d")
    assert blocks is not None and len(blocks[0]) == size and b"new" in blocks[0]
    assert run(program, BothTarget(target, libzpool(release))).fine


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_rename_that_fails_leaves_the_name(libzpool: Make, release: str) -> None:
    """A name too long for a leaf of 512 bytes: E2BIG where directories take long names; the old one stays."""
    long = "n" * 600
    steps = ["zap d micro leaf_shift=9", 'touch d "a" inode=0x5', f'rename d d "a" "{long}"']
    program = parse("\n".join([*steps, 'lookup d "a" int=8 len=1']))
    results: list[Result] = []
    target = ModelTarget(release)
    assert run(program, target, trace=lambda _, __, result: results.append(result)).fine
    refused = errno.ENAMETOOLONG if release == "2.1" else errno.E2BIG
    assert [result.errno for result in results] == [0, refused, 0]
    assert results[2].value == (8 << 60 | 5).to_bytes(8, "little")
    assert run(program, BothTarget(target, libzpool(release))).fine


@pytest.mark.parametrize("release", ["2.3", "2.4"])
def test_a_rename_that_fails_sets_no_tunable_in_between(libzpool: Make, release: str) -> None:
    """The old name comes back to a micro ZAP that is full of names of its hash, and may make it fat."""
    names = [name_for_hash(DEFAULT_SALT, 1 << 62, 64, b"%d" % number) for number in range(8)]
    fits = [f'add y "{name.decode()}" int=8' for name in names]
    header = ["zap z micro leaf_shift=10", "zap y micro leaf_shift=11", *fits]
    program = parse("\n".join([*header, f'rename y z "{names[1].decode()}" "{"q" * 1000}"']))
    target = ModelTarget(release)
    assert run(program.with_ops(program.ops[:-1]), target).fine
    assert len(target.blocks("y") or ()) == 1
    assert run(program, BothTarget(target, libzpool(release))).fine
    assert len(target.blocks("y") or ()) > 1


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_names_of_one_form_change_places_in_the_order_of_a_rename(libzpool: Make, release: str) -> None:
    """A lookup by form finds the lowest differentiator, and the new name takes one that is free."""
    program = parse(
        """
        zap d micro casesensitivity=mixed normalization=formKD
        touch d "fi" inode=0x1
        touch d "Fi" inode=0x2
        rename d d "fi" "FI"
        lookup_norm d "fI" int=8 match=1
        remove_norm d "fI" match=1
        lookup_norm d "fI" int=8 match=1
        """
    )
    found: list[object] = []
    target = ModelTarget(release)
    outcome = run(program, target, trace=lambda _, __, result: found.append(result.value))
    assert outcome.fine, outcome
    first, _, second = found[3:]
    assert isinstance(first, Found) and isinstance(second, Found)
    assert [first.name, second.name] == ([b"Fi", b"FI"] if release == "2.1" else [b"FI", b"Fi"])
    assert run(program, BothTarget(target, libzpool(release))).fine


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_rename_tells_the_first_thing_that_is_wrong(libzpool: Make, release: str) -> None:
    """A name without a normal form, one that is too long, a directory that is gone: all at once."""
    zaps = (Zap("d", fat=False, norm=0x10), Zap("e", fat=False, norm=0x10))
    rename = Op("rename", "d", b"\xff", other="e", to=b"n" * 1024)
    there, gone = rename._replace(key=b"a"), rename._replace(key=b"b")
    ops = (Op("touch", "d", b"a"), rename, there, gone, Op("destroy", "e"), rename)
    results: list[int] = []
    target = ModelTarget(release)
    outcome = run(Program(zaps, ops), target, trace=lambda _, __, result: results.append(result.errno))
    assert outcome.fine, outcome
    assert results == [0, errno.ENOTSUP, errno.ENAMETOOLONG, errno.ENOENT, 0, errno.ENOENT]
    assert run(Program(zaps, ops), BothTarget(target, libzpool(release))).fine


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_rename_looks_no_second_name_up_if_the_first_is_not_there(libzpool: Make, release: str) -> None:
    """As Linux does before it calls zfs_rename(): the other directory is not opened, on either side."""
    steps = ("zap d micro", "zap e micro", 'touch d "a" inode=0x5', "sync", "evict", 'rename d e "b" "c"')
    target = BothTarget(ModelTarget(release), libzpool(release))
    assert run(parse("\n".join(steps)), target).fine
    assert target.model.dbufs("d") == b"\0\1" and target.model.dbufs("e") == b""


def real_names(count: int) -> list[bytes]:
    """Names of files on this machine, with a number where there are too few."""
    found: dict[bytes, None] = {}
    for _, folders, files in os.walk(b"/usr"):
        found.update(dict.fromkeys(folders + files))
        if len(found) >= count:
            break
    names = [name for name in found if len(name) <= 250][:count]
    return names + [b"%s.%d" % (names[n % len(names)][:200], n) for n in range(count - len(names))]


@pytest.mark.parametrize("release", ["2.3", "2.1"])
def test_many_names_created_removed_and_created_again(libzpool: Make, release: str) -> None:
    """On 2.3 one leaf is left after the removes, as zap_shrink_001_pos of OpenZFS asks."""
    real, model = libzpool(release), ModelTarget(release)
    names = real_names(NAMES)
    made = [Op("touch", "d", name, fill=number) for number, name in enumerate(names)]
    gone = [Op("unlink", "d", name) for name in names]
    program = Program((Zap("d", fat=False),), ())
    for target in (real, model):
        target.begin(program)
    for phase in (made, gone, made):
        for at in range(0, len(phase), BATCH):
            batch = phase[at : at + BATCH]
            assert real.apply_all(batch) == [model.apply(op) for op in batch]
        assert real.apply_all([Op("sync")]) == [model.apply(Op("sync"))]
        mine, its = model.blocks("d"), real.blocks("d")
        assert mine is not None and its is not None
        held = max(len(mine), len(its))
        pad = [bytes(len(mine[0]))]
        assert mine + pad * (held - len(mine)) == its + pad * (held - len(its))
        if phase is gone:
            header = memoryview(mine[0]).cast("Q")
            assert header[L.Q_NUM_ENTRIES] == 0
            assert (header[L.Q_NUM_LEAFS] == 1) == (release == "2.3")
    listed = real.apply_all([Op("readdir", "d")])
    assert listed == [model.apply(Op("readdir", "d"))]


PAIR = (b"s.acl.h", b".s.open.h.hyLZlg")
"""The names that ztest_zap (cmd/ztest.c) calls a known hash collision. They have different lengths, so it
depends on the salt: with these two they collide in 28 and in 48 bits."""

SALTS = {28: 0x2EA17D4B, 48: 0xF55DD4332F1B}


@pytest.mark.parametrize("bits", SALTS)
@pytest.mark.parametrize("release", ["2.1", "2.3", "real 2.1", "real 2.3", "real 2.4"])
def test_the_collision_that_ztest_has(libzpool: Make, bits: int, release: str) -> None:
    """Both are added, both are there already then, both have one 64-bit integer, both can be removed."""
    assert crc64(SALTS[bits], PAIR[0]) >> (64 - bits) == crc64(SALTS[bits], PAIR[1]) >> (64 - bits)
    zap = Zap("z", fat=bits == 48, hash64=bits == 48, leaf_shift=9, salt=SALTS[bits])
    target = libzpool(release.split()[1]) if " " in release else ModelTarget(release)
    target.begin(Program((zap,), ()))
    adds = [Op("add", "z", name, 8, 1, value) for value, name in enumerate(PAIR)]
    assert [target.apply(op).errno for op in adds + adds] == [0, 0, errno.EEXIST, errno.EEXIST]
    assert [target.apply(Op("length", "z", name)).value for name in PAIR] == [(8, 1)] * 2
    target.apply(Op("cursor", "c", other="z"))
    walked = [target.apply(Op("next", "c")).value for _ in PAIR]
    assert walked == [Entry(name, 8, 1, value) for value, name in enumerate(PAIR)], "by differentiator"
    place = target.apply(Op("serialize", "c")).value
    assert isinstance(place, int) and place >> bits == 1
    assert [target.apply(Op("remove", "z", name)).errno for name in PAIR] == [0, 0]
    assert target.apply(Op("count", "z")).value == 0


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_directories_in_directories(libzpool: Make, release: str) -> None:
    """Refusals with and without a trace, and what they leave, in micro and fat directories."""
    for head in ("micro leaf_shift=9", "micro leaf_shift=9 micro_max_size=512", "fat hash64 leaf_shift=9"):
        program = parse(
            f"""
            zap d {head}
            zap e {head} inode=0x2
            zap f {head} inode=0xffffffffffff
            mkdir d "e" inode=0x2
            mkdir e "f" inode=0xffffffffffff
            rmdir d "e"
            mkdir d "other" inode=0x9
            touch d "last"
            rename d d "other" "e"
            rename d f "e" "into itself"
            whiteout d d "other" "e" inode=0x8
            exchange d e "other" "f"
            reopen
            rename d d "other" "e"
            rmdir e "f"
            rmdir d "e"
            touch f "a"
            readdir e
            """
        )
        outcome = run(program, BothTarget(ModelTarget(release), libzpool(release)))
        assert outcome.fine, outcome
