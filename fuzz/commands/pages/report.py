"""`zapfuzz report`: what runs came to over time, as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from fuzz.commands.shared.options import Bad
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.progress import working
from fuzz.corpus.places import home
from fuzz.engines.history.read import read_history
from fuzz.export.pages.run_page import run_report


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path), default=home, required=False)
@click.option(
    "--run", "wanted", multiple=True, type=click.IntRange(1), help="Only this run; may be repeated."
)
@out_option("The file; by default standard output.", "--out", "-o", "out")
def report(folder: Path, wanted: tuple[int, ...], out: Path | None) -> None:
    """Write one HTML file of the runs whose history FOLDER has: what they did over time, what they met, and
    what brought something; several runs beside each other.

    FOLDER has a history, or is its file; by default the user's own, with every run of `zapfuzz fuzz`.
    """
    with working(f"reading {folder}"):
        runs = read_history(folder, wanted)
    missing = sorted(set(wanted) - {run.id for run in runs})
    if missing or not runs:
        raise Bad(f"{folder}: expected {f'run {missing[0]}' if missing else 'a run'}, found none")
    with working("drawing"):
        text = run_report(runs)
    text_to(out, text, "report.html")
