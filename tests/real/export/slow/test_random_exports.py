"""Random programs exported, more of them than the ordinary tests have."""

from __future__ import annotations

import pytest

from fuzz.export.compile_and_run_form import LIBRARY_FORMS
from tests.real.export.test_random_exports import COUNT, none_is_called_wrong
from zapcore.release import PINNED


@pytest.mark.parametrize("form", LIBRARY_FORMS)
@pytest.mark.parametrize("release", PINNED)
def test_no_export_of_a_random_program_calls_the_library_wrong(release: str, form: str) -> None:
    none_is_called_wrong(form, release, range(COUNT[form], 10 * COUNT[form]))
