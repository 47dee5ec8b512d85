"""The bare ctypes loop that the target's speed is measured against: the same calls, nothing around them.

`python -m fuzz.bench.bare_library_loop --release 2.3` runs both, in turn, each in a child process of its own,
and prints programs a second. A program creates a ZAP at leaf shift 9, adds n keys with values of 8 bytes,
and destroys it.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from fuzz.corpus.places import ROOT
from fuzz.language.program import Op, Program, Zap
from fuzz.targets.libzpool.abi import DMU_NEW_OBJECT, DMU_OBJECT_END, TXG_NOWAIT, Library
from fuzz.targets.libzpool.locate import NoLibrary, find_library, python_for
from fuzz.targets.libzpool.pool import Pool
from fuzz.targets.libzpool.target import LibzpoolTarget

OPS = (6, 64)
_SHAPE = Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9)
_VALUE = bytes(8)
_SYNC_OPS = 20_000


def _keys(count: int, programs: int) -> list[list[int]]:
    """The keys of each program, the same in every process."""
    random_keys = random.Random(count)
    return [[random_keys.getrandbits(64) for _ in range(count)] for _ in range(programs)]


def programs_of(count: int, programs: int) -> list[Program]:
    """The same work as programs."""
    return [
        Program((_SHAPE,), tuple(Op("add", "z", (key,), 8, 1) for key in keys))
        for keys in _keys(count, programs)
    ]


def bare_seconds(library: Path, count: int, programs: int) -> float:
    """Seconds that a plain loop takes, the pool's start left out."""
    lib = Library(library)
    pool = Pool(lib)
    work = [[key.to_bytes(8, "little") for key in keys] for keys in _keys(count, programs)]
    started = time.perf_counter()
    for number, keys in enumerate(work):
        tx = lib.dmu_tx_create(pool.os)
        lib.dmu_tx_hold_zap(tx, DMU_NEW_OBJECT, 1, None)
        lib.dmu_tx_assign(tx, TXG_NOWAIT)
        zap = lib.zap_create_flags(pool.os, 0, 7, 1, 9, 17, 0, 0, tx)
        lib.dmu_tx_commit(tx)
        for key in keys:
            tx = lib.dmu_tx_create(pool.os)
            lib.dmu_tx_hold_zap(tx, zap, 1, None)
            lib.dmu_tx_assign(tx, TXG_NOWAIT)
            lib.zap_add_uint64(pool.os, zap, key, 1, 8, 1, _VALUE, tx)
            lib.dmu_tx_commit(tx)
        tx = lib.dmu_tx_create(pool.os)
        lib.dmu_tx_hold_free(tx, zap, 0, DMU_OBJECT_END)
        lib.dmu_tx_assign(tx, TXG_NOWAIT)
        lib.zap_destroy(pool.os, zap, tx)
        lib.dmu_tx_commit(tx)
        if number % max(1, min(500, _SYNC_OPS // count)) == 0:
            pool.sync()
    return time.perf_counter() - started


def target_seconds(library: Path, count: int, programs: int) -> float:
    """Seconds that the target takes for the same, its worker's start left out."""
    work = programs_of(count, programs)
    with LibzpoolTarget(path=library) as target:
        target.run_program(work[0])
        started = time.perf_counter()
        for _program, _outcome in target.run_many(work):
            pass
        return time.perf_counter() - started


def compare(library: Path, count: int, seconds: float = 1.0, rounds: int = 3) -> tuple[float, float]:
    """Programs a second, (bare, target), the best of some rounds in turn: other load only makes them less."""
    best = [0.0, 0.0]
    programs = max(50, int(seconds * 20_000 / (count + 2)))
    for _ in range(rounds):
        command = [*python_for(library), "-P", "-m", __spec__.name, "--library", str(library)]
        command += ["--only-bare", str(count), str(programs)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        best[0] = max(best[0], programs / float(out))
        best[1] = max(best[1], programs / target_seconds(library, count, programs))
    return best[0], best[1]


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.bench.bare_library_loop")
    parser.add_argument("--release", default="")
    parser.add_argument("--library", help="a libzpool.so instead")
    parser.add_argument("--only-bare", nargs=2, type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    try:
        library = find_library(chosen.release, chosen.library)
    except NoLibrary as problem:
        parser.error(str(problem))
    if chosen.only_bare:
        print(bare_seconds(library, *chosen.only_bare), flush=True)
        os._exit(0)  # with a pool open the library aborts in an ordinary exit
    print("ops  bare/s  target/s  share")
    for count in OPS:
        bare, target = compare(library, count)
        print(f"{count:3}  {bare:6.0f}  {target:8.0f}  {target / bare:5.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
