"""`zapfuzz fuzz`: look for programs that fail, minimize and keep them."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fuzz.commands.remedies import only_on_model, with_remedies
from fuzz.commands.shared.does_nothing import refuse
from fuzz.commands.shared.ending import Bad, Ended
from fuzz.commands.shared.fuzz_answer import details, junit_cases, note_failures, run_status
from fuzz.commands.shared.machine_answer import Answer, json_option, junit_option, write_junit
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.options import SEEN, findings_option, known_option, on_target
from fuzz.commands.shared.output import try_folder
from fuzz.commands.shared.program_argument import PlaceWord
from fuzz.commands.shared.sarif import sarif_option, write_sarif
from fuzz.commands.shared.screen import Screen
from fuzz.commands.shared.serve import live_page, serve_option
from fuzz.corpus.earlier_runs import found_earlier
from fuzz.corpus.extras import how_to_get
from fuzz.corpus.failure_counts import Seen
from fuzz.corpus.places import home, own_findings
from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import shortest_first
from fuzz.engines.engine_config import ENGINES, NEEDS, Config
from fuzz.engines.fuzzing_run import FuzzingRun, Watchers, new_seed
from fuzz.engines.history.file import HISTORY
from fuzz.engines.history.write import RunHistory
from fuzz.engines.seeds import seed_programs
from fuzz.language.validate import HASH_BITS
from fuzz.targets.packages.cache_folder import scratch_folder
from fuzz.targets.registry import KERNEL_KINDS, make_target

if TYPE_CHECKING:
    from fuzz.export.pages.live_sources import Source


@click.command("fuzz")
@on_target()
@click.option("--engine", type=click.Choice(ENGINES), default="atheris", show_default=True)
@click.option("--time", "seconds", type=Number(0), default=0, help="Seconds; 0 for no bound.")
@click.option("--runs", type=click.IntRange(0), default=0, help="Executions; 0 for no bound.")
@click.option("--seed", type=click.IntRange(0, 0x7FFFFFFF), default=0, help="0 for one of the clock's.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, file_okay=False),
    help="Working corpus to begin with and add to.",
)
@click.option(
    "--seeds",
    multiple=True,
    metavar="PATH",
    type=PlaceWord(),
    help="Programs to start from: files, folders, or names of the corpus.",
)
@findings_option("For what is new.")
@known_option
@click.option("--forms", is_flag=True, help="Look for other ways to known failures too.")
@with_remedies
@click.option(
    "--hash-bits",
    type=click.IntRange(HASH_BITS[0], HASH_BITS[-1]),
    help="Give hashes so few bits that pointer tables end: what is refused then is fuzzed, too.",
)
@click.option("--max-ops", type=click.IntRange(1, 10_000), default=160, show_default=True)
@serve_option
@json_option
@junit_option
@sarif_option
@click.argument("libfuzzer", nargs=-1, type=click.UNPROCESSED)
def fuzz(
    release: str,
    target: str,
    libzpool: str | None,
    against: str | None,
    valgrind: bool,
    engine: str,
    seconds: float,
    runs: int,
    seed: int,
    jobs: int,
    corpus: Path | None,
    seeds: tuple[str, ...],
    out: Path,
    known: Path,
    forms: bool,
    remedy: tuple[str, ...],
    hash_bits: int | None,
    max_ops: int,
    serve: int | None,
    machine: bool,
    junit: Path | None,
    sarif: Path | None,
    libfuzzer: tuple[str, ...],
) -> None:
    """Look for programs that fail. What is new is written, then minimized; what is known is counted.

    What earlier runs have left in --out, or in your own folder, is told as such and not minimized again.
    Options after -- go to libFuzzer. Status 1 if a failure was found that the corpus does not expect.
    """
    started = time.monotonic()
    only_on_model(remedy, target)
    if engine in ("threads", "sync") and target != "model":
        raise Bad(f"--engine {engine}: expected --target model, whose threads it switches, found {target}")
    if engine in NEEDS and importlib.util.find_spec(NEEDS[engine]) is None:
        get = how_to_get(NEEDS[engine])
        raise Bad(f"--engine {engine} needs {NEEDS[engine]}: {get}, or --engine random, which needs nothing")
    if target in KERNEL_KINDS and engine != "random":
        raise Bad(f"--target {target}: expected --engine random, which draws file operations, found {engine}")
    if libfuzzer and engine != "atheris":
        raise Bad(f"{libfuzzer[0]}: expected no options of libFuzzer, which --engine {engine} is not")
    if wrong := [each for each in libfuzzer if not each.startswith("-")]:
        raise Bad(f"{wrong[0]}: expected options of libFuzzer, as -name=value (a working corpus is --corpus)")
    atheris = engine == "atheris"
    refuse("corpus", f"does nothing with --engine {engine}; expected --engine atheris", where=not atheris)
    refuse(
        "max_ops",
        f"bounds --seeds and what --engine atheris makes, not {engine}",
        where=not (atheris or seeds),
    )
    refuse("hash_bits", f"does nothing with --target {target}", where=target in KERNEL_KINDS)
    for folder in (out, home(), *filter(None, [corpus])):
        try_folder(folder)
    runner = make_target(target, release, libzpool, small=True, against=against, valgrind=valgrind)
    reproducers = shortest_first(known)
    expected = known_on(reproducers, target, release, remedy)
    earlier = {} if forms else found_earlier((out, own_findings()), expected, target, release, remedy)
    seen = Seen(home() / SEEN)
    with scratch_folder("corpus") as scratch:
        working = corpus or scratch
        working.mkdir(parents=True, exist_ok=True)
        config = Config(
            engine=engine,
            release=release,
            target=target,
            libzpool=libzpool,
            against=against,
            valgrind=valgrind,
            seed=seed or new_seed(),
            runs=runs,
            seconds=seconds,
            started=started,
            corpus=str(working),
            seeds=seeds,
            max_ops=max_ops,
            known=tuple(expected),
            forms=forms,
            remedies=remedy,
            hash_bits=hash_bits or 0,
            extra=libfuzzer,
        )
        for _ in seed_programs(config):
            pass  # what cannot be read is told here, before any process begins
        answer = Answer("fuzz", machine, release=release, target=target)
        screen = Screen(config, jobs, machine)
        history = RunHistory(home() / HISTORY, config, jobs)
        watchers = Watchers(screen, history)
        fuzzing = FuzzingRun(config, runner, expected, out, watchers, jobs, earlier)
        answer.details = lambda: details(fuzzing)
        with answer.given(), live_page(serve, lambda: _live_runs(history), screen.note):
            how = "ended"
            try:
                fuzzing.run()
            except BaseException as problem:
                how = str(problem) or type(problem).__name__
                if isinstance(problem, Ended):
                    problem.told = True
                    screen.note(f"ended by {problem}")
                raise
            finally:
                history.end(fuzzing, how)
                if history.problem:
                    fuzzing.unwritten.append(history.problem)
                screen.summary(fuzzing)
                _record(seen, release, fuzzing)
                note_failures(answer, fuzzing)
                write_junit(junit, "zapfuzz fuzz", junit_cases(answer, time.monotonic() - started))
                write_sarif(sarif, answer.failures)
            answer.status = run_status(fuzzing)


def _live_runs(history: RunHistory) -> Source:
    """What a live page shows of this run. Raises Bad."""
    from fuzz.export.pages.live_sources import LiveRuns

    if history.problem:
        raise Bad(f"--serve: expected a history that can be written, found {history.problem}")
    return LiveRuns(history.path, (history.run,))


def _record(seen: Seen, release: str, fuzzing: FuzzingRun) -> None:
    """Count what was met. Nothing of this run hangs on it, but it is said if it cannot be written."""
    try:
        seen.add(release, fuzzing.status.met)
    except OSError as problem:
        fuzzing.unwritten.append(f"{problem.filename}: cannot be written: {problem.strerror}")
        click.echo(f"zapfuzz: {fuzzing.unwritten[-1]}", err=True)
