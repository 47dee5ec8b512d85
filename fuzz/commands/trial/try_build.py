"""`zapfuzz try`: is this build of OpenZFS right? For whoever has changed zap.c or dbuf.c, and for their
CI."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import click

from fuzz.commands.shared.ending import Bad, Status
from fuzz.commands.shared.machine_answer import Answer, json_option
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.options import findings_option
from fuzz.commands.shared.output import try_folder
from fuzz.commands.shared.program_argument import release_option
from fuzz.commands.shared.progress import working
from fuzz.commands.trial.byte_order_stage import turned_blocks
from fuzz.commands.trial.corpus_stage import replay_corpus, same_on_both, told_at_start
from fuzz.commands.trial.fuzz_stage import fuzz_build, known_to
from fuzz.commands.trial.mutants_stage import replay_mutants
from fuzz.commands.trial.page import details, page
from fuzz.commands.trial.stage import Stage, keep_shortest
from fuzz.corpus.extras import lacking
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import new_seed
from fuzz.judge.signature import Signature
from fuzz.targets.base import NoTarget, Target
from fuzz.targets.libzpool.locate import built_library
from fuzz.targets.libzpool.plain_target import HarnessError
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from fuzz.targets.probe_release import Probed, probe
from fuzz.targets.registry import make_target
from zapcore.release import the_release

SHARES = {"fuzzed": 0.6, "schedules": 0.15, "soaked": 0.25}
"""What part of --time each stage with a bound has; with --against all of it is fuzzed."""


@click.command("try")
@click.argument("build", metavar="TREE-OR-LIBRARY", type=click.Path(path_type=Path))
@click.option("--against", metavar="TREE-OR-LIBRARY", type=click.Path(path_type=Path), help="Another build.")
@release_option(None, help="Hold it against the model of this release; by default the nearest one.")
@click.option("--time", "seconds", type=Number(1), default=60, show_default=True, help="Seconds of fuzzing.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that fuzz."
)
@click.option("--seed", type=click.IntRange(0, 0x7FFFFFFF), default=0, help="0 for one of the clock's.")
@click.option(
    "--expect",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Signatures, one a line, of what is different on purpose.",
)
@click.option("--valgrind", is_flag=True, help="Have memcheck watch the library.")
@findings_option("For programs that differ.")
@json_option
def try_command(
    build: Path,
    against: Path | None,
    release: str | None,
    seconds: float,
    jobs: int,
    seed: int,
    expect: Path | None,
    valgrind: bool,
    out: Path,
    machine: bool,
) -> None:
    """Find out whether a build of OpenZFS is right: which release's behaviours it has, which findings, and
    where it differs from that release's model, or from another build. Exit status 1 if it does anywhere.

    TREE-OR-LIBRARY is a tree in which make has been run, or any libzpool, or a folder that has one. One that
    was built with ASan, UBSan or TSan is watched by these.
    """
    library = built_library(build)
    other = built_library(against) if against is not None else None
    if other == library:
        raise Bad(f"--against {against}: expected another library than the one that is tried")
    expected = read_expected(expect)
    try_folder(out)
    answer = Answer("try", machine, release=release or "", target="builds" if other else "both")
    stages: list[Stage] = []
    found: list[Probed] = []
    answer.details = lambda: details(
        str(library), str(other) if other else None, found[0] if found else None, stages
    )
    with answer.given():
        with working("probing"), contextlib.closing(LibzpoolTarget(release or "", library)) as real:
            probed = probe(real)
        if release is not None:
            probed = probed._replace(nearest=the_release(release))
        found.append(probed)
        answer.release = probed.nearest.name
        trial = _Trial(
            library, other, answer.release, seconds, seed or new_seed(), expected, valgrind, stages
        )
        trial.replay()
        trial.replay_mutants()
        if other is None:
            trial.byte_order()
        trial.fuzz(jobs, out, expect)
        if other is None:
            trial.run_threads()
        else:
            for name in ("schedules", "soaked"):
                stages.append(Stage(name, skipped="two builds take their locks each in its own order"))
        keep_shortest(stages)
        for line in page(str(library), str(other or ""), probed, stages):
            answer.say(line)
        for stage in stages:
            for each in stage.differences:
                answer.failed(
                    each.failure.signature, text=each.failure.text, program=each.program, file=each.file
                )
        if any(stage.differences or stage.unfinished for stage in stages):
            answer.status = Status.FOUND


def read_expected(path: Path | None) -> frozenset[str]:
    """The signatures of a file: a line each; empty lines and those that begin with # say nothing. Raises Bad,
    OSError."""
    if path is None:
        return frozenset()
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as problem:
        raise Bad(f"--expect {path}: expected text in UTF-8: {problem.reason}") from None
    texts = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    for text in texts:
        if not Signature.of(text).expression:
            raise Bad(f"--expect {path}: expected a kind, a place and an expression, found {text!r}")
    return frozenset(texts)


class _Trial:
    """The stages that run programs."""

    def __init__(
        self,
        library: Path,
        other: Path | None,
        release: str,
        seconds: float,
        seed: int,
        expected: frozenset[str],
        valgrind: bool,
        stages: list[Stage],
    ) -> None:
        self.library, self.other, self.release = library, other, release
        self.seconds, self.seed, self.expected, self.valgrind = seconds, seed, expected, valgrind
        self.stages = stages

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """A stage, for as long as it runs. One in which the library did what nobody asked it to, as to move a
        txg, ends there, and the others go on."""
        stage = Stage(name)
        self.stages.append(stage)
        began = time.monotonic()
        try:
            yield stage
        except NoTarget as lacking:
            stage.skipped = str(lacking)
        except HarnessError as problem:
            stage.unfinished = True
            stage.lines.append(f"broken off: {problem}")
        finally:
            stage.seconds = time.monotonic() - began

    @property
    def beside(self) -> str:
        """What the library is held against, as a kind of target."""
        return "builds" if self.other else "both"

    def target(self, kind: str) -> contextlib.closing[Target]:
        """The library, or the library beside what it is held against."""
        against = str(self.other) if self.other else None
        return contextlib.closing(
            make_target(kind, self.release, str(self.library), against=against, valgrind=self.valgrind)
        )

    def replay(self) -> None:
        """The corpus."""
        with self.stage("corpus") as stage:
            with self.target("builds" if self.other else "libzpool") as target:
                if self.other:
                    run = same_on_both(target, self.expected, stage)
                else:
                    run = replay_corpus(target, self.release, self.expected, stage)
                _drain(run, "replaying the corpus")
            stage.lines += told_at_start(target)

    def replay_mutants(self) -> None:
        """The programs of seeded faults, but those with threads."""
        known = known_to(self.beside, self.release)
        with self.stage("mutants") as stage, self.target(self.beside) as target:
            run = replay_mutants(target, self.release, known, self.expected, stage)
            _drain(run, "running programs of seeded faults")

    def byte_order(self) -> None:
        """Blocks that a machine of the other byte order has written."""
        with self.stage("byte order") as stage:
            _drain(turned_blocks(self.library, self.expected, stage), "turning blocks around")

    def fuzz(self, jobs: int, out: Path, expect: Path | None) -> None:
        """Random programs."""
        with self.stage("fuzzed") as stage:
            config = Config(
                engine="random",
                release=self.release,
                target=self.beside,
                libzpool=str(self.library),
                against=str(self.other) if self.other else None,
                valgrind=self.valgrind,
                seed=self.seed,
                seconds=self.seconds * (1 if self.other else SHARES["fuzzed"]),
                started=time.monotonic(),
                out=str(out),
            )
            fuzz_build(config, self.expected, expect or out, jobs, stage)

    def run_threads(self) -> None:
        """Real threads: their schedules forced, and a soak."""
        for name in ("schedules", "soaked"):
            with self.stage(name) as stage:
                try:
                    from fuzz.commands.trial import threads_stages as threads
                    from fuzz.threads.real.held_target import HeldTarget
                except ModuleNotFoundError as missing:
                    raise NoTarget(f"threads need {lacking(missing)}") from missing
                with HeldTarget(self.release, self.library, deadline=30, valgrind=self.valgrind) as real:
                    bound = self.seconds * SHARES[name]
                    if name == "schedules":
                        run = threads.every_schedule(
                            real, ModelTarget(self.release), bound, self.expected, stage
                        )
                    else:
                        run = threads.soak_build(real, self.seed, bound, self.expected, stage)
                    _drain(run, "forcing schedules" if name == "schedules" else "soaking")


def _drain(run: Iterator[str], what: str) -> None:
    """Run something to its end, and say meanwhile how far it is."""
    at = [""]
    with working(what, lambda: at[0]):
        for at[0] in run:
            pass
