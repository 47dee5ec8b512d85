"""Protects what each verb answers on ZAPs that syncing context writes: a ZAP of usage, one of the MOS. Some
verbs ask the model's world of such a ZAP what they ask of no other."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import Theme, op_of
from fuzz.language.program import Op, Program
from fuzz.language.syntax import parse
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import only_now
from tests.support.known_endings import is_fine_or_known

Make = Callable[..., LibzpoolTarget]
KINDS = ["micro usage=group", "fat usage=group", "micro mos", "fat hash64 mos"]
NAMES = [b"1", b"a", b"ff"]


@only_now("release", ["2.4"], ["2.1", "2.3", "2.4"])
@only_now("kind", KINDS[:2], KINDS)
def test_every_verb_on_a_zap_that_syncing_context_writes(libzpool: Make, release: str, kind: str) -> None:
    """Each verb three times, then a sync and all that is there."""
    target = BothTarget(ModelTarget(release, block_limit=1 << 9), libzpool(release))
    for name, verb in VERBS.items():
        if verb.subject is Subject.ZAP:
            program = _program_of(name, kind)
            assert is_fine_or_known(run(program, target)), program


def _program_of(name: str, kind: str) -> Program:
    """Three ops of a verb on a ZAP of a kind, between two syncs."""
    zap = parse(f"zap z {kind}").zaps[0]
    about = Theme({"z": zap}, {"z": list(NAMES)}, {"z": [8]}, [name], [1])
    rng = Random(name)
    ops = [op_of(rng, name, about) for _ in range(3)]
    return Program((zap,), (Op("sync"), *ops, Op("sync"), Op("readdir", "z")))
