"""Where fetched and compiled things are kept."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GLIBC = "glibc"
"""In a library's folder, the folder of the C library that it needs if the system's is older."""


def cache_folder(chosen: str | Path | None = None) -> Path:
    """The chosen folder, or ZAPFUZZ_CACHE/libzpool, or .cache/libzpool at the top of the project."""
    if chosen is not None:
        return Path(chosen).resolve()
    root = os.environ.get("ZAPFUZZ_CACHE")
    return (Path(root).resolve() if root else ROOT / ".cache") / "libzpool"
