"""Protects what a campaign on other machines has found and counted against all that goes wrong there: workers
that are killed, hang or are of another version, a scheduler that is gone, a disk that is full."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from fuzz.corpus.unminimized import UNMINIMIZED
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Ledger
from fuzz.engines.campaign.scratch import FOLDER, hand_in_what_is_left
from fuzz.engines.campaign.slice import FUZZ, Slice
from fuzz.engines.campaign.store import Store
from tests.support.command import ZAPFUZZ
from tests.support.paths import ROOT
from tests.support.services.dask_cluster import Processes, cluster
from tests.support.services.small_disk import in_namespace, mounted

pytestmark = pytest.mark.xdist_group("campaign")
KILLS = int(os.environ.get("ZAPFUZZ_KILLS", "5"))
"""How many workers are killed; 60 are ten minutes."""
KILL_SECONDS = 10.0


class Running:
    """A campaign in a process of its own, over the folder `corpus`."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        (folder / "known").mkdir(exist_ok=True)
        mine = ["--corpus", str(folder / "corpus"), "--known", str(folder / "known"), "--release", "unfixed"]
        mine += ["--seed", "3"]  # with any, what is found may take longer to minimize than a test waits
        self.process = subprocess.Popen(
            [*ZAPFUZZ, "campaign", *mine, "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "ZAPFUZZ_HOME": str(folder / "home")},
        )

    def end(self, timeout: float = 120) -> tuple[int, str]:
        """Its status, and what it said beside the object that it prints."""
        said, errors = self.process.communicate(timeout=timeout)
        assert json.loads(said)["campaign"]["torn"] == []
        return self.process.returncode, errors


def corpus_of(folder: Path) -> Ledger:
    """What the corpus has now."""
    corpus = Corpus(Store(str(folder / "corpus")))
    corpus.look()
    return corpus.ledger


def wait_until(what: Callable[[], bool], seconds: float = 90.0) -> None:
    """Until something is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.2)


def at_work(processes: Processes, name: str) -> bool:
    """Whether a slice of a worker has counted something."""
    return bool(list(Path(processes.home(name), FOLDER).glob("*/counts.json")))


class Witness:
    """Remembers what slices have had in their folders, from outside: every failure, and the executions."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.failures: set[str] = set()
        self.executions: dict[str, int] = {}

    def look(self) -> None:
        """See what there is now."""
        for name in self.processes.workers:
            for path in Path(self.processes.home(name), FOLDER).glob("*"):
                with contextlib.suppress(OSError, ValueError):
                    counts = json.loads((path / "counts.json").read_text())
                    fuzzes = Slice.from_json((path / "slice.json").read_text()).what == FUZZ
                    # an arm has the executions of slices that fuzz: those that cut down are no arm's
                    self.executions[path.name] = counts["executions"] if fuzzes else 0
                for program in path.glob(f"out/{UNMINIMIZED}-*.zap"):
                    with contextlib.suppress(OSError):
                        self.failures.add(program.read_text().partition("\n")[0].removeprefix("# ").strip())


def test_workers_that_are_killed_again_and_again(tmp_path: Path) -> None:
    """Every KILL_SECONDS one of two is killed and comes back, at random together with all processes of its
    slice, as when a machine dies, or alone. In the end the corpus has every failure and execution that
    somebody has seen in the folder of any slice, and each slice once."""
    rng = Random(1)
    with cluster(tmp_path / "machines", 2) as processes:
        words = ["--scheduler", processes.address, "--slice", "8", "--time", str(KILLS * KILL_SECONDS + 20)]
        running = Running(tmp_path, *words, "--engine", "random", "--engine", "atheris")
        wait_until(lambda: at_work(processes, "w0") or at_work(processes, "w1"))
        witness = Witness(processes)
        for _ in range(KILLS):
            until = time.monotonic() + KILL_SECONDS * rng.uniform(0.7, 1.3)
            while time.monotonic() < until:
                witness.look()
                time.sleep(0.1)
            name = rng.choice(("w0", "w1"))
            slices = _slices(processes.workers[name].pid)
            processes.kill_worker(name)
            if rng.random() < 0.5:
                for pid in slices:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            processes.start_worker(name)
        status, errors = running.end(300)
        witness.look()
    assert status == 1, errors
    for name in processes.workers:  # what the last kill has left is handed in by whoever comes next
        environment = {**os.environ, "ZAPFUZZ_HOME": processes.home(name)}
        script = f"from {__name__} import hand_in; hand_in({str(tmp_path / 'corpus')!r})"
        subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=True)
        assert not list(Path(processes.home(name), FOLDER).iterdir())
    ledger = corpus_of(tmp_path)
    assert len(witness.executions) >= KILLS  # each slice of eight seconds, or of less
    assert witness.failures and witness.failures <= ledger.findings.keys() | ledger.open.keys()
    assert ledger.executions >= sum(witness.executions.values()) > 0
    assert sum(each.slices for each in ledger.workers.values()) >= len(witness.executions)
    counted = sum(met.count for rows in ledger.met.values() for met in rows.values())
    assert counted >= len(witness.failures)
    print(
        f"\n{KILLS} kills: {len(witness.executions)} slices, {ledger.executions} executions "
        f"({sum(witness.executions.values())} seen), {len(witness.failures)} failures seen, "
        f"{len(ledger.findings)} cut down, {len(ledger.waiting())} waiting"
    )


def hand_in(url: str) -> None:
    """What the next slice on a machine does first."""
    assert hand_in_what_is_left(Store(url)) == []


def _slices(pid: int) -> list[int]:
    """The processes of a worker's slices, and their engines'."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = path.read_text().rpartition(")")[2].split()
            children.setdefault(int(words[1]), []).append(int(path.parent.name))
    found, left = [], [pid]
    while left:
        some = children.get(left.pop(), [])
        found += some
        left += some
    return found


def test_a_scheduler_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    """The campaign waits for it; what slices had when it went is in the corpus."""
    with cluster(tmp_path / "machines", 1) as processes:
        words = ["--scheduler", processes.address, "--slice", "6", "--time", "40", "--engine", "random"]
        running = Running(tmp_path, *words)
        wait_until(lambda: at_work(processes, "w0"))
        processes.kill_scheduler()
        processes.kill_worker("w0", signal.SIGTERM)
        wait_until(lambda: corpus_of(tmp_path).executions > 0)
        before = corpus_of(tmp_path)
        processes.start_scheduler()
        processes.start_worker("w0")
        status, errors = running.end()
    assert status in (0, 1) and "is gone; waiting for it" in errors
    after = corpus_of(tmp_path)
    assert after.executions > before.executions
    assert before.findings.keys() | before.open.keys() <= after.findings.keys() | after.open.keys()


def test_a_scheduler_that_stays_away(tmp_path: Path) -> None:
    """One line, status 2, and the next campaign goes on from the corpus, here on this machine alone."""
    with cluster(tmp_path / "machines", 1) as processes:
        words = ["--scheduler", processes.address, "--slice", "6", "--time", "20", "--engine", "random"]
        running = Running(tmp_path, *words)
        wait_until(lambda: at_work(processes, "w0"))
        processes.kill_scheduler()
        _, errors = running.process.communicate(timeout=120)
        assert running.process.returncode == 2
        assert errors.strip().splitlines()[-1].startswith(f"zapfuzz: scheduler {processes.address}: is gone")
        wait_until(lambda: corpus_of(tmp_path).executions > 0)
    before = corpus_of(tmp_path).executions
    status, _ = Running(tmp_path, "--workers", "1", "--runs", "100", "--engine", "random").end()
    assert status in (0, 1) and corpus_of(tmp_path).executions == before + 100


def test_a_worker_that_hangs_is_gone_around(tmp_path: Path) -> None:
    """A stopped process answers nobody, and Dask has it for alive for five minutes. The other one goes on,
    and what the slice has had is in the corpus all the same: its process is not the worker's."""
    with cluster(tmp_path / "machines", 2) as processes:
        words = ["--scheduler", processes.address, "--slice", "4", "--time", "25", "--engine", "random"]
        running = Running(tmp_path, *words)
        wait_until(lambda: at_work(processes, "w0") and at_work(processes, "w1"))
        processes.kill_worker("w0", signal.SIGSTOP)
        begun = corpus_of(tmp_path).executions
        status, errors = running.end(200)
        processes.kill_worker("w0", signal.SIGCONT)
    assert status in (0, 1)
    assert "did not end a slice in time" in errors
    assert corpus_of(tmp_path).executions > begun


def test_a_worker_of_another_version_is_refused(tmp_path: Path) -> None:
    """With a line, once; the others do its work."""
    other = tmp_path / "other"
    for name in ("fuzz", "zapcore", "corpus"):
        shutil.copytree(ROOT / name, other / name, ignore=shutil.ignore_patterns("__pycache__"))
    (other / "fuzz" / "more.py").write_text('"""Something that the client has not."""\n')
    with cluster(tmp_path / "machines", 1) as processes:
        processes.start_worker("old", PYTHONPATH=str(other))
        words = ["--scheduler", processes.address, "--runs", "300", "--slice", "20", "--engine", "random"]
        status, errors = Running(tmp_path, *words).end()
    refused = [line for line in errors.splitlines() if "it has version" in line]
    assert len(refused) == 1 and ", expected " in refused[0] and "worker tcp://" in refused[0]
    assert status in (0, 1) and corpus_of(tmp_path).executions >= 300
    assert not list(Path(processes.home("old")).glob(f"{FOLDER}/*"))


def test_a_corpus_on_a_full_disk(tmp_path: Path) -> None:
    """It is said, the status is that of what was shown as new all the same, and what could not be
    written is handed in when there is room."""
    disk, home = tmp_path / "disk", tmp_path / "home"
    (tmp_path / "known").mkdir()
    command = f"{sys.executable} -c 'from fuzz.commands.cli import main; main()' campaign"
    words = f"--corpus {disk}/c --known {tmp_path}/known --workers 1 --runs 200 --engine random --slice 20"
    words += " --release unfixed"  # which fails soon, whatever the seed draws
    script = (
        f"{mounted(disk, 1000)}export ZAPFUZZ_HOME={home}\n"
        f'run() {{ {command} {words} --seed "$1" || echo "status $?"; }}\n'
        f"mkdir -p {disk}/c/parts\nhead -c 1010000 /dev/zero > {disk}/filler\nrun 2\n"
        f"echo == between; ls {disk}/c/parts {home}/slices\necho == room; rm {disk}/filler\nrun 3\n"
        f"echo == end; {command} status {disk}/c\nls {home}/slices\n"
    )
    done = in_namespace(script)
    full, waits, room, end = (each.rstrip() for each in re.split(r"^== .*$", done.stdout, flags=re.M))
    assert "No space left on device" in done.stderr and "not written: " in full, done.stdout + done.stderr
    assert "new: " in full and "status 1" in full, full
    assert waits.rpartition("/")[2].startswith("slices:\n20"), waits
    assert "status 0" not in room and "not written" not in room, room
    assert "400 executions" in end, end
    assert not end.rpartition("\n")[2].startswith("20"), "a slice waits still"
