"""A fuzz target: the model of release master."""

from __future__ import annotations

from fuzz.engines.ossfuzz.target import fuzz

if __name__ == "__main__":
    fuzz("master")
