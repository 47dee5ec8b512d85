"""Crashes at every step on the model, and at every write of the last txg on a real library: what is there
afterwards is what one txg held or what the next one did, whole, and a second import changes nothing.

    python -m fuzz.engines.crash_states.every_write --release 2.3
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.engines.crash_states.programs import SHAPES, all_programs, alone, batches, merged
from fuzz.engines.crash_states.target import CrashTarget
from fuzz.engines.crash_states.wire import Asked, States
from fuzz.execution.execute import run
from fuzz.language.printing import format_op, format_program
from fuzz.language.program import Op, Program
from fuzz.targets.libzpool.locate import NoLibrary
from fuzz.targets.libzpool.process.wire import block_digest, digest_blocks
from fuzz.targets.model.target import ModelTarget
from zapcore.release import PINNED


class Different(Exception):
    """A state that is neither that of one txg nor that of the next; the text says which."""


class Looked(NamedTuple):
    """What the crashes came to: how many states were those of the txg before, and of the txg itself."""

    states: States
    before: int
    after: int


def stable_digest(model: ModelTarget) -> bytes:
    """The digest of all ZAPs as the last txg that has synced left them (`worker.CrashWorker`)."""
    dnodes = model.objset.dnodes
    there = {model.names[number]: dnode for number, dnode in dnodes.items() if dnode.on_disk}
    parts = []
    for name in model.headers:
        dnode = there.get(name)
        blocks = None
        if dnode is not None:
            hole = bytes(dnode.stable_block_size)
            blocks = [dnode.stable.get(blkid, hole) for blkid in range(dnode.stable_max_blkid + 1)]
        parts.append(digest_blocks(blocks) or b"\0")
    return block_digest(b"".join(parts))


def look(program: Program, model: ModelTarget, real: CrashTarget, asked: Asked) -> Looked:
    """Run a program on both, and crash while its open txg syncs. Raises Different, Failure."""
    model.begin(program)
    real.begin(program)
    answers = real.apply_all(program.ops)
    for op, answer in zip(program.ops, answers, strict=True):
        if (right := model.apply(op)) != answer:
            raise Different(f"{format_op(op)}: model {right}, real {answer}")
    while model.objset.in_flight:
        model.objset.finish_oldest_txg()
    before = stable_digest(model)
    model.objset.finish_all_txgs()
    after = stable_digest(model)
    states = real.states(asked)
    for seen in states.seen:
        missing = f", {seen.missing} of them missing" if seen.missing else ""
        where = f"after {seen.writes} of {states.writes} writes{missing}"
        if seen.first not in (before, after):
            raise Different(f"{where}: the ZAPs are neither those of one txg nor those of the next")
        if seen.second != seen.first:
            raise Different(f"{where}: a second import finds others than the first")
    found = [seen.first for seen in states.seen]
    if found and before != after and (found[0] != before or states.seen[0].writes):
        raise Different("without any write of the txg it is there")
    return Looked(states, found.count(before), found.count(after) if after != before else 0)


def crash_at_every_step(most: int, model: ModelTarget, each: int = 1) -> int:
    """Every program of up to so many ops, or each so-many-th, with a crash at its end, judged: how many there
    were. Crashes at earlier steps are the ends of shorter programs. Raises Different."""
    programs = 0
    for shape, ops in itertools.islice(all_programs(most), 0, None, each):
        programs += 1
        whole = alone(shape, ops)
        outcome = run(whole.with_ops((*whole.ops, Op("crash"), *_LOOKS)), model)
        if not outcome.fine:
            raise Different(f"{outcome}\n{format_program(whole)}")
    return programs


_LOOKS = (Op("cursor", "c", other="z"), Op("next", "c"), Op("next", "c"), Op("crash"), Op("count", "z"))


def main(arguments: Sequence[str]) -> int:
    """Run it, and say how many there were. Status 1 where a state is wrong."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.engines.crash_states.every_write")
    parser.add_argument("--release", default="2.3", choices=list(PINNED), help="of model and library")
    parser.add_argument("--ops", type=int, default=3, help="most ops of a program")
    parser.add_argument("--merge", type=int, default=400, help="programs in one pool")
    parser.add_argument("--each", type=int, default=1, help="look after every so many writes")
    parser.add_argument("--random", type=int, default=0, help="states of each sync with writes missing")
    parser.add_argument("--batches", type=int, default=1 << 30, help="most pools")
    parser.add_argument("--model-only", action="store_true", help="crashes between ops only")
    options = parser.parse_args(arguments)
    model = ModelTarget(options.release)
    began = time.monotonic()
    try:
        programs = crash_at_every_step(options.ops, model)
        print(
            f"model {options.release}: {programs} programs after {len(SHAPES)} shapes, and a crash",
            flush=True,
        )
        if options.model_only:
            return 0
        done = pools = states = before = after = writes = 0
        with CrashTarget(options.release) as real:
            for batch in batches(options.ops, options.merge):
                if pools == options.batches:
                    break
                looked = look(merged(batch), model, real, Asked(options.each, options.random, pools))
                pools += 1
                done += len(batch)
                states += len(looked.states.seen)
                before += looked.before
                after += looked.after
                writes += looked.states.writes
                real.close()  # each import leaves memory behind in the library's process
        print(
            f"libzpool {options.release}: {done} programs in {pools} pools, {writes} writes of their last "
            f"txgs, {states} crashes: {before} as one txg, {after} as the next, 0 as neither; "
            f"{time.monotonic() - began:.0f} s"
        )
    except Different as different:
        print(f"different: {different}")
        return 1
    except NoLibrary as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
