"""A growth without end is judged before a real library would run it."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.language.syntax import parse
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget

HEADER = "zap z fat key=u64 prehashed leaf_shift=9\n"


def test_beside_a_library_it_is_judged_too(libzpool: Callable[[str], LibzpoolTarget]) -> None:
    """The library runs what comes before only: growth without end would cost it its process."""
    program = parse(HEADER + "add z 0x0\nadd z 0x1 len=273\n")
    target = BothTarget(ModelTarget("2.3", block_limit=1 << 10), libzpool("2.3"))
    assert run(program, target).fine
    with applied(Edit("zap.leaf:entry_create", "if h[L.H_NFREE] < chunks:", "if h[L.H_NFREE] <= chunks:")):
        failure = run(program, target).failure
    assert failure is not None
    assert (failure.signature.expression, failure.op) == ("a leaf has no room where it has", 1)
