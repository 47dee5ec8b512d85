"""Where the project's own things lie, whoever is asked from wherever: its top folder and its corpus."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that `fuzz` and `zapcore` are in."""
CORPUS = ROOT / "corpus"
"""Regressions, findings and seeds, as the project has them."""
