"""Protects crashes inside a sync: after any write of a txg, and with some missing that no flush has made sure
of, the pool is what one txg held or what the next one did."""

from __future__ import annotations

import pytest

from fuzz.engines.crash_states.every_write import Different, crash_at_every_step, look, main, stable_digest
from fuzz.engines.crash_states.programs import SHAPES, all_programs, batches, merged, skeleton
from fuzz.engines.crash_states.target import CrashTarget
from fuzz.engines.crash_states.wire import Asked
from fuzz.language.program import Op
from fuzz.language.syntax import parse
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.packages.compile_once import NoCompiler
from tests.support.missing import missing

PROGRAMS = 60
"""In one pool."""


def target(release: str) -> CrashTarget:
    try:
        return CrashTarget(release)
    except (NoLibrary, NoCompiler) as none:
        missing(str(none))


@pytest.mark.parametrize("release", ["2.3", "2.4"])
def test_some_states_of_one_sync(release: str) -> None:
    """Programs of two ops after every shape, in one pool, and a few of its states, the first and the last of
    them among these."""
    batch = next(each for each in batches(2, 1 << 20) if skeleton(each[0][1]) == ("", ""))
    some = merged(batch[:: len(batch) // PROGRAMS])
    with target(release) as real:
        looked = look(some, ModelTarget(release), real, Asked(each=1 << 20, random=1, seed=1))
    assert looked.before and looked.after and looked.states.flushes
    assert looked.before + looked.after == len(looked.states.seen) >= 4


def test_what_is_neither_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has forgotten an entry on disk is another pool than the real one."""
    model = ModelTarget("2.3")
    real = target("2.3")
    program = parse('zap z micro\nadd z "a" int=8\nsync\nadd z "b" int=8\n')
    with real, pytest.raises(Different, match="neither"):
        monkeypatch.setattr("fuzz.engines.crash_states.every_write.stable_digest", lambda model: bytes(8))
        look(program, model, real, Asked(1 << 20, 0, 0))


def test_a_crash_at_every_step_of_short_programs_on_the_model() -> None:
    """Of 1404 programs every fifth; all, and those of three ops, are among the slow tests."""
    programs = crash_at_every_step(2, ModelTarget("2.3"), each=5)
    assert programs == (len(SHAPES) * (12 + 12 * 12) + 4) // 5


def test_every_program_is_in_one_batch() -> None:
    everything = sorted(all_programs(2), key=repr)
    assert sorted((each for batch in batches(2, 50) for each in batch), key=repr) == everything
    for batch in batches(2, 50):
        assert len({skeleton(ops) for _, ops in batch}) == 1 and len(batch) <= 50
        assert merged(batch).zaps[-1].name == f"z{len(batch) - 1}"


def test_bad_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--release", "2.3", "--ops", "many"])
    assert ended.value.code == 2 and "--ops" in capsys.readouterr().err


def test_the_digest_of_what_is_on_disk_sees_no_open_txg() -> None:
    model = ModelTarget("2.3")
    program = parse("zap z micro\n")
    model.begin(program)
    nothing = stable_digest(model)
    model.apply(Op("sync"))
    empty = stable_digest(model)
    model.apply(Op("add", "z", b"a", 8, 1))
    assert stable_digest(model) == empty != nothing
    model.apply(Op("sync"))
    assert stable_digest(model) != empty
