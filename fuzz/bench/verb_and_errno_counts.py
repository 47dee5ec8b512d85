"""How often each verb and each errno comes up in compared runs:
`python -m fuzz.bench.verb_and_errno_counts --release 2.3`.

Programs of `fuzz.generate.whole_language` and of each style in turn (sync tasks, accounting, crashes, reads
that fail, no room, moves between releases and indirect blocks are some), each on the model and on the real
library. After every op, every result and every block are compared, and the answer is judged. The first
difference, or the first answer that the oracle denies and that is no finding, is printed, and the status is
1.

ENOSPC comes from one place, zap_grow_ptrtbl() (module/zfs/zap.c): a table that has 2^26 entries does not grow
(2^46 with HASH64). zap_expand_leaf() hands it to fzap_add_cd() and fzap_update(). Such a table is half a
gibibyte, which is more than a program may use. Programs whose hashes have few bits (`hash_bits` in the
header) meet it at a small table, and every fourth program is one of them. With `--full N` a table of full
size is made after the other programs, and N ops are run that it refuses. That takes about ten seconds and two
gibibytes of memory, and only the results are compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

from fuzz.execution.execute import run
from fuzz.generate.styles import STYLES
from fuzz.generate.whole_language import whole_language_program
from fuzz.judge.signature import Failure, Signature
from fuzz.judge.wrong_answers import OTHER_LENGTH, WIDENED
from fuzz.language.printing import format_program
from fuzz.language.program import Op, Program, Zap, may_have_hash_bits
from fuzz.language.validate import HASH_BITS
from fuzz.language.verbs import VERBS
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import NoLibrary
from fuzz.targets.libzpool.process import child
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.registry import make_target
from zapcore.errors import errno_name
from zapcore.release import RELEASES, named_release

REPORT_SECONDS = 60.0

FULL_BYTES = 4 << 30
"""Of memory that the worker may take for a table of the largest size."""
BATCH = 100


class Census:
    """What came up so far. `ends` counts how programs ended that were not compared to their end."""

    def __init__(self) -> None:
        self.compared = 0
        self.verbs: Counter[str] = Counter()
        self.errnos: Counter[int] = Counter()
        self.both: Counter[tuple[str, int]] = Counter()
        self.ends: Counter[str] = Counter()

    def count(self, program: Program, errnos: list[int]) -> None:
        """One program that ran to its end, or to a failure that both sides share."""
        self.compared += len(errnos)
        pairs = [(op.verb, code) for op, code in zip(program.ops, errnos, strict=False)]
        self.both.update(pairs)
        self.verbs.update(verb for verb, _ in pairs)
        self.errnos.update(errnos)

    def add(self, other: Census) -> None:
        """What came up in another one, too."""
        self.compared += other.compared
        self.verbs.update(other.verbs)
        self.errnos.update(other.errnos)
        self.both.update(other.both)
        self.ends.update(other.ends)

    def lines(self) -> Iterator[str]:
        """The table: a line for each verb, the errnos that it gave behind it; then each errno in all."""
        for verb in VERBS:
            found = sorted((code, count) for (name, code), count in self.both.items() if name == verb)
            shown = "  ".join(f"{errno_name(code)} {count}" for code, count in found)
            yield f"{verb:12} {self.verbs[verb]:8}  {shown}"
        for code, count in sorted(self.errnos.items()):
            yield f"{errno_name(code):12} {count:8}"
        for end, count in self.ends.most_common():
            yield f"{count:8} programs ended: {end}"


def programs(seed: int, release: str) -> Iterator[Program]:
    """Programs without end, the same for the same seed: every other one over the whole language, and between
    them each style in turn, drawn for a release."""
    model = make_target("model", release, small=True)
    assert isinstance(model, ModelTarget)
    draws = [draw for _, draw in STYLES.values()]
    for number in itertools.count():
        rng = Random(f"{seed}:{number}")
        in_turn, between = divmod(number, 2)
        program = draws[in_turn % len(draws)](rng, model) if between else whole_language_program(rng)
        if number % 8 < 2:
            few = [
                zap._replace(hash_bits=rng.choice((0, *HASH_BITS[:5]))) if may_have_hash_bits(zap) else zap
                for zap in program.zaps
            ]
            program = dataclasses.replace(program, zaps=tuple(few))
        yield program


def take(target: BothTarget, seed: int, ops: int) -> tuple[Census, Program | None]:
    """Compare so many ops; returns early, with the program, at the first difference."""
    census = Census()
    told = started = time.monotonic()
    for program in programs(seed, target.model.release.name):
        if census.compared >= ops:
            break
        outcome = run(program, target, forgive=lambda failure: failure.signature.expression == WIDENED)
        signature = None if outcome.failure is None else outcome.failure.signature
        wrong = signature is not None and signature.kind in ("difference", "oracle")
        if wrong and signature is not None and signature.expression != OTHER_LENGTH:
            census.ends[str(outcome)] += 1
            return census, program
        if not outcome.fine:
            census.ends["limit" if outcome.limit else str(outcome)] += 1
        if outcome.limit is None:
            census.count(program, [result.errno for result, _ in target.steps])
        if time.monotonic() - told > REPORT_SECONDS:
            told = time.monotonic()
            rate = census.compared / (told - started)
            print(f"{census.compared} ops, {rate:.0f} a second", file=sys.stderr, flush=True)
    return census, None


def full_ops(rng: Random, count: int) -> Iterator[Op]:
    """A table of the largest size, by two entries whose hashes part at the last bit; then as many ops on the
    leaf of the first, which has room for no second one of their length."""
    yield from (Op("add", "z", (key << 36,), 1, 8192) for key in (0, 1))
    for _ in range(count):
        key = (rng.randrange(1, 4) << 36,)
        yield Op("add", "z", key, 1, rng.randrange(5200, 8193), rng.getrandbits(8))
    yield from (Op("lookup", "z", (key << 36,), 1, 8192) for key in range(4))
    yield Op("count", "z")


def take_full(model: ModelTarget, real: LibzpoolTarget, seed: int, count: int) -> Census:
    """Compare so many ops that are refused for want of room (ENOSPC), and what is there then. The last is an
    update, of which 2.1 dies. Raises Failure at a difference."""
    census = Census()
    program = Program((Zap("z", words=1, prehashed=True),), tuple(full_ops(Random(seed), count)))
    model.begin(program)
    model.objset.block_limit, model.objset.byte_limit = 1 << 20, FULL_BYTES
    real.begin(program)
    for at in range(0, len(program.ops), BATCH):
        ops = program.ops[at : at + BATCH]
        results = [model.apply(op) for op in ops]
        if results != real.apply_all(ops):
            raise _differs(f"ops {at} to {at + BATCH} of a full table")
        census.count(program.with_ops(ops), [result.errno for result in results])
    last = Op("update", "z", (1 << 36,), 1, 8192)
    ends = [_end(target, last) for target in (model, real)]
    if ends[0] != ends[1]:
        raise _differs(f"an update in a full table: {ends[0]}, {ends[1]}")
    census.ends[f"an update in a full table: {ends[0]}"] += 1
    return census


def _end(target: ModelTarget | LibzpoolTarget, op: Op) -> str:
    try:
        return errno_name(target.apply(op).errno)
    except Failure as failure:
        return str(failure.signature)


def _differs(what: str) -> Failure:
    return Failure(Signature("difference", "both:compare", what), what)


def main(arguments: list[str] | None = None) -> int:
    """Take a census and print it."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.bench.verb_and_errno_counts")
    parser.add_argument("--release", default="2.3")
    parser.add_argument("--ops", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--full", type=int, default=0, help="ops on a table that cannot grow (ENOSPC)")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    if named_release(chosen.release) is None:
        parser.exit(2, f"--release {chosen.release}: expected one of {', '.join(RELEASES)}\n")
    try:
        library = LibzpoolTarget(chosen.release)
    except NoLibrary as reason:
        parser.exit(2, f"{reason}\n")
    with library as real:
        both = BothTarget(ModelTarget(chosen.release), real)
        census, different = take(both, chosen.seed, chosen.ops)
        if chosen.full and different is None:
            child.RSS_LIMIT = FULL_BYTES
            real.close()
            census.add(take_full(ModelTarget(chosen.release), real, chosen.seed, chosen.full))
    seconds = time.monotonic() - started
    print(f"release {chosen.release}, seed {chosen.seed}: {census.compared} ops compared in {seconds:.0f} s")
    for line in census.lines():
        print(line)
    if different is not None:
        print(format_program(different), end="")
    return int(different is not None)


if __name__ == "__main__":
    sys.exit(main())
