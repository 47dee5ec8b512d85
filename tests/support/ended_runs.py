"""Fuzzing runs that something ends at a random moment, and what must be on disk then."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from fuzz.corpus.reproducer import REPRODUCER_FILE, read_reproducer
from fuzz.judge.signature import Signature
from fuzz.language.syntax import load
from fuzz.targets.end_with_parent import end_with
from tests.support.command import ZAPFUZZ
from tests.support.paths import CORPUS
from tests.support.services.small_disk import in_namespace, mounted

FINDS = ("fuzz", "--known", "known", "--out", "out", "--seeds", str(CORPUS / "regressions"))
"""Begins a run to which nothing is known and which finds something at once."""
MODEL = (*FINDS, "--release", "unfixed")
LIBRARY = (*FINDS, "--release", "2.3", "--target", "libzpool", "--seeds", str(CORPUS / "findings"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
WHOM = ("parent", "worker", "group")
SUMMARY = re.compile(r"^ +\d+ x (?!gone around)(.*) \((?:new|did not).*\)$", re.M)
KEPT = re.compile(r"^new, kept in (.*)$", re.M)
ALL = re.compile(r"failures \d+ new, (\d+) in all")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a run ended, and all that it said."""

    status: int
    seconds: float
    output: str


def children(pid: int) -> list[int]:
    """The processes that one has started, and theirs."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    direct = [int(word) for word in text.split()]
    return direct + [each for child in direct for each in children(child)]


def ended_run(
    folder: Path, words: Sequence[str], number: signal.Signals, whom: str, rng: Random, latest: float
) -> Ended:
    """Start a run, and send a signal to it at a random moment after it has met something. A run that goes on
    when its worker is killed is ended by SIGTERM a moment later."""
    (folder / "known").mkdir(parents=True)
    here = os.getpid()

    def as_in_a_terminal() -> None:
        for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        end_with(here, signal.SIGTERM)  # it has no bound of its own, and tests may be ended

    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [*ZAPFUZZ, *words, "--seed", str(rng.randrange(1, 1 << 30))],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
            preexec_fn=as_in_a_terminal,
        )
    deadline = time.monotonic() + 60
    while not (folder / "out").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, latest))
    workers = children(process.pid)
    begun = time.monotonic()
    if whom == "parent" or not workers:
        process.send_signal(number)
    elif whom == "group":
        os.killpg(process.pid, number)
    else:
        for each in workers[:1] if rng.random() < 0.5 else workers[-1:]:
            os.kill(each, number)
        time.sleep(rng.uniform(0, 1))
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
    status = process.wait(60)
    return Ended(status, time.monotonic() - begun, (folder / "output").read_text())


def kept_texts(out: Path) -> set[str]:
    """The signatures of all failures that a folder has. Every file in it must be whole."""
    texts: set[str] = set()
    for path in out.glob("*.zap"):
        load(path)
        texts.add(path.read_text().splitlines()[0].removeprefix("# "))
    for toml in out.glob(f"[!.]*/{REPRODUCER_FILE}"):
        reproducer = read_reproducer(toml.parent)
        texts.update((reproducer.title, *reproducer.expect.values()))
    return texts


def _titled(text: str) -> str:
    """A signature as a reproducer's title has it: what hangs on stale bytes may end otherwise when the
    library is asked again, and then no line of [expect] has it."""
    of = Signature.of(text)
    return f"{of.kind} in {of.place.rpartition(':')[2]}: {of.expression}"


def missing(folder: Path, ended: Ended, *elsewhere: Path) -> set[str]:
    """What a run has counted and is nowhere on disk."""
    kept = set().union(*(kept_texts(place) for place in (folder / "out", *elsewhere)))
    counted = set(SUMMARY.findall(ended.output))
    for place in KEPT.findall(ended.output):
        name = Path(place).name  # of what was on a disk that is gone there is a copy
        if not any((kept_in / name / REPRODUCER_FILE).exists() for kept_in in (folder / "out", *elsewhere)):
            counted.add(f"what is kept in {place}")
    totals = [int(number) for number in ALL.findall(ended.output)]
    if totals and totals[-1] and not kept:
        counted.add(f"{totals[-1]} failures")
    return {text for text in counted - kept if _titled(text) not in kept}


def run_on_a_disk_that_fills(folder: Path, words: Sequence[str], seconds: float, kib: int = 200) -> Ended:
    """A run of some executions whose --out lies on a disk that is full so many seconds after it began; what
    there was on it is in `out` afterwards. What has no room is kept in the user's folder, `home`."""
    disk = folder / "disk"
    (folder / "known").mkdir(parents=True)
    script = (
        f"{mounted(disk, kib)}mkdir disk/out; ln -s disk/out out\n"
        "begun() { grep -q fuzzing output || [ -e status ]; }\n"
        f"(until begun; do sleep 0.02; done; sleep {seconds}; cat /dev/zero > disk/fill) 2>/dev/null &\n"
        'ZAPFUZZ_HOME="$PWD/home" "$@" > output 2>&1 || echo $? > status\n'
        "wait; rm -f disk/fill out; cp -r disk/out out\n"
    )
    done = in_namespace(f'cd "{folder}"\n{script}', *ZAPFUZZ, *words)
    assert done.returncode == 0, done.stderr
    status = int((folder / "status").read_text()) if (folder / "status").exists() else 0
    return Ended(status, 0.0, (folder / "output").read_text())
