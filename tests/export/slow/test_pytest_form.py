"""Every reproducer as a test of pytest's."""

from __future__ import annotations

from pathlib import Path

from tests.export.test_forms_and_report import REPRODUCERS, pytest_forms_pass


def test_the_pytest_form_of_every_reproducer_passes(tmp_path: Path) -> None:
    pytest_forms_pass(REPRODUCERS, tmp_path)
