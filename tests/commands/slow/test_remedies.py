"""The engines that the ordinary tests leave out have remedies, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.engines.engine_config import ENGINES
from tests.commands.test_remedies import QUICK_ENGINES, engine_has_the_remedy


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine not in QUICK_ENGINES])
def test_the_engine_s_process_has_the_remedy_too(engine: str, tmp_path: Path) -> None:
    engine_has_the_remedy(engine, tmp_path)
