"""Protects the truth of the model's stacks: what a real library prints of a panic is in the model's text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.execution.execute import run
from fuzz.language.program import changes_in_sync
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import only_now
from tests.support.paths import CORPUS

Make = Callable[..., LibzpoolTarget]

KNOWN = {
    reproducer.folder.name: reproducer
    for reproducer in map(read_reproducer, corpus_folders(CORPUS))
    if any("assertion" in text for name, text in reproducer.expect.items() if name.startswith("libzpool"))
    # a lock that was left over is a deadlock on the model, and what libspl makes of that on the library
    and not any("pthread_" in text for text in reproducer.expect.values())
    # what accounting calls in syncing context has frames that the model has not
    and not changes_in_sync(reproducer.program)
    # what a txg frees is walked by functions with callbacks, which are loops in the model
    and not any("dnode_sync.c" in text for text in reproducer.expect.values())
}


@only_now("release", ["2.3"], ["2.1", "2.3", "2.4"])
@pytest.mark.parametrize("name", KNOWN)
def test_the_real_stack_is_in_the_models(libzpool: Make, name: str, release: str) -> None:
    """A distribution's library has lost the names of static functions, so some are missing between those that
    it shows; those come in the model's order."""
    program = KNOWN[name].program
    mine, its = run(program, ModelTarget(release), judge=False), run(program, libzpool(release), judge=False)
    assert (mine.failure is None) == (its.failure is None)
    if mine.failure is None or its.failure is None:
        return
    assert mine.failure.signature.key == its.failure.signature.key
    left = iter(mine.failure.signature.stack)
    assert its.failure.signature.stack
    assert all(function in left for function in its.failure.signature.stack), its.failure.signature.stack
