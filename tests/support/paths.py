"""Where the things lie that tests read: nothing else asks a file where it is, so that tests may move."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""
CORPUS = ROOT / "corpus"
"""Regressions, findings, seeds and programs of mutants."""
MUTANTS = CORPUS / "mutants"
"""For each seeded fault a program that fails with it."""
DATA = ROOT / "tests" / "data"
"""Logs, traces and small programs that only tests need."""
