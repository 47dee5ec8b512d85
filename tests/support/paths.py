"""Where the things lie that tests read: nothing else asks a file where it is, so that tests may move."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""
CORPUS = ROOT / "corpus"
"""Regressions, findings and seeds."""
DATA = ROOT / "tests" / "data"
"""Logs, traces and small programs that only tests need."""
