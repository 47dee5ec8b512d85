"""Several processes of one run: their counts are added, their corpus is one, their seeds differ, the dead are
replaced; and a run that is started again on its corpus goes on where it was."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from fuzz.corpus.places import ROOT
from fuzz.corpus.reproducer import Reproducer, known_failures, read_reproducer
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import Found, FuzzingRun
from fuzz.engines.parallel_processes import EARLY_DEATHS, EngineProblem, Jobs, Progress, config_of_job
from fuzz.execution.execute import run
from fuzz.judge.signature import Signature
from fuzz.language.byteform import encode
from fuzz.language.printing import format_program
from fuzz.language.syntax import load, parse
from fuzz.targets.model.target import ModelTarget
from tests.support.command import fuzz
from tests.support.paths import CORPUS

STALE = str(CORPUS / "regressions" / "stale-user-data-txg" / "program.zap")


def config(engine: str, **more: object) -> Config:
    """A run on 2.3 that begins now."""
    settings = {"release": "2.3", "seed": 1, "started": time.monotonic(), **more}
    return Config(engine=engine, **settings)  # type: ignore[arg-type]


def run_to_end(jobs: Jobs) -> None:
    """Let all processes come to their bound."""
    try:
        for _ in jobs.events():
            pass
    finally:
        jobs.close()


def wait_for(jobs: Jobs, executions: int) -> None:
    """Until so many executions are done."""
    for _ in jobs.events():
        if jobs.progress.executions >= executions:
            return
    pytest.fail("the run is over")


def never(text: str) -> None:
    """No process may die."""
    pytest.fail(text)


def test_shares_of_the_runs_add_up_and_seeds_differ() -> None:
    whole = Config("random", "2.3", seed=7, runs=10)
    each = [config_of_job(whole, job, 3, life) for life in (0, 1) for job in range(3)]
    assert [one.runs for one in each[:3]] == [4, 3, 3]
    assert each[0].seed == 7
    assert len({one.seed for one in each}) == 6
    assert all(0 < one.seed <= 0x7FFFFFFF for one in each)


@pytest.mark.parametrize("engine", ["random", "hypothesis"])
def test_two_processes_do_all_runs_and_their_counts_are_added(engine: str) -> None:
    jobs = Jobs(config(engine, runs=41), 2, never)
    assert len(set(jobs.pids)) == 2
    run_to_end(jobs)
    assert jobs.progress.executions == 41
    assert jobs.progress.ops > 41


def test_a_process_reads_what_another_puts_into_the_corpus(tmp_path: Path) -> None:
    """What appears in the folder while it runs is run: here a failure that no other program comes to."""
    program = load(CORPUS / "findings" / "table-growth-suspends" / "program.zap")
    (tmp_path / "of-before").write_bytes(encode(program.with_ops(program.ops[:1])))
    jobs = Jobs(config("atheris", corpus=str(tmp_path), seconds=60, seed=6), 1, never)
    wait_for(jobs, 100)
    (tmp_path / "from-another").write_bytes(encode(program))
    met = (event for event in jobs.events() if event is not None and event["event"] == "failure")
    assert any(parse(event["program"], "<found>") == program for event in met)
    jobs.close()


def test_a_process_that_dies_is_replaced_and_said_and_its_counts_stay() -> None:
    died: list[str] = []
    jobs = Jobs(config("random", seconds=60), 2, died.append)
    for _ in jobs.events():  # one that has done nothing yet is not begun again
        if all(engine.progress.executions for engine in jobs._engines):
            break
    before, pids = jobs.progress.executions, jobs.pids
    os.kill(pids[0], signal.SIGKILL)
    for _ in jobs.events():  # the other may do any number of executions before we hear of the death
        if died:
            break
    wait_for(jobs, before + 40)
    assert len(jobs.pids) == 2
    assert pids[0] not in jobs.pids and pids[1] in jobs.pids
    assert len(died) == 1
    assert "process 1 of 2: the engine ended with status -9" in died[0] and "started again" in died[0]
    jobs.close()


PARENT = """
import time
from fuzz.engines.engine_config import Config
from fuzz.engines.parallel_processes import Jobs
jobs = Jobs(Config("random", "2.3", seed=1, started=time.monotonic(), seconds=60), 1, print)
for _ in jobs.events():
    if jobs.progress.executions:
        break
print(*jobs.pids, flush=True)
time.sleep(60)
"""


def test_a_process_ends_with_the_run_that_was_killed(tmp_path: Path) -> None:
    """Also one that is at something for long: by itself it notices between two programs, and a guest that
    boots meanwhile stays as long."""
    command = [sys.executable, "-c", PARENT]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < until:
        time.sleep(0.05)
    gone = not Path(f"/proc/{pid}/exe").exists()
    if not gone:
        os.kill(pid, signal.SIGKILL)
    assert gone


def test_what_a_killed_run_leaves_is_swept_by_the_next(tmp_path: Path) -> None:
    """Its working corpus, and what its engine writes."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    script = "from fuzz.commands.cli import main; main()"
    command = [sys.executable, "-c", script, "fuzz", "--engine", "random", "--out", str(tmp_path / "out")]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(scratch),
        "ZAPFUZZ_HOME": str(tmp_path / "home"),
    }
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    with subprocess.Popen([*command, "--time", "60"], **quiet) as killed:  # type: ignore[call-overload]
        until = time.monotonic() + 60
        while len(list(scratch.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        killed.kill()
    assert len(list(scratch.iterdir())) == 2
    subprocess.run([*command, "--runs", "3"], check=False, **quiet)  # type: ignore[call-overload]
    assert not list(scratch.iterdir())


def test_a_run_whose_processes_keep_dying_ends() -> None:
    died: list[str] = []
    jobs = Jobs(config("random", seconds=60), 1, died.append)
    with pytest.raises(EngineProblem, match="status -9"):
        for _ in range(EARLY_DEATHS):
            wait_for(jobs, jobs.progress.executions + 1)
            os.kill(jobs.pids[0], signal.SIGKILL)
        wait_for(jobs, 1 << 30)
    jobs.close()
    assert len(died) == EARLY_DEATHS - 1


def test_a_process_that_never_ran_is_not_tried_again() -> None:
    jobs = Jobs(Config(engine="random", release="9.9"), 1, never)
    with pytest.raises(EngineProblem, match=r"release 9\.9"):
        run_to_end(jobs)


def test_an_exception_in_an_engine_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Atheris writes it to the standard output, before pages of its own; what was told was their end."""
    raises = tmp_path / "raises"
    calls = "atheris.Setup(['raises', '-runs=9'], lambda data: {}['u2'])"
    raises.write_text(f"#!{sys.executable}\nimport atheris\n{calls}\natheris.Fuzz()\n")
    raises.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(raises))
    with pytest.raises(EngineProblem, match=r"^the engine ended with status \d+: KeyError: 'u2'$"):
        run_to_end(Jobs(config("atheris"), 1, never))


def test_stop_ends_all_and_nothing_is_replaced() -> None:
    jobs = Jobs(config("random", seconds=60), 2, never)
    wait_for(jobs, 10)
    begun = time.monotonic()
    jobs.stop()
    run_to_end(jobs)
    assert time.monotonic() - begun < 30
    assert jobs.pids == []


def test_fuzz_with_two_jobs_keeps_one_reproducer_of_what_both_find(tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    status, output = fuzz(
        tmp_path,
        *("--engine", "random", "--release", "unfixed", "--runs", "24", "--jobs", "2"),
        *("--seeds", STALE),
        *("--known", "known", "--out", "out"),
    )
    assert status == 1, output
    assert " 24 executions" in output
    assert "seed 1, 2 processes" in output.splitlines()[0]
    assert output.count("PANIC at zap.c:441:zap_create_leaf()") == 1
    line = next(line for line in output.splitlines() if " x " in line and "dmu_buf_set_user" in line)
    assert int(line.split()[0]) > 1


@pytest.mark.parametrize("engine", ["atheris", "random"])
def test_a_run_leaves_no_files_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    fuzz(tmp_path, "--engine", engine, "--release", "2.3", "--runs", "20", "--out", "out")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_run_goes_on_from_its_corpus(tmp_path: Path) -> None:
    """All that was kept is there again at once, and nothing of it is lost."""
    common = ("--release", "2.3", "--corpus", "working", "--out", "out", "--seed", "3")
    fuzz(tmp_path, *common, "--runs", "160")
    before = {path.name for path in (tmp_path / "working").iterdir()}
    assert len(before) > 20
    jobs = Jobs(config("atheris", corpus=str(tmp_path / "working"), seconds=60), 1, never)
    wait_for(jobs, len(before) + 1)  # libFuzzer begins with an empty input of its own
    resumed = jobs.progress
    wait_for(jobs, len(before) + 80)
    jobs.close()
    assert before < {path.name for path in (tmp_path / "working").iterdir()}
    fresh = Jobs(config("atheris", runs=len(before) + 1), 1, never)
    run_to_end(fresh)
    assert resumed.coverage > fresh.progress.coverage


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.cut_down: list[Found] = []
        self.known: list[str] = []

    def progress(self, progress: Progress) -> None:
        """Not looked at."""

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """Keep it."""
        self.known.append(str(signature))

    def found(self, found: Found) -> None:
        """Keep it."""
        self.cut_down.append(found)

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """Nobody waits."""
        return contextlib.nullcontext()


def test_a_failure_that_does_not_come_again_is_kept_aside_and_ends_nothing(tmp_path: Path) -> None:
    """A real library that met its deadline under load need not do so again."""
    notes = Notes()
    fuzzing = FuzzingRun(config("random"), ModelTarget("2.3"), {}, tmp_path, notes)
    text = Path(STALE).read_text()
    hang = ["hang", "libzpool:add", "no answer", []]
    fuzzing._failure(
        {"signature": hang, "program": text, "text": "", "op": 6, "executions": 1, "seconds": 1.0}
    )
    (kept,) = tmp_path.iterdir()
    assert load(kept) == load(STALE)
    assert len(notes.notes) == 1
    assert "did not come again" in notes.notes[0] and str(kept) in notes.notes[0]
    assert fuzzing.found == []
    assert fuzzing.lost == ["hang libzpool:add no answer"]


def failure_event() -> dict[str, object]:
    """What an engine reports of the stale user data."""
    program = load(STALE)
    outcome = run(program, ModelTarget("unfixed"))
    assert outcome.failure is not None
    return {
        "event": "failure",
        "program": format_program(program),
        "signature": outcome.failure.signature,
        "text": outcome.failure.text,
        "op": outcome.failure.op,
        "executions": 1,
        "seconds": 0.1,
    }


def test_a_failure_is_on_disk_before_it_is_minimized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal while a failure is cut down loses nothing: its program is in the folder, and it counts as one
    that is not cut down. Once it is, only the reproducer stays."""
    fuzzing = FuzzingRun(config("random"), ModelTarget("unfixed"), {}, tmp_path, Notes())

    def interrupted(*_: object, **__: object) -> None:
        assert [load(path) for path in tmp_path.iterdir()] == [load(STALE)]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("fuzz.engines.fuzzing_run.minimize_failure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fuzzing._failure(failure_event())
    (kept,) = tmp_path.iterdir()
    assert load(kept) == load(STALE)
    assert kept.read_text().startswith("# assertion zap.c:zap_create_leaf ")
    assert list(fuzzing.open) == [kept]
    fuzzing._failure(failure_event())
    (folder,) = tmp_path.iterdir()
    assert (folder / "reproducer.toml").is_file()
    assert not fuzzing.open


def test_when_the_time_is_over_nothing_is_minimized_any_more(tmp_path: Path) -> None:
    """What comes in while the run ends is kept as it was found."""
    over = dataclasses.replace(config("random"), seconds=5.0, started=time.monotonic() - 5)
    fuzzing = FuzzingRun(over, ModelTarget("unfixed"), {}, tmp_path, Notes())
    fuzzing._failure(failure_event())
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("unminimized-")
    assert list(fuzzing.open) == [kept]
    assert fuzzing.found == []


@pytest.mark.parametrize("extra", [0.0, 60.0])
def test_what_there_was_no_time_for_is_minimized_in_extra_time(tmp_path: Path, extra: float) -> None:
    """That is for `try`: its page has what differs cut down."""
    over = dataclasses.replace(config("random"), seconds=5.0, started=time.monotonic() - 5)
    fuzzing = FuzzingRun(over, ModelTarget("unfixed"), {}, tmp_path, Notes(), extra_seconds=extra)
    fuzzing._failure(failure_event())
    fuzzing._use_extra_time()
    assert len(fuzzing.found) == bool(extra) and bool(fuzzing.open) != bool(extra)
    assert bool(list(tmp_path.glob("*/reproducer.toml"))) == bool(extra)


def test_a_known_failure_is_told_once_and_never_minimized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was 15 to 90 of the seconds that `--time 15` took."""
    monkeypatch.setattr(
        "fuzz.engines.fuzzing_run.minimize_failure", lambda *_, **__: pytest.fail("minimized")
    )
    known = known_failures([read_reproducer(Path(STALE).parent)], "unfixed")
    notes = Notes()
    fuzzing = FuzzingRun(config("random"), ModelTarget("unfixed"), known, tmp_path, notes)
    for _ in range(2):
        fuzzing._failure(failure_event())
    assert notes.known == list(known)
    assert list(tmp_path.iterdir()) == []
