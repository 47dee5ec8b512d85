"""`zapfuzz report`: what runs and campaigns came to over time, as one HTML file."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import click

from fuzz.commands.shared.ending import Bad
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.progress import working
from fuzz.corpus.extras import how_to_get
from fuzz.corpus.places import CORPUS, home
from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import Reproducer, shortest_first
from fuzz.engines.campaign.ledger import Ledger
from fuzz.engines.history.read import read_history
from fuzz.export.pages.campaign_page import Shown, campaign_report
from fuzz.export.pages.run_page import run_report

PARTS = "parts"
"""What a campaign's corpus has and no history's folder (`fuzz.engines.campaign.store`)."""


@click.command("report")
@click.argument("places", metavar="[FOLDER]...", nargs=-1)
@click.option(
    "--run", "wanted", multiple=True, type=click.IntRange(1), help="Only this run; may be repeated."
)
@out_option("The file; by default standard output.")
def report(places: tuple[str, ...], wanted: tuple[int, ...], out: Path | None) -> None:
    """Write one HTML file of the runs whose history FOLDER has: what they did over time, what they met, and
    what brought something; several runs beside each other.

    FOLDER has a history, or is its file; by default the user's own, with every run of `zapfuzz fuzz`. It may
    be a campaign's corpus, too, or its address: several of these are shown beside each other.
    """
    if any(map(_is_campaign, places)):
        if wanted:
            raise Bad("--run: names a run of a history, which a campaign's corpus has not")
        text = campaign_report([_campaign(place) for place in places])
    else:
        if len(places) > 1:
            raise Bad(f"{places[1]}: expected one history, whose runs are beside each other, or campaigns")
        text = _of_runs(Path(places[0]) if places else home(), wanted)
    text_to(out, text, "report.html")


def _is_campaign(place: str) -> bool:
    return "://" in place or (Path(place) / PARTS).is_dir()


def _of_runs(folder: Path, wanted: Sequence[int]) -> str:
    with working(f"reading {folder}"):
        runs = read_history(folder, wanted)
    missing = sorted(set(wanted) - {run.id for run in runs})
    if missing or not runs:
        raise Bad(f"{folder}: expected {f'run {missing[0]}' if missing else 'a run'}, found none")
    with working("drawing"):
        return run_report(runs)


def _campaign(place: str) -> Shown:
    """A campaign as its corpus has it now. Raises Bad."""
    if importlib.util.find_spec("fsspec") is None:
        raise Bad(f"{place} is a campaign's corpus, which needs fsspec: {how_to_get('fsspec')}")
    from fuzz.engines.campaign.corpus import Corpus
    from fuzz.engines.campaign.store import NoStore, Store

    try:
        with working(f"reading {place}"):
            corpus = Corpus(Store(place))
            corpus.store.find()
            corpus.look()
    except NoStore as problem:
        raise Bad(str(problem)) from None
    return Shown(corpus.store.url, corpus.ledger, _known(corpus.ledger))


def _known(ledger: Ledger) -> dict[str, list[Reproducer]]:
    """Which failures the project knows, of those that a campaign could meet."""
    reproducers = shortest_first(CORPUS)
    known: dict[str, list[Reproducer]] = {}
    for target, release, remedies in dict.fromkeys(
        (arm.target, arm.release, arm.remedies) for arm in ledger.rows
    ):
        with working(f"what is known of {release}"):
            known |= known_on(reproducers, target, release, tuple(filter(None, remedies.split(","))))
    return known
