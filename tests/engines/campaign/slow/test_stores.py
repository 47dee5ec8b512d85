"""Protects that a corpus is the same wherever it lies: in a folder, and behind a real server that is not on
this file system."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import ZAPFUZZ
from tests.support.paths import ROOT
from tests.support.services.s3_server import s3
from tests.support.services.sftp_server import sftp

pytestmark = pytest.mark.xdist_group("campaign")
Server = Callable[[Path, Path], AbstractContextManager[tuple[str, dict[str, str]]]]
SETTINGS = ["--workers", "1", "--engine", "random", "--release", "unfixed", "--runs", "300", "--seed", "4"]


def told(folder: Path, url: str, environment: dict[str, str], *words: str) -> dict[str, Any]:
    """What a campaign's command prints with --json."""
    done = subprocess.run(
        [*ZAPFUZZ, "campaign", *words, "--json"] + ([url] if words == ("status",) else ["--corpus", url]),
        capture_output=True,
        text=True,
        timeout=200,
        cwd=ROOT,
        env={**os.environ, "ZAPFUZZ_HOME": str(folder), **environment},
    )
    assert done.returncode in (0, 1), done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def outcome(data: dict[str, Any]) -> tuple[object, ...]:
    """What must not depend on where it lies."""
    campaign = data["campaign"]
    found = sorted((each["signature"], each["count"], each["program"]) for each in data["failures"])
    return campaign["executions"], campaign["states"], campaign["inputs"], campaign["arms"], found


@pytest.mark.parametrize("server", [sftp, s3])
def test_a_server_and_a_folder_come_to_the_same(server: Server, tmp_path: Path) -> None:
    """The same campaign, and a second one that goes on from it, which the server has alone: on its side the
    parts are files, too, and the same as those of the folder."""
    known = ["--known", str(tmp_path)]
    away = tmp_path / "served" / "away"
    with server(tmp_path / "server", away.parent) as (address, environment):
        places = {"here": (str(tmp_path / "here"), {}), "there": (f"{address}/{away.name}", environment)}
        first = {
            name: told(tmp_path / f"home-{name}", url, more, *SETTINGS, *known)
            for name, (url, more) in places.items()
        }
        assert outcome(first["here"]) == outcome(first["there"]) and first["here"]["failures"]
        again = {
            name: told(tmp_path / f"home-{name}", url, more, *SETTINGS, *known)
            for name, (url, more) in places.items()
        }
        assert outcome(again["here"]) == outcome(again["there"])
        assert again["there"]["campaign"]["executions"] == 600
        read = told(tmp_path / "home-there", places["there"][0], environment, "status")
        assert outcome(read) == outcome(again["there"])
    lengths = [len(list((folder / "parts").iterdir())) for folder in (tmp_path / "here", away)]
    assert lengths[0] == lengths[1] > 4
    assert told(tmp_path / "home-there", str(away), {}, "status")["campaign"]["executions"] == 600
