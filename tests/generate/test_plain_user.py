"""Programs for a real kernel: file operations alone, which do something."""

from __future__ import annotations

from collections import Counter
from random import Random

from fuzz.execution.execute import run
from fuzz.generate.reach.plain_user import plain_user_program
from fuzz.targets.kernel.plain_files import dataset_words, has_long_names, why_not_files
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L


def test_every_program_is_file_operations() -> None:
    """Nothing that no user can type, in directories by default, or of file systems with any property."""
    model, told = ModelTarget("2.3"), Counter[str]()
    for seed in range(120):
        program = plain_user_program(Random(seed), model)
        assert why_not_files(program) is None and not has_long_names(program)
        for zap in program.zaps:
            words = dataset_words(zap)
            told.update((word.split("=")[0] for word in words) if words else ["nothing"])
    words = ("casesensitivity", "normalization", "utf8only", "longname", "compression", "encryption")
    assert all(told[word] > 3 for word in (*words, "nothing")), told


def test_programs_come_to_splits_joins_and_tables() -> None:
    """As drawn, they reach what matters in leaves of 16 KiB, and end well but for what is known."""
    model, seen, ends = ModelTarget("2.3"), Counter[str](), Counter[str]()
    for seed in range(60):
        outcome = run(plain_user_program(Random(seed), model), model)
        ends[str(outcome)] += 1
        for name in model.numbers:
            q = memoryview((model.blocks(name) or [bytes(512)])[0]).cast("Q")
            fat = q[L.Q_BLOCK_TYPE] == L.ZBT_HEADER
            seen["fat"] += fat
            seen["split"] += fat and q[L.Q_NUM_LEAFS] > 1
            seen["joined"] += fat and q[L.Q_FREEBLK] > q[L.Q_NUM_LEAFS] + 1
            seen["table in a block"] += fat and q[L.Q_TBL_NUMBLKS] > 0
    assert all(seen[what] > 1 for what in ("fat", "split", "joined", "table in a block")), seen
    known = ("fine", "limit", "assertion zap.c:zap_trunc lastblk <", "work zap.c:zap_trunc ")
    assert all(text.startswith(known) for text in ends), ends
