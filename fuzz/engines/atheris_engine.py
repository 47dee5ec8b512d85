"""libFuzzer through Atheris: its inputs are programs in byte form, and our mutations, which know the
language, change them.

This runs in a process of its own. It begins without Atheris, because most bugs that can be found at all are
found by random programs, and these run twice as fast as long as nothing is instrumented.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.engines.feedback.mutation_weights import Weights
from fuzz.engines.seeds import seed_programs
from fuzz.generate.model_guided import model_guided_program
from fuzz.generate.mutation import MUTATIONS, Mutation, mutate, splice
from fuzz.generate.styles import STYLES, some_style
from fuzz.language.byteform import decode, encode
from fuzz.language.program import Program
from fuzz.language.write_whole_file import write_whole

MAX_BYTES = 1 << 16
REMEMBERED = 1 << 9
OLD = {"extend": 18, "mutate": 30, "splice": 8}
"""The ways to make the next program from those of the corpus, and the weight with which each begins: the
model guides the drawing of more ops at the end of a program, or in the middle of it; a program is changed;
two programs are joined. libFuzzer itself would join two programs every second time, which is too often. The
weights of new programs, one for each of `STYLES`, are 100 together."""
WARM_UP, WARM_UP_SECONDS = 6000, 60
"""So many executions come before Atheris if there is no corpus to begin with, or a minute of them, but at
most half of the run: what can be found in minutes the generators find alone in half as many programs, and run
twice as many."""

LIBFUZZER = ("-handle_int=0", "-handle_term=0", "-len_control=0", "-rss_limit_mb=2048", "-timeout=120")
"""We handle signals ourselves, so that an execution always comes to its end and its files are whole.
libFuzzer's slow growth of the length of inputs is switched off."""


class Inputs:
    """Turns bytes into programs and back. It remembers the last ones, because an input that was mutated is
    run soon after."""

    def __init__(self) -> None:
        self._known: dict[bytes, Program] = {}

    def program(self, data: bytes) -> Program:
        """The program for which these bytes stand."""
        program = self._known.get(data)
        if program is None:
            program = decode(data)
            self._remember(data, program)
        return program

    def data(self, program: Program, max_size: int, otherwise: bytes) -> bytes:
        """The bytes of a program. If they are too many, ops at the end of the program are left out."""
        data = encode(program)
        while len(data) > max_size:
            if not program.ops:
                return otherwise[:max_size]
            program = program.with_ops(program.ops[: len(program.ops) // 2])
            data = encode(program)
        self._remember(data, program)
        return data

    def _remember(self, data: bytes, program: Program) -> None:
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[data] = program


class Mutating:
    """What libFuzzer calls: it runs an input, and makes the next one of others by our own mutations. Which of
    them, is learnt from what has led to something new."""

    def __init__(self, loop: Loop) -> None:
        """From now on, what the model does is told to libFuzzer. Must come before Atheris is set up."""
        from fuzz.engines.feedback.atheris_instrumentation import instrument
        from fuzz.engines.feedback.libfuzzer_counters import reserve

        instrument()
        loop.observe = reserve()
        self._loop = loop
        self._inputs = Inputs()
        style = loop.config.style
        self._ways = Weights({**{each: STYLES[each][0] for each in ([style] if style else STYLES)}, **OLD})
        self._mutations = Weights(MUTATIONS)
        self._way: list[str] = []
        self._used: list[Mutation] = []

    def test_one_input(self, data: bytes) -> None:
        """Run an input. Raises Stopped."""
        loop = self._loop
        before = len(loop.seen)
        loop.execute(self._inputs.program(data))
        new = len(loop.seen) > before
        loop.credit([f"{'style' if each in STYLES else 'way'} {each}" for each in self._way], new)
        loop.credit([f"mutation {each.__name__}" for each in self._used], new)
        self._ways.credit(self._way, new)
        self._mutations.credit(self._used, new)

    def custom_mutator(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Another input, made of one."""
        program = self._next_program(self._inputs.program(data), None, Random(seed))
        return self._inputs.data(program, max_size, data)

    def custom_crossover(self, first: bytes, second: bytes, max_size: int, seed: int) -> bytes:
        """Another input, made of two."""
        one, other = self._inputs.program(first), self._inputs.program(second)
        return self._inputs.data(self._next_program(one, other, Random(seed)), max_size, first)

    def _next_program(self, program: Program, other: Program | None, rng: Random) -> Program:
        config, model = self._loop.config, self._loop.model
        how = self._ways.draw(rng) if program.ops else config.style or "themed"
        if how == "splice" and other is None:
            how = "mutate"
        self._way[:] = [how]
        self._used.clear()
        if how in STYLES:
            return STYLES[how][1](rng, model)
        if how == "extend":
            return model_guided_program(rng, model, config.max_ops, program)
        if how == "splice" and other is not None:
            return splice(program, other, rng, config.max_ops)
        return mutate(program, rng, config.max_ops, self._choose)

    def _choose(self, rng: Random) -> Mutation:
        self._used.append(self._mutations.draw(rng))
        return self._used[-1]


def warm_up(loop: Loop, shortest: dict[int, Program]) -> None:
    """Run random programs until it is time for Atheris. For each state that is reached, note the shortest
    program that reaches it. Raises Stopped."""
    config = loop.config
    rng = Random(config.seed)
    most, until = WARM_UP, math.inf
    if loop.runs:  # nothing but the seed decides such a run
        most = min(WARM_UP, loop.runs // 2)
    else:
        until = config.started + min(WARM_UP_SECONDS, config.seconds / 2 or WARM_UP_SECONDS)
    while loop.executions < most and time.monotonic() < until:
        style = config.style or some_style(rng)
        program = STYLES[style][1](rng, loop.model)
        before = len(loop.seen)
        try:
            loop.execute(program)
            loop.credit((f"style {style}",), len(loop.seen) > before)
        finally:
            for feature in loop.reached:
                known = shortest.get(feature)
                if known is None or len(program.ops) < len(known.ops):
                    shortest[feature] = program


def main(config: Config) -> None:
    """Fuzz until the bound. Does not return: libFuzzer has no way out but the end of the process."""
    loop = Loop(config)
    for option in config.extra:
        if option.startswith("-runs="):  # we end the process ourselves, so that the last counts are reported
            loop.runs = int(option.removeprefix("-runs="))
    shortest: dict[int, Program] = {}

    def end() -> None:
        loop.status("done")
        if config.corpus:  # sooner, libFuzzer would read them again, sometime
            with contextlib.suppress(OSError):  # a full disk: the watching process says so
                for data in map(encode, shortest.values()):
                    write_whole(Path(config.corpus, hashlib.sha1(data).hexdigest()), data)
        sys.stderr.flush()
        os._exit(0)

    if not (config.plain or config.seeds or (config.corpus and os.listdir(config.corpus))):
        try:
            warm_up(loop, shortest)
        except Stopped:
            end()

    import atheris

    mutating = Mutating(loop)

    def test_one_input(data: bytes) -> None:
        try:
            mutating.test_one_input(data)
        except Stopped:
            end()

    # whoever started this process removes it: Fuzz() does not return
    scratch = tempfile.mkdtemp(prefix="zapfuzz-")
    seeds = Path(scratch)
    given = (*dict.fromkeys(shortest.values()), *seed_programs(config))
    for index, program in enumerate(given):
        (seeds / f"{index:06d}").write_bytes(encode(program))
    arguments = [
        *(sys.argv[0], *LIBFUZZER, f"-max_len={MAX_BYTES}", f"-artifact_prefix={scratch}/"),
        *([f"-seed={config.seed or 1}"] if config.seed else []),
        *config.extra,
        *([config.corpus] if config.corpus else []),
        *([scratch] if given else []),
    ]
    callbacks: dict[str, Any] = {
        "custom_mutator": mutating.custom_mutator,
        "custom_crossover": mutating.custom_crossover,
    }
    atheris.Setup(arguments, test_one_input, **({} if config.plain else callbacks))
    atheris.Fuzz()
