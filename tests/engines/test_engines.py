"""The engines: they find the panic that the project exists for, and a seed decides everything they do."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.corpus.reproducer import folders, known_failures, read_reproducer
from fuzz.engines.engine_config import ENGINES, Config
from fuzz.engines.engine_loop import Loop
from fuzz.engines.hypothesis_engine import Shrinking, find_failure
from fuzz.execution.execute import run
from fuzz.language.syntax import load, parse
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS

RACE = CORPUS / "findings/zap-shrink-stale-shift/program.zap"
STALE = CORPUS / "regressions/stale-user-data-txg/program.zap"
SEEDS = {"hypothesis": STALE, "threads": RACE}
OF_RACES = ("threads", "sync")
"""Engines whose failures take half a minute to minimize: left to the slow tests."""
FINDINGS = CORPUS / "findings"
NEXT_TABLE = "invariant zap:free-mark every block lies below the free mark"

GUIDED_BY_COUNTERS_ALONE = """
import sys
import atheris
from fuzz.engines.feedback.libfuzzer_counters import reserve
observe = reserve()

def test_one_input(data):
    for index, byte in enumerate(b"stale"):
        if index >= len(data) or data[index] != byte:
            return
        observe(index - 3)
    raise RuntimeError("solved")

atheris.Setup([sys.argv[0], "-runs=1000000", "-seed=1", "-max_len=6"], test_one_input)
atheris.Fuzz()
"""


def test_counters_of_our_own_guide_libfuzzer(tmp_path: Path) -> None:
    """Fails when Atheris's private names go, or stop to count: without guidance this takes 2^40 tries."""
    done = subprocess.run(
        [sys.executable, "-c", GUIDED_BY_COUNTERS_ALONE],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert "RuntimeError: solved" in done.stdout + done.stderr


@pytest.mark.slow
def test_hypothesis_finds_the_stale_user_data() -> None:
    target = ModelTarget("unfixed", block_limit=1024)
    findings = frozenset(known_failures([read_reproducer(each) for each in folders([FINDINGS])], "unfixed"))
    assert findings
    for number in range(20):
        found = find_failure(target, number, known=findings)
        if found is not None:
            break
    assert found is not None
    program, failure = found
    assert failure.signature.place == "zap.c:zap_create_leaf"
    again = run(program, target).failure
    assert again is not None and again.signature == failure.signature
    small, _ = minimize_failure(program, failure, target)
    assert len(small.ops) == 7


def test_hypothesis_finds_nothing_where_nothing_is() -> None:
    assert find_failure(ModelTarget("2.1", block_limit=1024), 1, examples=40) is None


@pytest.mark.parametrize(
    ("engine", "minimized"),
    [
        *((engine, engine not in OF_RACES) for engine in ENGINES),
        pytest.param("threads", True, marks=pytest.mark.slow),
    ],
)
def test_the_seed_decides_everything(engine: str, minimized: bool, tmp_path: Path) -> None:
    """Executions, findings and their bytes, in two processes with different PYTHONHASHSEED. Findings that are
    not `minimized` are all known, and only counted: a race that is minimized takes the slow tests. The engine
    beside a sync minimizes as the one of threads does."""
    runs, seed = {
        "atheris": ("50", "7"),
        "random": ("20", "7"),
        "uniform": ("120", "3"),
        "threads": ("12", "3"),
        "sync": ("40", "2"),
        "hypothesis": ("25", "3"),
    }[engine]
    (tmp_path / "known").mkdir()
    results = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-c",
                    "from fuzz.commands.cli import main; main()",
                    "fuzz",
                    "--engine",
                    engine,
                ),
                *("--release", "unfixed", "--seed", seed, "--runs", runs),
                *(("--known", str(tmp_path / "known")) if minimized else ()),
                *("--out", str(folder / "out")),
                *(("--corpus", str(folder / "working")) if engine == "atheris" else ()),
                # what Hypothesis draws depends on the text of all modules, so any change may bring bad luck;
                # a race takes more programs than a test has time for
                *(("--seeds", str(SEEDS[engine])) if engine in SEEDS else ()),
            ],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == int(minimized), done.stdout + done.stderr
        assert f" {runs} executions" in done.stdout
        files = {str(path.relative_to(folder / "out")): path.read_bytes() for path in _files(folder / "out")}
        inputs = {path.name for path in _files(folder / "working")}
        counts = [line for line in done.stdout.splitlines() if " x " in line]
        results.append((files, inputs, counts))
    assert results[0] == results[1]
    assert bool(results[0][0]) == minimized
    assert results[0][2]
    assert bool(results[0][1]) == (engine == "atheris")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_configuration_survives_the_way_to_its_process() -> None:
    config = Config("random", "2.3", seeds=("a", "b"), known=(NEXT_TABLE,), extra=("-x=1",), seconds=1.5)
    assert Config.from_json(config.to_json()) == config


def test_options_reach_libfuzzer(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from fuzz.commands.cli import main; main()", "fuzz", "--seed", "1"),
            *("--time", "60", "--out", str(tmp_path / "out"), "--", "-no_such_thing=1", "-runs=25"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 25 executions" in done.stdout


def test_what_hypothesis_shrinks_is_on_disk_before(tmp_path: Path) -> None:
    """Shrinking takes its time, and a process may be killed meanwhile. Afterwards what is left is reported
    instead; what was not shrunk to the end is reported as it was met."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    before = signal.getsignal(signal.SIGTERM)
    loop = Loop(Config("hypothesis", "unfixed", out=str(tmp_path), report=writing))
    signal.signal(signal.SIGTERM, before)
    shrinking = Shrinking(loop)
    program = load(STALE)
    failure = run(program, loop.target).failure
    assert failure is not None
    longer = program.with_ops((program.ops[2], *program.ops))
    shrinking.met(longer, failure)
    shrinking.met(program, failure)
    assert [load(path) for path in tmp_path.iterdir()] == [longer]
    shrinking.shrunk(program, failure)
    assert [load(path) for path in tmp_path.iterdir()] == [program]
    shrinking.met(longer, dataclasses.replace(failure, signature=failure.signature._replace(expression="x")))
    shrinking.left()
    assert sorted(map(load, tmp_path.iterdir()), key=lambda each: len(each.ops)) == [program, longer]
    events = [json.loads(line) for line in os.read(reading, 1 << 16).splitlines()]
    assert [Path(event["file"]).parent for event in events] == [tmp_path, tmp_path]
    os.close(reading)
    os.close(writing)


def test_a_failing_program_is_not_cut_where_its_end_has_kept_the_pool_in_place(tmp_path: Path) -> None:
    """Whether a pool can move is asked of the whole program. Without the `fail` behind the failure the pool
    goes to a release that does not fail, and what is reported would not come again."""
    reading, writing = os.pipe()
    before = signal.getsignal(signal.SIGTERM)
    loop = Loop(Config("uniform", "unfixed", out=str(tmp_path), report=writing))
    signal.signal(signal.SIGTERM, before)
    stale = load(STALE)
    move, fail = parse("zap z fat hash64\nmove to=24\nfail z\n").ops
    loop.execute(stale.with_ops((move, *stale.ops, fail)))
    (kept,) = map(load, tmp_path.iterdir())
    assert str(run(kept, loop.target)) == str(run(stale, loop.target)) != "fine"
    os.close(reading)
    os.close(writing)
