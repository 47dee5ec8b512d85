"""Protects which txg an op of a thread is in while another one syncs, and the order in which a sync comes to
its objects: as the model has it, on the real library, whatever the objects' numbers are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.real.compare_with_model import compare
from fuzz.threads.real.held_target import HeldTarget

Make = Callable[..., HeldTarget]
RELEASES = pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])

STOPPED_IN_A_TRANSACTIONS_READ = """
zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 1:2 2:1 3:9 4:1 5:9 6:2 7:1
add z 0x0 len=180
add z 0x8000000000000000 len=180
sync
evict
update z 0x0 len=60
txg
evict
t1: txg
t1: remove z 0x0
t2: txg
t2: remove z 0x8000000000000000
t9: spa_sync
"""
"""t1 is stopped where its transaction reads the header. t2 opens no txg meanwhile, since one syncs and one
waits."""


@RELEASES
def test_no_txg_is_opened_beside_two_while_a_transaction_reads(held: Make, release: str) -> None:
    done = compare(parse(STOPPED_IN_A_TRANSACTIONS_READ), held(release), ModelTarget(release))
    assert not done.difference and done.run.exact_turns == done.run.turns


FREED_AND_MADE_IN_ONE_TXG = """
zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 0:9 1:1 2:9 6:1 7:9 8:1 10:9 12:1 14:9 15:1 16:9 18:1 19:9 21:1
add z 0x0 len=180
add z 0x1000000000000000 len=180
add z 0x3000000000000000 len=180
add z 0x3800000000000000 len=180
sync
destroy z
create z
add z 0x0
txg
t1: lookup z 0x1000000000000000 len=180
t9: spa_sync
t9: spa_sync
"""


@RELEASES
def test_of_two_objects_of_one_zap_the_one_dirtied_first_is_synced_first(held: Make, release: str) -> None:
    """Each time, and though both are one ZAP's, of which the second sync has none."""
    real, model = held(release), ModelTarget(release)
    for _ in range(6):
        done = compare(parse(FREED_AND_MADE_IN_ONE_TXG), real, model)
        assert not done.difference and not done.run.divergences
        assert done.run.exact_turns == done.run.turns > 5
