"""The process of one engine: `python -m fuzz.engines.engine_process_main CONFIG [PARENT]`, the configuration
as JSON, and the process that it ends with."""

from __future__ import annotations

import importlib
import sys

from fuzz.corpus.extras import lacking
from fuzz.engines.engine_config import ENGINES, Config
from fuzz.targets.base import NoTarget
from fuzz.targets.end_with_parent import end_with
from fuzz.targets.libzpool.locate import NoLibrary


def main() -> None:
    """Run the engine that the configuration names."""
    config = Config.from_json(sys.argv[1])
    if len(sys.argv) > 2:
        end_with(int(sys.argv[2]))
    if config.engine not in ENGINES:
        raise ValueError(f"engine {config.engine}")
    try:
        importlib.import_module(f"fuzz.engines.{config.engine}_engine").main(config)
    except (NoLibrary, NoTarget) as problem:
        sys.exit(str(problem))
    except ModuleNotFoundError as missing:
        sys.exit(f"{config.engine} needs {lacking(missing)}")


if __name__ == "__main__":
    main()
