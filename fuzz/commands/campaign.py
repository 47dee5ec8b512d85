"""`zapfuzz campaign`: fuzz with many workers as one; `zapfuzz campaign status`: how far that is."""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fuzz.commands.remedies import only_on_model, with_remedies
from fuzz.commands.shared.campaign_answer import campaign_failures, campaign_lines, campaign_status
from fuzz.commands.shared.does_nothing import refuse
from fuzz.commands.shared.ending import Bad, Ended
from fuzz.commands.shared.machine_answer import Answer, json_option
from fuzz.commands.shared.number_not_nan import Number
from fuzz.commands.shared.options import findings_option, known_option
from fuzz.commands.shared.output import try_folder
from fuzz.commands.shared.program_argument import ReleaseName
from fuzz.commands.shared.progress import say, working
from fuzz.commands.shared.serve import live_page, serve_option
from fuzz.corpus.elsewhere import keep
from fuzz.corpus.extras import how_to_get
from fuzz.corpus.places import home
from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import Reproducer, shortest_first
from fuzz.engines.campaign.at_work import with_all_at_work
from fuzz.engines.campaign.campaign import Campaign, Plan
from fuzz.engines.campaign.cluster import NoCluster
from fuzz.engines.campaign.corpus import Corpus
from fuzz.engines.campaign.ledger import Arm, Finding
from fuzz.engines.campaign.store import NoStore, Store, part_name
from fuzz.engines.campaign.written_finding import write_finding
from fuzz.engines.engine_config import ENGINES, NEEDS
from fuzz.engines.fuzzing_run import new_seed
from fuzz.generate.styles import STYLES
from fuzz.targets.registry import KERNEL_KINDS, KINDS

if TYPE_CHECKING:
    from fuzz.export.pages.live_sources import Source

WITH_THREADS = ("threads", "sync")
WITH_STYLES = ("atheris", "random")
BY_DEFAULT = ("atheris", "random", *WITH_THREADS)
"""The engines of a campaign that names none, as far as they are installed."""


def _default_corpus() -> str:
    return str(home() / "campaign")


corpus_option = click.option(
    "--corpus",
    "url",
    metavar="URL",
    default=_default_corpus,
    show_default="campaign in ZAPFUZZ_HOME, or in the user's data folder",
    help="Where all that is known lies: a folder, or any address that fsspec reaches, as sftp:// or s3://.",
)


@click.group("campaign", invoke_without_command=True)
@corpus_option
@click.option("--time", "seconds", type=Number(0), default=0, help="Seconds; 0 for no bound.")
@click.option("--runs", type=click.IntRange(0), default=0, help="Executions; 0 for no bound.")
@click.option(
    "--scheduler", metavar="ADDRESS", default="", help="A Dask cluster that runs; else one is started here."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Without --scheduler."
)
@click.option(
    "--slice", "slice_seconds", type=Number(1), default=60, show_default=True, help="Seconds of a slice."
)
@click.option(
    "--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="By default all but two."
)
@click.option("--release", "releases", type=ReleaseName(), multiple=True, default=("2.3",), show_default=True)
@click.option(
    "--style", "styles", type=click.Choice(list(STYLES)), multiple=True, help="By default each, and all."
)
@click.option("--target", type=click.Choice(list(KINDS)), default="model", show_default=True)
@click.option("--libzpool", metavar="PATH", help="A libzpool, the same on every worker's machine.")
@with_remedies
@click.option("--seed", type=click.IntRange(0, 0x7FFFFFFF), default=0, help="0 for one of the clock's.")
@click.option("--max-ops", type=click.IntRange(1, 10_000), default=160, show_default=True)
@known_option
@findings_option("For what is new, beside the corpus.")
@serve_option
@json_option
@click.pass_context
def campaign(
    ctx: click.Context,
    url: str,
    seconds: float,
    runs: int,
    scheduler: str,
    workers: int,
    slice_seconds: float,
    engines: tuple[str, ...],
    releases: tuple[str, ...],
    styles: tuple[str, ...],
    target: str,
    libzpool: str | None,
    remedy: tuple[str, ...],
    seed: int,
    max_ops: int,
    known: Path,
    out: Path,
    serve: int | None,
    machine: bool,
) -> None:
    """Fuzz with many workers as one, over a corpus that outlives them all.

    Several --engine, --release and --style each get their share by what they bring. The same command goes on
    from where the corpus is; others may run beside it. Status 1 if a failure was met that --known does not
    have.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = url
        return
    only_on_model(remedy, target)
    refuse("workers", "starts a cluster here, and --scheduler names one that runs", where=bool(scheduler))
    arms = tuple(_arms(engines, releases, styles, target, remedy))
    try_folder(out)
    reproducers = shortest_first(known)
    expected = {arm: known_on(reproducers, arm.target, arm.release, remedy) for arm in arms}
    begun = time.time()
    plan = Plan(
        url,
        arms,
        {arm: tuple(texts) for arm, texts in expected.items()},
        part_name("campaign")[-12:],
        seed or new_seed(),
        time.monotonic(),
        seconds=seconds,
        runs=runs,
        slice_seconds=slice_seconds,
        scheduler=scheduler,
        workers=workers,
        libzpool=libzpool,
        max_ops=max_ops,
    )
    answer = Answer("campaign", machine, release=",".join(releases), target=target)
    screen = _Screen(out, answer)
    try:
        running = Campaign(plan, screen)
        with working("beginning"):
            running.begin()
        answer.say(f"campaign over {running.corpus.store.url}, seed {plan.seed}, {len(arms)} arms")
        all_known = {text: each for texts in expected.values() for text, each in texts.items()}
        answer.details = lambda: _details(running.corpus, plan.seed)
        with answer.given(), live_page(serve, lambda: _live_campaign(running, all_known), screen.note):
            _run(running, screen, answer, all_known, begun)
    except (NoStore, NoCluster) as problem:
        raise Bad(str(problem)) from None


def _live_campaign(running: Campaign, known: Mapping[str, list[Reproducer]]) -> Source:
    """What a live page shows of it."""
    from fuzz.export.pages.campaign_page import Shown
    from fuzz.export.pages.live_sources import LiveCampaign

    def look() -> Shown:
        at_work = running.at_work()
        ledger = with_all_at_work(running.corpus.ledger, at_work)
        return Shown(running.corpus.store.url, ledger, known, running.workers, at_work)

    return LiveCampaign(look)


def _run(
    running: Campaign, screen: _Screen, answer: Answer, known: Mapping[str, list[Reproducer]], begun: float
) -> None:
    """Until it is over, however that is; its last words."""
    try:
        with working("campaign", lambda: _how_far(running)):
            running.run()
    except Ended as ended:
        answer.say(f"ended by {ended}; slices that run hand in what they have")
        ended.told = True
        raise
    finally:
        ledger, unwritten = running.corpus.ledger, list(dict.fromkeys(running.unwritten + screen.unwritten))
        for line in campaign_lines(ledger, known):
            answer.say(line)
        for text in unwritten:
            answer.say(f"not written: {text}")
        campaign_failures(answer, ledger, known)
        answer.status = campaign_status(ledger, known, begun, running.new, unwritten)


@campaign.command("status")
@click.argument("url", metavar="[CORPUS]", required=False)
@json_option
@click.pass_obj
def status(above: str, url: str | None, machine: bool) -> None:
    """What all campaigns over CORPUS have come to so far."""
    try:
        corpus = Corpus(Store(url or above))
        with working("reading"):
            corpus.store.find()
            corpus.look()
    except NoStore as problem:
        raise Bad(str(problem)) from None
    answer = Answer("campaign", machine, release="", target="")
    answer.details = lambda: _details(corpus)
    with answer.given():
        for line in campaign_lines(corpus.ledger, {}):
            answer.say(line)
        for name in sorted(corpus.torn):
            answer.say(f"part {name} is being written, or cut short: what can be read of it is taken")
        campaign_failures(answer, corpus.ledger, {})


def _arms(
    engines: tuple[str, ...],
    releases: tuple[str, ...],
    styles: tuple[str, ...],
    target: str,
    remedies: tuple[str, ...],
) -> list[Arm]:
    """What slices may be spent on. Raises Bad."""
    installed = [each for each in BY_DEFAULT if each not in NEEDS or importlib.util.find_spec(NEEDS[each])]
    if target != "model":
        installed = [each for each in installed if each not in WITH_THREADS]
    if target in KERNEL_KINDS:
        installed = ["random"]
    for engine in engines:
        if engine not in NEEDS or importlib.util.find_spec(NEEDS[engine]):
            continue
        get = how_to_get(NEEDS[engine])
        raise Bad(f"--engine {engine} needs {NEEDS[engine]}, here and on every worker: {get}")
    if wrong := [each for each in engines if target != "model" and each not in installed]:
        raise Bad(f"--engine {wrong[0]}: expected one of {', '.join(installed)} with --target {target}")
    fuzzing = engines or tuple(installed)
    refuse("styles", "is for the engines atheris and random alone", where=not {*fuzzing} & {*WITH_STYLES})
    refuse("max_ops", "bounds what --engine atheris makes alone", where="atheris" not in fuzzing)
    refuse("libzpool", "expected --target libzpool, both or kernel", where=target == "model")
    arms = []
    for engine, release in itertools.product(engines or installed, dict.fromkeys(releases)):
        for style in dict.fromkeys(_styles(engine, styles)):
            arms.append(Arm(engine, release, style, target, ",".join(remedies)))
    return arms


def _styles(engine: str, styles: tuple[str, ...]) -> tuple[str, ...]:
    if engine not in WITH_STYLES:
        return ("",)
    return styles or (("", *STYLES) if engine == "random" else ("",))


class _Screen:
    """Watches a campaign."""

    def __init__(self, out: Path, answer: Answer) -> None:
        self.out = out
        self.answer = answer
        self.unwritten: list[str] = []

    def found(self, signature: str, finding: Finding) -> None:
        """Show a new failure, and keep it where every other command looks for it."""
        kept = keep(self.out, lambda folder: write_finding(finding, folder))
        if kept.problem is not None:
            self.unwritten.append(str(kept))
        self.answer.say(f"\nnew: {signature}\n\n{finding.program.rstrip()}\n\nkept in {kept}\n")

    def note(self, text: str) -> None:
        """Show a line."""
        say(f"zapfuzz: {text}", err=True)


def _how_far(running: Campaign) -> str:
    ledger = running.corpus.ledger
    told = [each.told for each in running.at_work() if each.told is not None]
    now = sum(did.executions for each in told for did in each.ledger.workers.values())
    states = sum(map(len, ledger.states.values())) + sum(each.states for each in told)
    return (
        f"{running.workers} workers, {running.executions + now:,} executions of {ledger.executions + now:,}, "
        f"{states:,} states, {len(ledger.inputs):,} inputs, {len(running.new)} failures new"
    )


def _details(corpus: Corpus, seed: int | None = None) -> dict[str, object]:
    """How much was done, where it stands, and how it came there."""
    ledger = corpus.ledger
    return {
        "corpus": corpus.store.url,
        "seed": seed,
        "slices": sum(row.slices for row in ledger.rows.values()),
        "executions": ledger.executions,
        "states": sum(map(len, ledger.states.values())),
        "inputs": len(ledger.inputs),
        "workers": {name: each.executions for name, each in sorted(ledger.workers.items())},
        "arms": {str(arm): row.executions for arm, row in sorted(ledger.rows.items())},
        "history": ledger.over_time(),
        "torn": sorted(corpus.torn),
    }
