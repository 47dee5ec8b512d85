"""Protects the end of a pointer table's growth, which takes a gigabyte."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from fuzz.bench.verb_and_errno_counts import FULL_BYTES, take_full
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

pytestmark = pytest.mark.xdist_group("gigabytes")

Make = Callable[..., LibzpoolTarget]


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_pointer_table_of_half_a_gibibyte_is_the_last(
    own_libzpool: Make, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC: with 28 bits of hash a table has at most 2^26 entries. Programs end at their bounds before."""
    monkeypatch.setattr("fuzz.targets.libzpool.process.child.RSS_LIMIT", FULL_BYTES)
    census = take_full(ModelTarget(release), own_libzpool(release, 120.0), 3, 100)
    assert census.both["add", 0] == 1 and census.both["add", errno.ENOSPC] == 101
    twice = "assertion dbuf.c:dbuf_verify_user holds >= db->db_dirtycnt"
    end = twice if release == "2.1" else "ENOSPC"
    assert list(census.ends) == [f"an update in a full table: {end}"]
