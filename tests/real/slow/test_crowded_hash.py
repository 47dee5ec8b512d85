"""The finding `crowded-hash` at the default leaf size, where it takes a gigabyte: on the model and on the
real library the same name is the last that fits, and a micro ZAP of more panics when it becomes fat."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from fuzz.bench.verb_and_errno_counts import FULL_BYTES
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from zapcore.hashing import crc64, name_for_hash

pytestmark = pytest.mark.xdist_group("gigabytes")

SALT = 0x123456789ABCDEF1
ANOTHER = 1
NAMES = [name_for_hash(ANOTHER, 0x1234567 << 36, 28, b"%03d" % number) for number in range(160)]
TOUCHES = tuple(Op("touch", "d", name) for name in NAMES)
UPDATES = (*(Op("update", "d", name, 8, 1) for name in NAMES), Op("update", "d", b"x", 8, 2))


def ends(target: ModelTarget | LibzpoolTarget, ops: tuple[Op, ...]) -> list[object]:
    """The errno of each op, and the kind and place of the failure that ends them, if one does."""
    found: list[object] = []
    try:
        for op in ops:
            found.append(target.apply(op).errno)
    except Failure as failure:
        found.append((failure.signature.kind, failure.signature.place))
    return found


def on_model(release: str, ops: tuple[Op, ...]) -> list[object]:
    """In a process of its own: the memory that it takes would be the whole session's."""
    model = ModelTarget(release)
    model.begin(Program((Zap("d", fat=False, salt=SALT, leaf_shift=14),), ()))
    model.objset.block_limit, model.objset.byte_limit = 1 << 20, FULL_BYTES
    return ends(model, ops)


def test_names_have_one_hash_under_any_salt() -> None:
    for salt in (SALT, ANOTHER):
        assert len({crc64(salt, name) >> 36 for name in NAMES}) == 1


@pytest.mark.parametrize("release", ["2.1", "2.3"])
@pytest.mark.parametrize(
    ("ops", "last"),
    [(TOUCHES, [28]), (UPDATES, [0, ("assertion", "zap_micro.c:mzap_upgrade")])],
    ids=["a directory takes no more", "a micro ZAP panics"],
)
def test_on_model_and_library(
    own_libzpool: Callable[..., LibzpoolTarget],
    monkeypatch: pytest.MonkeyPatch,
    release: str,
    ops: tuple[Op, ...],
    last: list[object],
) -> None:
    monkeypatch.setattr("fuzz.targets.libzpool.process.child.RSS_LIMIT", FULL_BYTES)
    real = own_libzpool(release, 120.0)
    real.begin(Program((Zap("d", fat=False, salt=SALT, leaf_shift=14),), ()))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        mine = pool.submit(on_model, release, ops)
        assert ends(real, ops) == mine.result() == [0] * 159 + last
