"""`zapfuzz bench`: everything measured side by side, as a table and a JSON file."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import click

from fuzz.bench.memory_and_speed_drift import Steady, measure_steady
from fuzz.bench.minimized_size import LONG_OPS, Cut, cut, found_inputs, long_inputs
from fuzz.bench.report import Measured
from fuzz.bench.speed import measure
from fuzz.bench.time_to_find import (
    CONCURRENT_SEEDED,
    ENGINES,
    OTHERS,
    REAL,
    SEEDED,
    SYNC_SEEDED,
    Bug,
    Hunt,
    hunts,
    rows,
)
from fuzz.bench.two_processes import measure_together
from fuzz.commands.shared.does_nothing import refuse
from fuzz.commands.shared.ending import Bad, Ended
from fuzz.commands.shared.live_display import in_words
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.progress import ops_run, say, some_of, working
from fuzz.engines.parallel_processes import EngineProblem


class Extent(NamedTuple):
    """How much is measured: rounds of the speeds, seeds, CPU seconds a hunt of ours and one of another engine
    may take, what is hunted, how many hunts at a time, how many long inputs are minimized, rounds and seconds
    of one process beside two, seconds of the steady run (0 for none), and whether any speed is measured."""

    rounds: int
    seeds: int
    cap: float
    others: float
    bugs: tuple[Bug, ...]
    jobs: int = 1
    scale: float = 1.0
    long: int = 10
    together: tuple[int, float] = (1, 10)
    steady: float = 0
    speeds: bool = True


UNHURRIED = ("atheris", "threads", "random schedules", "sync")
"""The engines that have the whole `cap`: ours, and the one that the last of them is compared with."""
BUGS = {"real": (*REAL, *OTHERS), "seeded": SEEDED, "threads": CONCURRENT_SEEDED, "sync": SYNC_SEEDED}
BY_NAME = {bug.name: bug for bug in chain.from_iterable(BUGS.values())}
QUICK = Extent(5, 3, 6, 6, REAL)
FULL = Extent(15, 10, 300, 60, tuple(BY_NAME.values()), long=50, together=(5, 60), steady=3600)


def bench(extent: Extent, command: str, engines: tuple[str, ...] = tuple(ENGINES)) -> Measured:
    """Measure. What is done stands on standard error while it is."""
    measured, ended = bench_until_ended(extent, command, engines)
    if ended is not None:
        raise ended
    return measured


def bench_until_ended(
    extent: Extent, command: str, engines: tuple[str, ...]
) -> tuple[Measured, Ended | None]:
    """The same. A signal ends the hunts, and there is what was measured until then."""
    load = os.getloadavg()[0]
    speed = together = None
    if extent.speeds:
        with working(f"measuring speed, {extent.rounds} rounds"):
            speed = measure(extent.rounds, 1, scale=extent.scale)
        with working("measuring one process beside two"):
            together = measure_together(*extent.together, extent.seeds)
    found: list[Hunt] = []
    ended: Ended | None = None
    stop = threading.Event()
    beside = ThreadPoolExecutor(1)
    steady = beside.submit(measure_steady, extent.steady, 1, stop) if extent.steady else None
    caps = {name: extent.cap if name in UNHURRIED else min(extent.cap, extent.others) for name in engines}
    try:
        most = sum(bug.is_for(name) for bug in extent.bugs for name in caps) * extent.seeds
        with working("hunting", lambda: some_of(len(found), most, "hunts at most")):
            for each in hunts(extent.bugs, caps, extent.seeds, extent.jobs):
                what = f"after {each.executions} executions" if each.found else "not"
                say(f"{each.bug}, {each.engine}, seed {each.seed}: {what}, {each.seconds:.1f} s", err=True)
                found.append(each)
    except (Ended, RuntimeError) as reason:
        found = _whole(found, extent.bugs, caps)
        click.echo(
            f"ended early ({reason}): the tables have the bugs that every engine was asked for", err=True
        )
        if isinstance(reason, Ended):
            ended, steady = reason, None
            ended.told = True
            stop.set()
    cuts: list[Cut] = []
    if ended is None:
        with working("minimizing", ops_run()):
            inputs = [(bug, found_inputs(bug, found), "as found") for bug in REAL]
            inputs.append((REAL[0], long_inputs(REAL[0], extent.long), f"{LONG_OPS} random ops"))
            cuts = [small for each in inputs if (small := cut(*each)) is not None]
    measured = Measured(
        *(
            command,
            extent.seeds,
            extent.cap,
            extent.others,
            (load, os.getloadavg()[0]),
            speed,
            together,
            _waited_for(steady, stop, extent.steady) if steady is not None else None,
            found,
            rows(found),
            cuts,
        )
    )
    return measured, ended


def _waited_for(steady: Future[Steady | None], stop: threading.Event, seconds: float) -> Steady | None:
    """What the steady run measured; None if it broke, which is said."""
    try:
        with working(f"waiting for the steady run, of {in_words(seconds)}"):
            return steady.result()
    except EngineProblem as problem:
        click.echo(f"steady run: {problem}", err=True)
        return None
    finally:
        stop.set()


def _whole(found: list[Hunt], bugs: Iterable[Bug], engines: Iterable[str]) -> list[Hunt]:
    """The hunts of the bugs that every engine that can meet them has been asked for."""
    asked = {(each.bug, each.engine) for each in found}
    whole = {
        bug.name for bug in bugs if all((bug.name, name) in asked for name in engines if bug.is_for(name))
    }
    return [each for each in found if each.bug in whole]


def _refuse_what_does_nothing(
    bugs: Iterable[Bug], engines: tuple[str, ...], cap: float, others: float, *, asked: bool
) -> None:
    """Raises Bad where an engine was asked for that can meet none of the bugs, a bug (if they were `asked`
    for, too) that none of the engines can meet, or a bound of time that none of them has."""
    for name in engines:
        if not any(bug.is_for(name) for bug in bugs):
            able = [kind for kind, some in BUGS.items() if any(bug.is_for(name) for bug in some)]
            raise Bad(f"--engine {name}: expected bugs that it can meet, as --bugs {' or '.join(able)}")
    hunting = engines or tuple(ENGINES)
    for bug in bugs if asked else ():
        if not (able := [name for name in ENGINES if bug.is_for(name)]) or not {*able} & {*hunting}:
            raise Bad(f"{bug.name}: expected --engine {' or '.join(able)}, or none, for all that can meet it")
    hurried = [name for name in hunting if name not in UNHURRIED]
    refuse(
        "others",
        f"bounds none of the engines {', '.join(hunting)}, which have the whole --cap",
        where=not hurried,
    )
    refuse("others", f"bounds nothing beside a --cap of {cap:g}, which is less", where=others > cap)
    refuse(
        "cap",
        f"bounds none of the engines {', '.join(hunting)} where --others, {others:g}, is less",
        where=len(hurried) == len(hunting) and cap > others,
    )


@click.command("bench")
@click.option("--quick", is_flag=True, help="Real bugs only, few seeds and short: under 5 minutes.")
@out_option("File for all of it.", "--json", "json_file")
@click.option(
    "--seeds", type=click.IntRange(1, 1000), help="Seeds a bug and engine; 3 with --quick, else 10."
)
@click.option(
    "--cap", type=Number(0.1), help="CPU seconds a hunt of ours may take; 6 with --quick, else 300."
)
@click.option("--others", type=Number(0.1), help="The same for other engines; 6 with --quick, else 60.")
@click.option(
    "--steady",
    type=Number(0),
    help="Seconds of a run whose memory and speed are watched; 0 with --quick, else 3600.",
)
@click.option("--no-speed", is_flag=True, help="Hunt only, which a busy machine hardly changes.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Hunts at a time.")
@click.option(
    "--engine",
    "engines",
    type=click.Choice(list(ENGINES)),
    multiple=True,
    help="Hunt with these only; all by default.",
)
@click.option("--bugs", type=click.Choice(list(BUGS)), multiple=True, help="Hunt these only; all by default.")
@click.option(
    "--bug",
    "names",
    type=click.Choice(list(BY_NAME)),
    metavar="NAME",
    multiple=True,
    help="Hunt this one only.",
)
def bench_command(
    quick: bool,
    json_file: Path | None,
    seeds: int | None,
    cap: float | None,
    others: float | None,
    steady: float | None,
    no_speed: bool,
    jobs: int,
    bugs: tuple[str, ...],
    names: tuple[str, ...],
    engines: tuple[str, ...],
) -> None:
    """Measure speed, how soon each engine finds what, and how small it gets, in one run.

    In full it hunts every mutant too, which takes hours. Ctrl-C ends it with
    the tables of what was done.
    """
    extent = QUICK if quick else FULL
    extent = extent._replace(
        seeds=seeds or extent.seeds,
        cap=cap or extent.cap,
        others=others or extent.others,
        jobs=jobs,
        steady=extent.steady if steady is None else steady,
        speeds=not no_speed,
    )
    if bugs or names:
        chosen = chain(chain.from_iterable(BUGS[name] for name in bugs), (BY_NAME[name] for name in names))
        extent = extent._replace(bugs=tuple(dict.fromkeys(chosen)))
    _refuse_what_does_nothing(extent.bugs, engines, extent.cap, extent.others, asked=bool(bugs or names))
    given = {"seeds": seeds, "cap": cap, "others": others, "steady": steady}
    words = ["zapfuzz bench", *(["--quick"] if quick else [])]
    words += [f"--{name} {value:g}" for name, value in given.items() if value is not None]
    words += ["--no-speed"] if no_speed else []
    words += [f"--jobs {jobs}"] if jobs > 1 else []
    words += [f"--bugs {name}" for name in bugs]
    words += [f"--bug {shlex.quote(name)}" for name in names]
    words += [f"--engine {shlex.quote(name)}" for name in engines]
    measured, ended = bench_until_ended(extent, " ".join(words), engines or tuple(ENGINES))
    for line in measured.lines():
        click.echo(line)
    if json_file is not None:
        text_to(json_file, measured.as_json(), "bench.json")
    if ended is not None:
        raise ended
