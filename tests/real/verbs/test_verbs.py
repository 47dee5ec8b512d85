"""Protects what each verb answers: a small program each, its errnos and values on the real libraries."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from fuzz.bench.verb_and_errno_counts import take
from fuzz.execution.execute import run
from fuzz.judge.wrong_answers import OTHER_LENGTH
from fuzz.language.program import MAX_NAME, Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.language.verb_sets import ON_DISK, OWNED
from fuzz.language.verbs import VERBS
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many
from tests.support.programs.answers_of_verbs import ANSWERS

Make = Callable[..., LibzpoolTarget]


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize("what", ANSWERS)
def test_answers(libzpool: Make, release: str, what: str) -> None:
    text, wanted = ANSWERS[what]
    program = parse(text)
    target = libzpool(release)
    target.begin(program)
    assert [target.apply(op) for op in program.ops] == wanted


@pytest.mark.parametrize("shift", range(9, 18))
def test_every_block_size_survives_reopening(libzpool: Make, shift: int) -> None:
    """Enough entries for a few leaves; the real library reads them back from a pool imported again."""
    names = [b"%d" % number * 20 for number in range(60)]
    ops = [Op("add", "z", name[:200], 1, (1 << shift) // 8) for name in names]
    ops = [op._replace(length=min(op.length, 8192)) for op in ops]
    tail = [
        Op("reopen"),
        Op("readdir", "z"),
        Op("stats", "z"),
        *[Op("lookup", "z", op.key, 1, 8192) for op in ops],
    ]
    for zap in (Zap("z", hash64=True, leaf_shift=shift), Zap("z", fat=False, leaf_shift=shift)):
        outcome = run(Program((zap,), (*ops, *tail)), BothTarget(ModelTarget("2.3"), libzpool("2.3")))
        assert outcome.fine, outcome


ROOM = {
    **{("micro", "2.1"): 256, ("micro", "2.3"): 1024, ("micro", "2.4"): 1024},
    **{("fat", release): 256 for release in ("2.1", "2.3", "2.4")},
}
"""Bytes of the longest name with its NUL; a ZAP that was created micro has the type of directories."""


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize("kind", ["micro", "fat"])
@pytest.mark.parametrize("norm", [0, 0x52])
def test_the_longest_name_and_one_byte_more(libzpool: Make, release: str, kind: str, norm: int) -> None:
    """Written, found, walked, moved and removed at the limit; refused by every verb beyond it."""
    room = ROOM[kind, release]
    zap = Zap("z", fat=kind == "fat", hash64=kind == "fat", leaf_shift=12, norm=norm)
    first, last, over = b"a", b"n" * (room - 1), b"n" * room
    steps: list[tuple[Op, int]] = [
        (Op("add", "z", last, 8, 1, 5), 0),
        (Op("update", "z", last, 8, 1, 6), 0),
        (Op("lookup", "z", last, 8, 1), 0),
        (Op("contains", "z", last), 0),
        (Op("increment", "z", last, fill=1), 0),
        (Op("search", "z", fill=7), 0),
        (Op("cursor", "c", other="z"), 0),
        (Op("next", "c"), 0),
        (Op("readdir", "z"), 0),
        (Op("rename", "z", last, other="z", to=first), 0),
        (Op("rename", "z", first, other="z", to=last), 0),
        (Op("reopen"), 0),
        (Op("length", "z", last), 0),
        (Op("remove", "z", last), 0),
        (Op("touch", "z", last, fill=1), 0),
        (Op("unlink", "z", last), 0),
        (Op("touch", "z", first, fill=1), 0),
    ]
    no_form = norm and (release == "2.1" or room == 1024)
    refused, not_found = (errno.ENOTSUP,) * 2 if no_form else (errno.ENAMETOOLONG, errno.ENOENT)
    steps += [(Op(verb, "z", over, 8, 1), refused) for verb in ("add", "update", "lookup")]
    steps += [(Op("contains", "z", over), refused), (Op("increment", "z", over, fill=1), refused)]
    steps += [(Op("length", "z", over), not_found), (Op("remove", "z", over), not_found)]
    steps += [(Op(verb, "z", over, fill=1), errno.ENAMETOOLONG) for verb in ("touch", "mkdir")]
    steps += [(Op(verb, "z", over), errno.ENAMETOOLONG) for verb in ("unlink", "rmdir")]
    steps += [(Op("rename", "z", first, other="z", to=over), errno.ENAMETOOLONG)]
    program = Program((zap,), tuple(op for op, _ in steps))
    found: list[int] = []
    judged = run(program, ModelTarget(release), trace=lambda _, __, result: found.append(result.errno))
    assert judged.fine, judged
    assert found == [code for _, code in steps]
    assert run(program, BothTarget(ModelTarget(release), libzpool(release))).fine


def test_keys_are_tried_beyond_what_a_zap_takes() -> None:
    assert MAX_NAME > 1024


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
@few_and_many(2_000, 15_000)
def test_programs_over_everything_do_not_differ(libzpool: Make, release: str, count: int) -> None:
    """Seeded; every verb comes up. A million ops: `python -m fuzz.bench.verb_and_errno_counts`."""
    both = BothTarget(ModelTarget(release, block_limit=1 << 10), libzpool(release))
    census, different = take(both, 3, count)
    assert different is None, list(census.lines())[-1]
    anywhere = {name for name, verb in VERBS.items() if verb.draw.anywhere}
    assert set(census.verbs) >= anywhere - OWNED - ON_DISK - {"early"}
    assert {errno.ENOENT, errno.EEXIST, errno.ENOTSUP, errno.EOVERFLOW, errno.ENAMETOOLONG} <= set(
        census.errnos
    )


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_keys_of_several_lengths(libzpool: Make, release: str) -> None:
    """Told apart by their hashes; where these are one, a longer key is taken for a shorter one it begins with
    (a finding), on the real library as on the model."""
    head = "zap z fat key=u64 words=3 shorter leaf_shift=9"
    adds = "add z 0x5\nadd z 0x5:0x7\nadd z 0x5:0x7:0x0 len=9\nremove z 0x5\n"
    apart = parse(f"{head}\n{adds}length z 0x5:0x7:0x0\nreopen\nlookup z 0x5\nlookup z 0x5:0x7\nstats z\n")
    assert run(apart, BothTarget(ModelTarget(release), libzpool(release))).fine
    for verb in ("lookup", "add", "remove", "length", "contains"):
        taken = parse(f"{head} prehashed\nadd z 0x5\n{verb} z 0x5:0x7\n")
        for target in (ModelTarget(release), libzpool(release)):
            failure = run(taken, target).failure
            assert failure is not None and failure.signature.expression == OTHER_LENGTH


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_who_holds_the_dnode_gets_the_same(libzpool: Make, release: str) -> None:
    """zap_add_by_dnode() and its kin: answers, blocks and holds, of names and words, micro and fat."""
    called: set[str] = set()
    for head, keys in (
        ("micro micro_max_size=512", [f'"k{number}"' for number in range(9)]),
        ("fat key=u64 words=2 prehashed", [f"{number:#x}{'0' * 15}:0x1" for number in range(1, 10)]),
    ):
        adds = "".join(f"add z {key} int=8 fill=0x7\n" for key in keys)
        rest = f"txg\nupdate z {keys[0]} len=150\nlookup z {keys[0]} len=200\nremove z {keys[1]}\ncount z\n"
        gone = f"destroy z\nadd z {keys[0]}\nlookup z {keys[0]}\ncount z\n"
        program = parse(f"zap z {head} leaf_shift=9 by_dnode\n{adds}{rest}{gone}")
        both = BothTarget(ModelTarget(release), libzpool(release))
        outcome = run(program, both, trace=lambda _, op, __: called.add(op.verb))
        assert outcome.fine, outcome
    assert called >= {"add", "update", "lookup", "remove", "count"}
