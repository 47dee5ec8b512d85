"""How soon a guest is as it was saved, and that nothing of it outlives who started it: `python -m
fuzz.bench.guest_resets [--version V] [--resets N] [--kills N]`.

A reset is timed after a program that ended well and after a panic. A parent is killed at a random moment:
while its guest boots to be saved, while one starts, or while it runs programs; then its QEMU must be gone,
and a next start must sweep whatever a killed one had begun.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzz.corpus.places import ROOT
from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.kernel.guest import Dead, Guest
from fuzz.targets.kernel.locate import SHIPPED, find_parts, kernel_cache
from fuzz.targets.kernel.target import KernelTarget

PROGRAM = 'zap d micro\ntouch d "one"\ntxg\nreaddir d\n'
CHILD = """
import sys
from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.kernel.target import KernelTarget
target = KernelTarget(sys.argv[1], sys.argv[2], thorough=False)
while True:
    run(parse(sys.argv[3]), target)
    print("ran", flush=True)
"""
GONE_SECONDS = 5.0


def resets(version: str, count: int) -> tuple[list[float], list[float]]:
    """Seconds to a fresh guest, after a program and after a panic. Raises NoKernel."""
    target = KernelTarget(version, SHIPPED, thorough=False)
    program = parse(PROGRAM)
    after_program, after_panic = [], []
    run(program, target)
    for _ in range(count):
        after_program.append(_timed(target.guest))
        run(program, target)
        try:
            target.guest.write("/proc/sysrq-trigger", b"c")
        except Dead:
            after_panic.append(_timed(target.guest))
        run(program, target)
    target.close()
    return after_program, after_panic


def _timed(guest: Guest) -> float:
    began = time.monotonic()
    guest.fresh()
    return time.monotonic() - began


def kills(version: str, count: int, rng: Random, boots: int) -> Iterator[str]:
    """Kill so many parents, the first `boots` of them while their guest boots; a line for each that left
    something behind."""
    with tempfile.TemporaryDirectory(prefix="zapfuzz-kills-") as folder:
        cache = Path(folder, "kernel")
        cache.mkdir()
        for part in kernel_cache().iterdir():
            if part.is_dir() and not part.name.startswith(".") and part.name != "guests":
                (cache / part.name).symlink_to(part)
        for number in range(count):
            if number == boots:
                _run_once(version, folder)
            yield from _kill_one(version, folder, rng, boot=number < boots, number=number)
        yield from _left_over(version, folder, cache)


def _kill_one(version: str, cache: str, rng: Random, *, boot: bool, number: int) -> Iterator[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, version, SHIPPED, PROGRAM],
        env=os.environ | {"PYTHONPATH": str(ROOT), "ZAPFUZZ_CACHE": cache},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    guests: set[int] = set()
    try:
        if not boot and rng.random() < 0.5:
            child.stdout.readline()
        until = time.monotonic() + rng.uniform(0.3, 25 if boot else 4)
        while time.monotonic() < until and child.poll() is None:
            guests |= _qemus_of(child.pid)
            time.sleep(0.02)
        guests |= _qemus_of(child.pid)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    until = time.monotonic() + GONE_SECONDS
    while (left := {pid for pid in guests if _is_qemu(pid)}) and time.monotonic() < until:
        time.sleep(0.02)
    if left:
        yield f"kill {number}: QEMU {sorted(left)} is still there"


def _qemus_of(parent: int) -> set[int]:
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return set()
    return {int(each) for each in children if _is_qemu(int(each))}


def _is_qemu(pid: int) -> bool:
    try:
        return "qemu-system" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def _left_over(version: str, folder: str, cache: Path) -> Iterator[str]:
    """What is there after one more start, but for the saved guest and its initrd."""
    _run_once(version, folder)
    for path in (cache / "guests").iterdir():
        if path.suffix not in (".qcow2", ".initrd") or path.name.startswith("."):
            yield f"left over: {path.name}"


def _run_once(version: str, folder: str) -> None:
    """One program in a process of its own, which boots and saves a guest where there is none."""
    code = CHILD.replace("while True:", "for _ in range(1):")
    subprocess.run(
        [sys.executable, "-c", code, version, SHIPPED, PROGRAM],
        env=os.environ | {"PYTHONPATH": str(ROOT), "ZAPFUZZ_CACHE": folder},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def main() -> int:
    """Measure both, and say so; 1 if anything was left."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.bench.guest_resets", description=__doc__)
    parser.add_argument("--version", default="2.3.2")
    parser.add_argument("--resets", type=int, default=20)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument(
        "--boots", type=int, default=10, help="how many of the kills are while the guest boots"
    )
    given = parser.parse_args()
    find_parts(given.version, SHIPPED)
    for name, seconds in zip(("a program", "a panic"), resets(given.version, given.resets), strict=True):
        median, most = statistics.median(seconds), max(seconds)
        print(
            f"reset after {name}: {median:.2f} s at the median of {len(seconds)}, {most:.2f} at most",
            flush=True,
        )
    wrong = (
        list(kills(given.version, given.kills, Random(1), min(given.boots, given.kills)))
        if given.kills
        else []
    )
    for line in wrong:
        print(line)
    if given.kills:
        print(f"{given.kills} kills of the parent, {len(wrong)} left something behind")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
