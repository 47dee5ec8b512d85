"""`zapfuzz replay`: reproducers run again, and held to what they say."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from fuzz.commands.shared.ending import Bad, Status
from fuzz.commands.shared.live_display import Far
from fuzz.commands.shared.machine_answer import Answer, json_option, junit_option, write_junit
from fuzz.commands.shared.output import try_folder
from fuzz.commands.shared.program_argument import PlaceWord
from fuzz.commands.shared.progress import say, some_of, working
from fuzz.corpus.extras import how_to_get
from fuzz.corpus.places import CORPUS, INSTALLED
from fuzz.corpus.replay import Replayed, is_kernel, with_missing
from fuzz.corpus.replay import replay as replay_one
from fuzz.corpus.reproducer import (
    PROGRAM_FILE,
    Reproducer,
    corpus_folders,
    folders,
    read_reproducer,
    write_reproducer,
)
from fuzz.targets.kernel.plain_files import why_not_files
from fuzz.targets.registry import (
    KERNEL_KINDS,
    LIBRARIES,
    LIBRARY_PREFIX,
    name_of_expectation,
    target_of_expectation,
)
from zapcore.release import RELEASES, named_release


@click.command("replay")
@click.argument("paths", metavar="[PROGRAM]...", nargs=-1, type=PlaceWord())
@click.option(
    "--release",
    metavar="R",
    default="all",
    show_default=True,
    help="A release by any of its names, libzpool-VERSION, or all.",
)
@click.option(
    "--target",
    type=click.Choice(("model", "kernel")),
    default="model",
    show_default=True,
    help="model: releases and real libraries; kernel: guests with both builds, for file operations alone.",
)
@click.option(
    "--write-missing",
    is_flag=True,
    help="First write down what releases do that a reproducer says nothing of.",
)
@json_option
@junit_option
def replay(
    paths: tuple[str, ...], release: str, target: str, write_missing: bool, machine: bool, junit: Path | None
) -> None:
    """Run reproducers and hold them to what they say: all of the corpus, or those of these names, at or below
    these paths. Where none could be run, the exit status is 2."""
    kernel = target == "kernel"
    if not kernel:
        release = _row(release)
    chosen = list(folders(map(_folder, paths))) if paths else corpus_folders(CORPUS)
    if write_missing and INSTALLED and any(folder.is_relative_to(CORPUS) for folder in chosen):
        raise Bad("--write-missing: expected folders of yours; an installed corpus stays as it is")
    if paths and not chosen:
        raise Bad(f"{paths[0]}: expected a reproducer at or below it, found none")
    names: Sequence[str] = ()
    if kernel:
        names = [
            name_of_expectation(kind, each) for each in _kernels(chosen, release) for kind in KERNEL_KINDS
        ]
    if write_missing:
        for folder in chosen:
            try_folder(folder)
        done: list[Path] = []
        with working("writing what is missing", lambda: some_of(len(done), len(chosen), "reproducers")):
            for folder in chosen:
                _complete(folder, names if kernel else (*RELEASES, *LIBRARIES))
                done.append(folder)
    reproducers = [read_reproducer(folder) for folder in chosen]
    answer = Answer("replay", machine, release=release, target=target)
    count = _Count(reproducers, answer)
    answer.details = count.details
    with answer.given():
        try:
            with working("replaying", count.how_far):
                for replayed in _on_kernels(reproducers, names) if kernel else _on_all(reproducers, release):
                    count.add(replayed)
        finally:
            write_junit(junit, "zapfuzz replay", count.cases)
        for name, many in count.absent.items():
            answer.say(f"not run  {many} on {name}: {_lacks(name)}")
        answer.say(f"{len(chosen)} reproducers, {count.ran} runs, {count.differ} that differ")
        if chosen and not count.ran:
            why = next(map(_lacks, count.absent), f"no reproducer says anything of {release}")
            raise Bad(f"nothing was run: {why}")
        answer.status = Status.FOUND if count.differ else Status.NOT_FOUND


def _lacks(name: str) -> str:
    """Why what a line of [expect] speaks of could not be run."""
    if name.partition("+")[0] in RELEASES:
        return f"their threads need greenlet: {how_to_get('greenlet')}"
    if is_kernel(name):
        return f"not on this machine: run `zapfuzz fetch --kernel {name.rpartition('-')[2]}`"
    return "not on this machine: run `zapfuzz fetch`"


class _Count:
    """Tells what differs, and how far a replay is."""

    def __init__(self, reproducers: Sequence[Reproducer], answer: Answer) -> None:
        self.places = {each.folder: place for place, each in enumerate(reproducers, start=1)}
        self.answer = answer
        self.at = self.ran = self.differ = 0
        self.absent: Counter[str] = Counter()
        self.replays: list[dict[str, object]] = []
        self.cases: list[tuple[str, str, float, str | None, bool]] = []
        self.since = time.monotonic()

    def add(self, replayed: Replayed) -> None:
        """One line of [expect] was replayed."""
        self.at = self.places[replayed.reproducer.folder]
        self.ran += replayed.got is not None
        self.differ += replayed.differs
        name = replayed.reproducer.name
        if replayed.got is None:
            self.absent[replayed.release] += 1
        elif replayed.differs:
            self.answer.say(f"DIFFERS  {name} on {replayed.release}")
            self.answer.say(f"  expected {replayed.expected}\n  got      {replayed.got}")
        self.replays.append(
            {
                "reproducer": name,
                "release": replayed.release,
                "expected": replayed.expected,
                "got": replayed.got,
                "differs": replayed.differs,
            }
        )
        now = time.monotonic()
        wrong = f"expected {replayed.expected}\ngot      {replayed.got}" if replayed.differs else None
        self.cases.append((name, replayed.release, now - self.since, wrong, replayed.got is None))
        self.since = now

    def details(self) -> dict[str, object]:
        """For a machine."""
        return {
            "reproducers": len(self.places),
            "runs": self.ran,
            "differ": self.differ,
            "replays": self.replays,
        }

    def how_far(self) -> Far:
        """How many reproducers are begun, of all, and the runs so far."""
        return some_of(
            self.at, len(self.places), "reproducers", f"{self.ran} runs", f"{self.differ} that differ"
        )


def _folder(path: str) -> Path:
    """Where to look for reproducers: at a program's file, beside it."""
    return Path(path).parent if Path(path).name == PROGRAM_FILE else Path(path)


def _row(release: str) -> str:
    """What reproducers call a release that somebody asks for by any of its names. Raises Bad."""
    base, plus, remedies = release.partition("+")
    if base == "all" or base.startswith(LIBRARY_PREFIX):
        return release
    named = named_release(base.removeprefix("zfs-"))
    if named is None or named.name not in RELEASES:
        expected = (
            f"all, one of {', '.join(RELEASES)}, a version that is as one of these, or libzpool-VERSION"
        )
        raise Bad(f"--release {release}: expected {expected}")
    return named.name + plus + remedies


def _on_all(reproducers: Iterable[Reproducer], release: str) -> Iterator[Replayed]:
    for reproducer in reproducers:
        yield from replay_one(reproducer, release)


def _on_kernels(reproducers: Iterable[Reproducer], names: Iterable[str]) -> Iterator[Replayed]:
    """One guest after the other, with a line for each program, since each takes seconds."""
    for name in names:
        for reproducer in reproducers:
            began = time.monotonic()
            for replayed in replay_one(reproducer, name):
                if replayed.got is not None:
                    took = time.monotonic() - began
                    say(f"{took:6.1f} s  {reproducer.name} on {name}: {replayed.got}")
                yield replayed
        runner = target_of_expectation(name)
        if runner is not None:
            runner.close()


def _kernels(chosen: Iterable[Path], release: str) -> list[str]:
    """The versions that are asked for: one, or each that a reproducer speaks of."""
    if release != "all":
        return [release]
    spoken = (name for folder in chosen for name in read_reproducer(folder).expect if is_kernel(name))
    return sorted({name.rpartition("-")[2] for name in spoken})


def _complete(folder: Path, names: Iterable[str]) -> None:
    """Write what each of these targets does into a reproducer that says nothing of it."""
    reproducer = read_reproducer(folder)
    if any(map(is_kernel, names)) and why_not_files(reproducer.program) is not None:
        return
    whole = with_missing(reproducer, names)
    if whole != reproducer:
        write_reproducer(whole, folder)
        new = [f"{name}: {whole.expect[name]}" for name in whole.expect if name not in reproducer.expect]
        say(f"written  {folder.name}: {'; '.join(new)}")
