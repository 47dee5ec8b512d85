"""Protects the judgement of a pool without room: what was refused there has changed nothing."""

from __future__ import annotations

import pytest

from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget


@pytest.mark.parametrize("release", ["2.1", "2.4"])
@pytest.mark.parametrize("refused", ["claim z", "add z 0x1", "update z 0x1", "join a z"])
def test_what_was_refused_is_not_done_again_after_a_crash(refused: str, release: str) -> None:
    """The ops that a crash keeps are judged once more, with room: a number that was claimed where it could
    not be was there again."""
    kind = "micro" if refused == "claim z" else "fat key=u64"
    key = '"a"' if refused == "claim z" else "0x1"
    text = f"zap z {kind}\nzap a {kind}\ndestroy z\nfull\n{refused}\nsync\ncrash\nremove z {key}\ncreate z\n"
    assert run(parse(text), ModelTarget(release)).fine
