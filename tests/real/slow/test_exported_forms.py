"""Protects the exported forms on each real library: the half that the ordinary tests leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.export.test_exported_forms import fails_where_the_corpus_says, known_forms


@pytest.mark.parametrize(("folder", "release", "form"), list(known_forms(quick=False)))
def test_every_reproducer_fails_where_the_corpus_says(
    folder: Path, release: str, form: str, tmp_path: Path
) -> None:
    fails_where_the_corpus_says(folder, release, form, tmp_path)
