"""Protects that a panic's stack reads like the real one's: every public call by its own name, for names and
for keys of words, as the release has them."""

from __future__ import annotations

import pytest

from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L

READ = ("zap_get_leaf_byblk", "zap_deref_leaf")
NAME, WORDS = b"name", (7,)

STACKS: list[tuple[Op, tuple[str, ...]]] = [
    (Op("add", "z", NAME, 8, 1), ("fzap_add_cd", "fzap_add", "zap_add_impl", "zap_add")),
    (Op("update", "z", NAME, 8, 1), ("fzap_update", "zap_update")),
    (Op("remove", "z", NAME), ("fzap_remove", "zap_remove_impl", "zap_remove_norm", "zap_remove")),
    (Op("remove_norm", "z", NAME), ("fzap_remove", "zap_remove_impl", "zap_remove_norm")),
    (Op("lookup", "z", NAME, 8, 1), ("fzap_lookup", "zap_lookup_impl", "zap_lookup_norm", "zap_lookup")),
    (Op("lookup_norm", "z", NAME, 8, 1), ("fzap_lookup", "zap_lookup_impl", "zap_lookup_norm")),
    (Op("contains", "z", NAME), ("fzap_lookup", "zap_lookup_impl", "zap_lookup_norm", "zap_contains")),
    (Op("length", "z", NAME), ("fzap_length", "zap_length")),
    (
        Op("increment", "z", NAME, fill=1),
        ("fzap_lookup", "zap_lookup_impl", "zap_lookup_norm", "zap_lookup", "zap_increment"),
    ),
    (
        Op("touch", "z", NAME),
        (
            *("fzap_lookup", "zap_lookup_impl", "zap_lookup_norm", "zap_lookup"),
            *("zfs_match_find", "zfs_dirent_lock", "zfs_create"),
        ),
    ),
    (Op("add", "w", WORDS, 8, 1), ("fzap_add_cd", "fzap_add", "zap_add_uint64_impl", "zap_add_uint64")),
    (Op("update", "w", WORDS, 8, 1), ("fzap_update", "zap_update_uint64_impl", "zap_update_uint64")),
    (Op("remove", "w", WORDS), ("fzap_remove", "zap_remove_uint64_impl", "zap_remove_uint64")),
    (Op("lookup", "w", WORDS, 8, 1), ("fzap_lookup", "zap_lookup_uint64_impl", "zap_lookup_uint64")),
    (Op("contains", "w", WORDS), ("fzap_lookup", "zap_lookup_uint64_impl", "zap_lookup_uint64")),
    (Op("length", "w", WORDS), ("fzap_length", "zap_length_uint64")),
    (Op("increment", "w", WORDS, fill=1), ("fzap_lookup", "zap_lookup_uint64_impl", "zap_lookup_uint64")),
]
"""What stands behind READ when an op meets a leaf that is none, in 2.3: read from module/zfs/zap_micro.c."""

LACKS = {
    "2.1": {f"zap_{verb}_uint64_impl" for verb in ("add", "update", "remove", "lookup")},
    "unfixed": {"zap_lookup_uint64_impl"},
    "explicit-evict": {"zap_lookup_uint64_impl"},
    "2.3": set(),
}
"""Functions that came later."""


@pytest.mark.parametrize("release", LACKS)
@pytest.mark.parametrize(("op", "stack"), STACKS, ids=[f"{op.verb}-{op.subject}" for op, _ in STACKS])
def test_every_call_has_its_own_name(release: str, op: Op, stack: tuple[str, ...]) -> None:
    target = ModelTarget(release)
    zaps = (Zap("z", hash64=True, leaf_shift=9), Zap("w", words=1, leaf_shift=9))
    target.begin(Program(zaps, ()))
    dbuf = target.objset.dnode(target.numbers[op.subject]).hold(1, "test")
    dbuf.buf.q[L.Q_BLOCK_TYPE] = 0
    with pytest.raises(Failure) as caught:
        target.apply(op)
    assert caught.value.signature.place == "zap.c:zap_get_leaf_byblk"
    wanted = tuple(name for name in (*READ, *stack) if name not in LACKS[release])
    assert caught.value.signature.stack == wanted
