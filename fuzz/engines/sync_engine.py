"""Programs whose threads are beside the sync of a txg, and their schedules: see the threads engine."""

from __future__ import annotations

from fuzz.engines.engine_config import Config
from fuzz.engines.threads_engine import fuzz_threads
from fuzz.threads.programs_beside_sync import BESIDE_SYNC


def main(config: Config) -> None:
    """Run programs with a sync thread until the bound."""
    fuzz_threads(config, BESIDE_SYNC)
