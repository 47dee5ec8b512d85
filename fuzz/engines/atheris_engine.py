"""libFuzzer through Atheris: inputs are programs in byte form, mutations know the language.

This runs in a process of its own. Nothing of zapcore may be imported before `main` instruments it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzz.engines.config import Config

if TYPE_CHECKING:
    from fuzz.program import Program

MAX_BYTES = 1 << 14
REMEMBERED = 1 << 12
WAYS = {"fresh": 70, "mutate": 22, "splice": 8}
"""How a next program is made, and how often to begin with: a new random one, one changed, two joined.
libFuzzer asks for two to be joined every second time, which is too often."""

LIBFUZZER = ("-handle_int=0", "-handle_term=0", "-len_control=0", "-rss_limit_mb=2048", "-timeout=120")
"""Signals are ours: an execution always ends, so that files are whole. Lengths need no schedule."""


INSTRUMENTED = frozenset(f"zapcore.zap.{name}" for name in ("fat", "shrink", "ptrtbl", "cursor", "micro"))
"""What decides the shape of an object. Everything else runs plain: an instrumented branch costs as much as
several plain ones, and what the others do shows in the features of `fuzz.targets.features`."""


def plain_modules() -> list[str]:
    """Every module of zapcore that is not instrumented."""
    spec = importlib.util.find_spec("zapcore")
    assert spec is not None and spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0])
    files = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in files}
    return sorted(names - INSTRUMENTED)


class Inputs:
    """Byte form and programs, the last ones remembered: an input is mutated and run soon after."""

    def __init__(self, decode: Callable[[bytes], Program], encode: Callable[[Program], bytes]) -> None:
        self._decode = decode
        self._encode = encode
        self._known: dict[bytes, Program] = {}

    def program(self, data: bytes) -> Program:
        """The program that bytes stand for."""
        program = self._known.get(data)
        if program is None:
            program = self._decode(data)
            self._remember(data, program)
        return program

    def data(self, program: Program, max_size: int, otherwise: bytes) -> bytes:
        """A program's bytes; where they are too many the program loses ops at its end."""
        data = self._encode(program)
        while len(data) > max_size:
            if not program.ops:
                return otherwise[:max_size]
            program = program.with_ops(program.ops[: len(program.ops) // 2])
            data = self._encode(program)
        self._remember(data, program)
        return data

    def _remember(self, data: bytes, program: Program) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[data] = program


def main(config: Config) -> None:
    """Fuzz until the bound. Does not return: libFuzzer has no way out but the end of the process."""
    import atheris

    with atheris.instrument_imports(include=["zapcore"], exclude=plain_modules()):
        import zapcore.invariants
        import zapcore.zap  # noqa: F401
    from random import Random

    from fuzz.codec import decode, encode
    from fuzz.engines.counters import reserve
    from fuzz.engines.loop import Loop, Stopped
    from fuzz.engines.seeds import seed_programs
    from fuzz.engines.weights import Weights
    from fuzz.generate import random_program
    from fuzz.mutate import MUTATIONS, Mutation, mutate, splice

    loop = Loop(config, reserve())
    for option in config.extra:
        if option.startswith("-runs="):  # ended by us, so that the last counts are told
            loop.runs = int(option.removeprefix("-runs="))
    inputs = Inputs(decode, encode)
    ways = Weights(WAYS)
    mutations = Weights(MUTATIONS)
    way: list[str] = []
    used: list[Mutation] = []

    def test_one_input(data: bytes) -> None:
        before = len(loop.seen)
        try:
            loop.execute(inputs.program(data))
        except Stopped:
            end()
        new = len(loop.seen) > before
        ways.credit(way, new)
        mutations.credit(used, new)

    def end() -> None:
        loop.status("done")
        sys.stderr.flush()
        os._exit(0)

    def choose(rng: Random) -> Mutation:
        used.append(mutations.draw(rng))
        return used[-1]

    def next_program(program: Program, other: Program | None, rng: Random) -> Program:
        how = ways.draw(rng) if program.ops else "fresh"
        if how == "splice" and other is None:
            how = "mutate"
        way[:] = [how]
        used.clear()
        if how == "fresh":
            return random_program(rng)
        if how == "splice" and other is not None:
            return splice(program, other, rng, config.max_ops)
        return mutate(program, rng, config.max_ops, choose)

    def custom_mutator(data: bytes, max_size: int, seed: int) -> bytes:
        return inputs.data(next_program(inputs.program(data), None, Random(seed)), max_size, data)

    def custom_crossover(first: bytes, second: bytes, max_size: int, seed: int) -> bytes:
        one, other = inputs.program(first), inputs.program(second)
        return inputs.data(next_program(one, other, Random(seed)), max_size, first)

    with tempfile.TemporaryDirectory(prefix="zapfuzz-") as scratch:
        seeds = Path(scratch)
        for index, program in enumerate(seed_programs(config)):
            (seeds / f"{index:06d}").write_bytes(encode(program))
        arguments = [
            *(sys.argv[0], *LIBFUZZER, f"-max_len={MAX_BYTES}", f"-artifact_prefix={scratch}/"),
            *([f"-seed={config.seed or 1}"] if config.seed else []),
            *config.extra,
            *([config.corpus] if config.corpus else []),
            *([scratch] if config.seeds else []),
        ]
        callbacks: dict[str, Any] = {
            "custom_mutator": custom_mutator,
            "custom_crossover": custom_crossover,
        }
        atheris.Setup(arguments, test_one_input, **({} if config.plain else callbacks))
        atheris.Fuzz()
