"""Where things lie: the project's corpus, what is fetched and compiled, and what a user's runs leave.

In a checkout the corpus and `.cache` are at its top. An installed zapfuzz has the corpus inside its package,
which nothing is ever written to. What is the user's goes to the folders that the system has for that, or
below ZAPFUZZ_HOME; never into the folder that somebody happens to be in.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent
"""The folder that this package and `zapcore` are in: what a child process needs on its path."""
_DATA = PACKAGE / "corpus" / "data"
INSTALLED = _DATA.is_dir()
"""Whether this is no checkout: a wheel has the corpus in its package (`wheel_hook`)."""
CORPUS = _DATA if INSTALLED else ROOT / "corpus"
"""Regressions, findings, seeds and programs of mutants, as the project has them."""
FINDINGS = "findings"
MUTANTS = "mutants"
"""Programs by the names of seeded faults: each fails with its fault, and is fine without it."""


def home() -> Path:
    """What a user's runs leave: ZAPFUZZ_HOME, or zapfuzz in the user's folder for data (XDG_DATA_HOME)."""
    if chosen := os.environ.get("ZAPFUZZ_HOME"):
        return Path(chosen).resolve()
    import platformdirs  # here, so that workers start without it

    return platformdirs.user_data_path("zapfuzz")


def own_findings() -> Path:
    """Where `zapfuzz fuzz` keeps what is new."""
    return home() / FINDINGS


def cache() -> Path:
    """What was fetched or compiled and can be made again: ZAPFUZZ_CACHE, ZAPFUZZ_HOME/cache, a checkout's
    .cache, or zapfuzz in the user's folder for caches (XDG_CACHE_HOME)."""
    if chosen := os.environ.get("ZAPFUZZ_CACHE"):
        return Path(chosen).resolve()
    if os.environ.get("ZAPFUZZ_HOME"):
        return home() / "cache"
    if not INSTALLED:
        return ROOT / ".cache"
    import platformdirs

    return platformdirs.user_cache_path("zapfuzz")
