"""A mutant that is looked for beside the real library is found by a difference that it causes, and by no
other."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.bench.time_to_find import SEEDED, is_found
from fuzz.faults.seeded import applied
from fuzz.judge.signature import Signature
from fuzz.language.syntax import load
from fuzz.targets.libzpool import LibzpoolTarget
from tests.support.paths import MUTANTS


def test_a_difference_that_is_there_anyway_is_nobodys(libzpool: Callable[[str], LibzpoolTarget]) -> None:
    """Model and library agree today; a model that is wrong anyway stands for a day on which they do not."""
    mutant = next(bug for bug in SEEDED if bug.target == "both")
    libzpool(mutant.release)
    program = load(MUTANTS / f"{mutant.mutant}.zap")
    difference = Signature("difference", "both:compare", f"{program.ops[-1].verb} blocks")
    assert is_found(mutant, program, difference)
    assert not is_found(mutant, program, difference._replace(kind="invariant"))
    with applied(mutant.mutant):
        assert not is_found(mutant, program, difference)
