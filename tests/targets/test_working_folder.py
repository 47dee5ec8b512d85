"""Folders in which something is made: what a killed process leaves of one is swept by the next."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz.corpus.places import ROOT
from fuzz.targets.packages.cache_folder import working_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from fuzz.targets.packages.cache_folder import working_folder
with working_folder(Path(sys.argv[1]), ".2.3.2-") as folder:
    (folder / "source").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """A build that was killed leaves hundreds of megabytes under a name that nobody would look for."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with working_folder(tmp_path, ".2.3.2-") as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_many_that_begin_at_once_each_have_a_folder(tmp_path: Path) -> None:
    """A folder that was made and is not locked yet looks as if it were left."""

    def work(_: int) -> bool:
        with working_folder(tmp_path, ".boot-") as folder:
            (folder / "file").touch()
            return folder.is_dir()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(400)))
    assert not list(tmp_path.iterdir())


def test_folder_of_a_process_that_lives_stays(tmp_path: Path) -> None:
    """Two builds beside each other do not take each other's folders."""
    with working_folder(tmp_path, ".boot-") as first, working_folder(tmp_path, ".boot-") as second:
        assert first.is_dir() and second.is_dir() and first != second
