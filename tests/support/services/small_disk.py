"""Commands on a disk of a few KiB, which is there only for them: in a mount namespace of their own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ALL = """
import json, sys
from tests.support.command import zapfuzz
print(json.dumps([zapfuzz(*words) for words in json.loads(sys.argv[1])]))
"""


def in_namespace(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's script that may mount. Skips the test where nobody may."""
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--mount", "sh", "-e", "-c", script, "sh", *words]
    try:
        if subprocess.run(["unshare", *user, "--mount", "true"], capture_output=True).returncode:
            pytest.skip("no mount namespaces here")
    except FileNotFoundError:
        pytest.skip("no unshare(1) here")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)


def mounted(disk: Path, kib: int = 300) -> str:
    """The beginning of a script: a disk of so many KiB."""
    disk.mkdir(exist_ok=True)
    return f"mount -t tmpfs -o size={kib}k none {shlex.quote(str(disk))}\n"


def commands_on(disk: Path, made: str, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Run commands while a disk is as the script `made` leaves it; the status of each and what it said."""
    script = f'{mounted(disk)}cd "{disk}"\n{made}\ncd /\nexec "$@"\n'
    done = in_namespace(script, sys.executable, "-c", ALL, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return [(status, output) for status, output in json.loads(done.stdout)]
