"""Protects what an auditor says of one op's work: faults that no answer shows.

Entries that it moves stay what they are, empty leaves do not stay, a table grows when a leaf asks for it.
"""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from tests.support.failure_under_fault import failure_under

FAT = "zap z fat key=u64 prehashed leaf_shift=9\n"
TWO = FAT + "add z 0x0 len=180\nadd z 0x8000000000000000 len=180\n"
THREE = TWO + "add z 0x4000000000000000 len=180\n"
DEEP = FAT + "".join(f"add z {key:#x} len=180\n" for key in (0, *(1 << 63 - bit for bit in range(7))))
"""Each splits the leaf of 0x0, the sixth makes the table leave the header, the last begins a table of four
blocks."""
OTHER_CDS = Edit(
    "zap.split:_transfer_entry",
    "    _link_entry(new, chunk)\n",
    "    new_buf.raw[target + 12] += 7\n    _link_entry(new, chunk)\n",
)
FAULTS = {
    "a micro ZAP made fat gives new differentiators": (
        "zap:moved",
        'zap z micro norm=2\nadd z "ab" int=8\nadd z "AB" int=8\nremove z "ab"\nadd z "Ab" int=8\n'
        'update z "zz" len=2\n',
        Edit("zap.micro:upgrade", '"little"), cd, tag', '"little"), L.NEED_CD, tag'),
    ),
    "a split gives new differentiators": (
        "zap:moved",
        FAT + "add z 0x8000000000000000 len=180\nadd z 0x0 len=180\n",
        OTHER_CDS,
    ),
    "a split gives a new differentiator to what an op before it left alone": (
        "zap:moved",
        FAT + "add z 0x8000000000000000 len=80\nadd z 0x1000000000000000 len=60\nadd z 0x0 len=120\n",
        OTHER_CDS,
    ),
    "a number is given out again while a cursor holds its old object": (
        "zap:number",
        FAT + "add z 0x0\ncursor c z\nnext c\ndestroy z\nsync\ntxg\nsync\ncreate z\n",
        Edit("dmu.objset:Objset.is_free", "not old.dbufs and ", ""),
    ),
    "the first leaf does not say that names of one hash have an order": (
        "zap:leaf-header",
        'zap z fat hash64 norm=2 leaf_shift=9\nadd z "a"\n',
        Edit("zap.fat:make_fat", "zap.norm != 0", "False"),
    ),
    "one pair is collapsed, though the next is empty, too": (
        "zap:shrunk",
        THREE + "remove z 0x8000000000000000\nremove z 0x4000000000000000\nremove z 0x0\n",
        Edit("zap.shrink:shrink", "        length = even.h[L.H_PREFIX_LEN]\n", "        length = 0\n"),
    ),
    "the last two leaves are not collapsed": (
        "zap:shrunk",
        TWO + "remove z 0x0\nremove z 0x8000000000000000\n",
        Edit("zap.shrink:shrink", "    while length:\n", "    while length > 1:\n"),
    ),
    "a table does not grow ahead of a leaf": (
        "zap:grown",
        DEEP,
        Edit("zap.fat:_put_leaf_maybe_grow", "h[L.H_NFREE] < L.LOW_WATER", "h[L.H_NFREE] < 0"),
    ),
    "a table grows before a leaf asks for it": (
        "zap:grown",
        FAT + "add z 0x0\nadd z 0x1\n",
        Edit("zap.fat:_put_leaf_maybe_grow", "== shift and", "<= shift and"),
    ),
    "a table that grows waits for a leaf to ask again": (
        "zap:grown",
        DEEP + "update z 0x8000000000000000 len=170\n",
        Edit("zap.fat:_put_leaf_maybe_grow", "if not full and not q[L.Q_TBL_NEXTBLK]:", "if not full:"),
    ),
    "a differentiator is free, but not the lowest": (
        "zap:lowest",
        FAT + "add z 0x0\nadd z 0x1\n",
        Edit("zap.leaf:_unused_cd", "while cd in used:", "cd += 2 * len(used)\n    while cd in used:"),
    ),
    "a micro block grows though a slot is free": (
        "zap:grown",
        'zap z micro\nadd z "a" int=8\nadd z "b" int=8\n',
        Edit("zap.micro:make_room", "if len(index.entries) < index.slots:", "if not index.entries:"),
    ),
    "a micro ZAP moves the entries behind the one that goes": (
        "zap:moved",
        'zap z micro\nadd z "a" int=8\nadd z "b" int=8\nadd z "c" int=8\nremove z "a"\n',
        Edit(
            "zap.micro:remove",
            "raw[at : at + L.SLOT_SIZE] = bytes(L.SLOT_SIZE)",
            "raw[at:] = bytes(zap.dbuf.buf.raw[at + L.SLOT_SIZE :]) + bytes(L.SLOT_SIZE)",
        ),
    ),
    "a micro ZAP leaves out a differentiator": (
        "zap:lowest",
        'zap z micro norm=2\nadd z "ab" int=8\nadd z "AB" int=8\n',
        Edit("zap.micro:_add_entry", "        cd += 1\n", "        cd += 2\n"),
    ),
}


@pytest.mark.parametrize(("place", "text", "fault"), FAULTS.values(), ids=FAULTS)
def test_is_seen_where_the_model_is_fine(place: str, text: str, fault: Edit) -> None:
    assert failure_under(fault, text).signature.place == place


def test_what_a_release_does_not_collapse_may_stay() -> None:
    program = parse(TWO + "remove z 0x0\nremove z 0x8000000000000000\n")
    assert run(program, ModelTarget("2.1")).fine


def test_a_name_that_is_renamed_over_is_new() -> None:
    """Its differentiator may be another, in either directory."""
    text = "zap d fat hash64 norm=2\nzap e fat hash64 norm=2\n"
    text += 'touch d "new"\ntouch e "ab"\ntouch e "AB"\nunlink e "ab"\n'
    program = parse(text + 'rename d e "new" "AB"\ntouch e "Ab"\ncount e\n')
    assert run(program, ModelTarget("2.3")).fine


@pytest.mark.parametrize("share_audits", [False, True])
@pytest.mark.parametrize(
    "then",
    [
        'add z "1" int=8\nremove z "2"\n',
        'add z "1" int=8\nadd z "9" int=8\n',
        'remove z "6"\nadd z "7" int=8\nadd z "7" int=8\nlookup z "7" int=8 len=1\nremove z "2"\n',
    ],
)
def test_an_add_that_is_refused_makes_room_all_the_same(then: str, share_audits: bool) -> None:
    """zap_lockdir() grows a micro block whose slots are all taken before the name is looked for."""
    full = "".join(f'add z "{number}" int=8\n' for number in range(7))
    model = ModelTarget("2.3")
    assert run(parse(f"zap z micro\n{full}{then}"), model, share_audits=share_audits).fine
    assert model.objset.dnode(1).block_size == 1024
