"""Programs to start from: those of files, and of every .zap file below folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzz.engines.engine_config import Config
from fuzz.language.program import Program


def seed_programs(config: Config) -> Iterator[Program]:
    """The seeds, in the order of their paths. A seed with more ops than a run may have is left out.

    Raises SyntaxProblem.
    """
    if not config.seeds:
        return
    from fuzz.language.syntax import load

    for name in config.seeds:
        path = Path(name)
        for file in sorted(path.rglob("*.zap")) if path.is_dir() else [path]:
            program = load(file)
            if len(program.ops) <= config.max_ops:
                yield program
