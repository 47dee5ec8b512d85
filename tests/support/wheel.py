"""A wheel of this checkout, installed beside what would break it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.support.paths import ROOT

POISON = "raise SystemExit('a stranger was imported')\n"
"""What a file of the current folder, or another package of that name, does if it is imported."""
NEEDED = ("click", "platformdirs", "rich")
"""The packages of pyproject.toml's `dependencies`."""
STRANGERS = ("fuzz/__init__.py", "random.py", "tests/__init__.py", "corpus.py")


def build_wheel(folder: Path) -> Path:
    """Build it with the backend, here and now."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


class Installed:
    """A fresh environment with the wheel. What zapfuzz depends on is that of the environment of the tests, by
    its path alone: its editable zapfuzz is not there. Without `extras` it is what zapfuzz cannot do without.
    Beside it lies another package `fuzz`."""

    def __init__(self, folder: Path, extras: bool = True) -> None:
        wheel = build_wheel(folder)
        self.venv, self.empty, self.home = folder / "venv", folder / "empty", folder / "home"
        venv.create(self.venv, symlinks=True)
        self.python = self.venv / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet", "--no-index"]
        subprocess.run([*pip, "--no-deps", "--disable-pip-version-check", str(wheel)], check=True)
        (self.site,) = self.venv.glob("lib/python3*/site-packages")
        packages = Path(sysconfig.get_path("purelib"))
        if not extras:
            (folder / "needed").mkdir()
            for name in NEEDED:
                (folder / "needed" / name).symlink_to(packages / name)
            packages = folder / "needed"
        (self.site / "dependencies.pth").write_text(f"{packages}\n")
        self.empty.mkdir()
        self.home.mkdir()
        for place in (self.site / "fuzz/__init__.py", *(self.empty / each for each in STRANGERS)):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(POISON)

    def python_runs(self, code: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        """A few lines of Python, which see no current folder."""
        command = [str(self.python), "-P", "-c", code, *words]
        return subprocess.run(command, capture_output=True, env=self.environment(), check=False)

    def environment(self) -> dict[str, str]:
        """That of the tests, with a home of its own. What was fetched and compiled is that of the tests
        (ZAPFUZZ_CACHE)."""
        unset = ("PYTHONPATH", "ZAPFUZZ_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
        return {name: value for name, value in os.environ.items() if name not in unset} | {
            "HOME": str(self.home)
        }

    def run(
        self, *words: str, given: bytes = b"", seconds: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        """`zapfuzz` with words, from the empty folder."""
        command = [str(self.venv / "bin" / "zapfuzz"), *words]
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            cwd=self.empty,
            env=self.environment(),
            timeout=seconds,
            check=False,
        )
