"""Programs with threads, and their schedules: PCT, random ones, and changes of those that led somewhere."""

from __future__ import annotations

from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.engines.seeds import seed_programs
from fuzz.threads.thread_fuzzer import WITHOUT_SYNC, Kind, ThreadFuzzer


def main(config: Config) -> None:
    """Run programs with threads until the bound. The plain form keeps no program, and draws each schedule at
    random."""
    fuzz_threads(config, WITHOUT_SYNC)


def fuzz_threads(config: Config, kind: Kind) -> None:
    """The same with programs of a kind."""
    loop = Loop(config)
    policies = "random" if config.plain else "mixed"
    fuzzer = ThreadFuzzer(loop.model, config.seed, policies=policies, keep=not config.plain, kind=kind)
    try:
        for program in seed_programs(config):
            loop.execute(program)
        for caught in fuzzer.caught():
            loop.executions += 1
            if caught is not None:
                loop.failed(caught.program, caught.failure)
            loop.tick()
    except Stopped:
        loop.status("done")
