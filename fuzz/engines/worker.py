"""The process of one engine: `python -m fuzz.engines.worker CONFIG`, the configuration as JSON."""

from __future__ import annotations

import importlib
import sys

from fuzz.engines.config import ENGINES, Config


def main() -> None:
    """Run the engine that the configuration names."""
    config = Config.from_json(sys.argv[1])
    if config.engine not in ENGINES:
        raise ValueError(f"engine {config.engine}")
    importlib.import_module(f"fuzz.engines.{config.engine}_engine").main(config)


if __name__ == "__main__":
    main()
