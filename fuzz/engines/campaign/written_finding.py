"""A finding of a campaign as a reproducer's folder, as every other command reads it."""

from __future__ import annotations

from pathlib import Path

from fuzz.corpus.reproducer import PROGRAM_FILE, REPRODUCER_FILE
from fuzz.engines.campaign.ledger import Finding
from fuzz.language.write_whole_file import write_whole


def write_finding(finding: Finding, into: Path) -> Path:
    """Write the two files of a finding below a folder; the one that makes it a reproducer comes last. Returns
    its folder. Raises OSError."""
    folder = into / Path(finding.name).name
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PROGRAM_FILE, finding.program.encode("utf-8"))
    write_whole(folder / REPRODUCER_FILE, finding.reproducer.encode("utf-8"))
    return folder
