"""The three forms of a reproducer, each one file's text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fuzz.corpus.reproducer import Reproducer
from fuzz.export.c_form import c_form
from fuzz.export.python_form import python_form
from fuzz.export.sh_form import sh_form
from fuzz.export.story import for_docstring, story
from fuzz.language.printing import format_program
from fuzz.targets.registry import LIBRARY_PREFIX

PYTEST_USAGE = "A test on zapfuzz's model: pytest THIS_FILE, where zapfuzz is installed."

PYTEST = '''\
"""{story}
"""

import pytest

from fuzz.corpus.replay import outcome_on
from fuzz.language.syntax import parse

PROGRAM = {program}

EXPECT = {{
{expect}}}


@pytest.mark.parametrize("release", EXPECT)
def test_{name}(release: str) -> None:
    assert str(outcome_on(release, parse(PROGRAM))) == EXPECT[release]
'''


def pytest_form(reproducer: Reproducer, release: str = "") -> str:
    """A test module that runs the program on every release of the model that the reproducer speaks of, or on
    one."""
    model = {
        name: outcome
        for name, outcome in reproducer.expect.items()
        if not name.startswith((LIBRARY_PREFIX, "kernel-")) and release in ("", name)
    }
    return PYTEST.format(
        story=for_docstring(story(reproducer, PYTEST_USAGE)),
        program=_long_string(format_program(reproducer.program)),
        expect="".join(f"    {name!r}: {outcome!r},\n" for name, outcome in model.items()),
        name=re.sub(r"\W+", "_", reproducer.name or "reproducer").strip("_"),
    )


def _long_string(text: str) -> str:
    return "".join(["(\n", *(f"    {line!r}\n" for line in text.splitlines(keepends=True)), ")"])


FORMS: Mapping[str, Callable[[Reproducer, str], str]] = {
    "pytest": pytest_form,
    "python": python_form,
    "c": c_form,
    "sh": sh_form,
}
"""By the name that --as takes; each of a reproducer and a release ("": each release). May raise NoForm."""
SUFFIX = {"pytest": ".py", "python": ".py", "c": ".c", "sh": ".sh"}
