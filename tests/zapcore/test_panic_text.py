"""Protects the text of a panic: macro, values and place as OpenZFS 2.3.2 prints them on Linux."""

from __future__ import annotations

import pytest

from fuzz.corpus.reproducer import read_reproducer
from fuzz.execution.execute import run
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS
from zapcore.errors import Kind, Panic


@pytest.mark.parametrize(
    ("macro", "printed"),
    [
        ("ASSERT", "VERIFY(a == b) failed (1 == 2)"),
        ("VERIFY", "VERIFY(a == b) failed (1 == 2)"),
        ("ASSERT3U", "VERIFY3(a == b) failed (1 == 2)"),
        ("VERIFY3P", "VERIFY3(a == b) failed (1 == 2)"),
        ("ASSERT0", "VERIFY0(a == b) failed (1 == 2)"),
        ("PANIC", "PANIC: a == b"),
    ],
)
def test_macros_as_debug_h_prints_them(macro: str, printed: str) -> None:
    panic = Panic(Kind.ASSERTION, "zap.c:zap_add", "a == b", macro=macro, values=("1", "2"), line=7)
    assert panic.kernel_text().splitlines()[:2] == [printed, "PANIC at zap.c:7:zap_add()"]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        (
            "findings/zap-shrink-stale-shift",
            "VERIFY3(zap_leaf_phys(l)->l_hdr.lh_block_type == ZBT_LEAF) failed (0 == 9223372036854775808)\n"
            "PANIC at zap.c:578:zap_get_leaf_byblk()\n",
        ),
        (
            "findings/zap-cursor-on-table",
            "VERIFY3(zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC) failed (1 == 44768943)\n"
            "PANIC at zap_leaf.c:434:zap_leaf_lookup_closest()\n",
        ),
        (
            "findings/cursor-serialize-after-destroy",
            "VERIFY((zc->zc_hash & zap_maxcd(zc->zc_zap)) == 0) failed\n"
            "PANIC at zap_micro.c:1879:zap_cursor_serialize()\n",
        ),
    ],
)
def test_findings_as_the_kernel_would_print_them(name: str, printed: str) -> None:
    pytest.importorskip("greenlet")
    failure = run(read_reproducer(CORPUS / name).program, ModelTarget("2.3")).failure
    assert failure is not None
    assert failure.text.startswith(printed)
