"""Uniform random programs, without feedback and corpus. The other engines are measured against this one."""

from __future__ import annotations

from fuzz.engines import random_engine
from fuzz.engines.engine_config import Config
from fuzz.generate.uniform_programs import uniform_program


def main(config: Config) -> None:
    """Run uniform random programs until the bound."""
    random_engine.main(config, lambda rng, model: uniform_program(rng))
