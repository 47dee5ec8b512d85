"""The finding `crowded-hash` at the default leaf size, where it takes a gigabyte: on the model and on the
real library the same name is the last that fits, and a micro ZAP of more panics when it becomes fat."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from fuzz.census import FULL_BYTES
from fuzz.program import Op, Program, Zap
from fuzz.signature import Failure
from fuzz.targets.base import Result
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model import ModelTarget
from zapcore.hashing import crc64, name_for_hash

pytestmark = pytest.mark.skipif(os.environ.get("CI") != "true", reason="takes a gigabyte: in CI only")

SALT = 0x123456789ABCDEF1
ANOTHER = 1
NAMES = [name_for_hash(ANOTHER, 0x1234567 << 36, 28, b"%03d" % number) for number in range(160)]
HEADER = Program((Zap("d", fat=False, salt=SALT, leaf_shift=14),), ())
Target = ModelTarget | LibzpoolTarget


@pytest.fixture(params=["2.1", "2.3"])
def targets(
    request: pytest.FixtureRequest, libzpool: Callable[..., LibzpoolTarget], monkeypatch: pytest.MonkeyPatch
) -> tuple[Target, ...]:
    """Model and library of one release, with as much memory as it takes."""
    monkeypatch.setattr("fuzz.targets.libzpool.child.RSS_LIMIT", FULL_BYTES)
    model, real = ModelTarget(request.param), libzpool(request.param, 120.0)
    for target in (model, real):
        target.begin(HEADER)
    model.objset.block_limit, model.objset.byte_limit = 1 << 20, FULL_BYTES
    return model, real


def test_names_have_one_hash_under_any_salt() -> None:
    for salt in (SALT, ANOTHER):
        assert len({crc64(salt, name) >> 36 for name in NAMES}) == 1


def test_no_file_more_can_be_made(targets: tuple[Target, ...]) -> None:
    for target in targets:
        results = [target.apply(Op("touch", "d", name)).errno for name in NAMES]
        assert results == [0] * 159 + [28]
        assert target.apply(Op("count", "d")) == Result(0, 159)


def test_a_micro_zap_that_updates_have_filled_panics(targets: tuple[Target, ...]) -> None:
    for target in targets:
        for name in NAMES:
            assert target.apply(Op("update", "d", name, 8, 1)).errno == 0
        with pytest.raises(Failure) as raised:
            target.apply(Op("update", "d", b"x", 8, 2))
        assert raised.value.signature.kind == "assertion"
        assert raised.value.signature.place == "zap_micro.c:mzap_upgrade"
