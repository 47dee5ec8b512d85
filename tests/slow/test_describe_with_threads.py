"""Protects the report of a program with threads, cut down as far as it goes."""

from __future__ import annotations

from pathlib import Path

from tests.export.test_forms_and_report import cut_down_with_its_schedule


def test_a_program_with_threads_is_cut_down_with_its_schedule(tmp_path: Path) -> None:
    cut_down_with_its_schedule(tmp_path)
