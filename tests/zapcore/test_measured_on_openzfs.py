"""The table that was measured on real OpenZFS: six sequences on four releases, all 24 cells.

They protect the whole model at once: shrink, the free mark, when a freed block's dbuf lives, and whose user
data it keeps.
"""

from __future__ import annotations

import errno

import pytest

from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore import layout
from zapcore.release import RELEASES

A = (0,)
B = (1 << 63,)
ZAPS = (Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9),)


def add(key: tuple[int, ...]) -> Op:
    return Op("add", "z", key, 1, 180)


def remove(key: tuple[int, ...]) -> Op:
    return Op("remove", "z", key)


ADDS = (add(A), add(B))
REMOVES = (remove(A), remove(B))
CURSOR_AT_B = (Op("cursor", "c", other="z"), Op("next", "c"), Op("next", "c"))
SEQUENCES = {
    "one txg": (*ADDS, *REMOVES, *ADDS),
    "synced before": (*ADDS, Op("sync"), *REMOVES, *ADDS),
    "synced between": (*ADDS, Op("sync"), *REMOVES, Op("sync"), *ADDS),
    "txg in flight": (*ADDS, Op("txg"), *REMOVES, *ADDS),
    "cursor parked": (*ADDS, Op("sync"), *CURSOR_AT_B, *REMOVES, *ADDS),
    "cursor asked again": (*ADDS, Op("sync"), *CURSOR_AT_B, *REMOVES, Op("retrieve", "c")),
}
STALE = "assertion zap.c:zap_create_leaf NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)"
FREED = "use-after-free rwlock:rw_enter l->l_rwlock is not freed"
PANICS = {
    ("unfixed", "txg in flight"): STALE,
    ("unfixed", "cursor parked"): STALE,
    ("explicit-evict", "cursor asked again"): FREED,
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_cell(release: str, sequence: str) -> None:
    target = ModelTarget(release)
    target.begin(Program(ZAPS, ()))
    ops = SEQUENCES[sequence]
    for op in ops[:-1]:
        assert target.apply(op).errno == 0
    expected = PANICS.get((release, sequence))
    if expected is None:
        last = target.apply(ops[-1]).errno
        assert last == (errno.ENOENT if sequence == "cursor asked again" else 0)
        return
    with pytest.raises(Failure) as caught:
        target.apply(ops[-1])
    assert str(caught.value.signature) == expected


@pytest.mark.parametrize("release", RELEASES)
def test_leaves_and_free_mark_in_one_txg(release: str) -> None:
    target = ModelTarget(release)
    target.begin(Program(ZAPS, ()))
    seen = []
    for op in SEQUENCES["one txg"]:
        target.apply(op)
        header = target.objset.dnodes[1].dbufs[0].buf.q
        seen.append((header[layout.Q_NUM_LEAFS], header[layout.Q_FREEBLK]))
    grown = [(1, 2), (2, 3), (2, 3)]
    after = [(2, 3)] * 3 if release == "2.1" else [(1, 2), (1, 2), (2, 3)]
    assert seen == grown + after


def test_the_panic_reads_like_the_kernels() -> None:
    target = ModelTarget("unfixed")
    target.begin(Program(ZAPS, ()))
    with pytest.raises(Failure) as caught:
        for op in SEQUENCES["txg in flight"]:
            target.apply(op)
    head, place, *trace = caught.value.text.splitlines()
    assert head.startswith(
        "VERIFY3(NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)) failed (0000000000000000 == "
    )
    assert place == "PANIC at zap.c:441:zap_create_leaf()"
    assert [line.strip() for line in trace] == [
        *("Call Trace:", "zap_create_leaf", "zap_expand_leaf", "fzap_add_cd", "fzap_add"),
        *("zap_add_uint64_impl", "zap_add_uint64"),
    ]
