"""Protects reading objects out of a pool that the real library wrote: nothing is said of what it wrote, one
turned bit is found, and the image is never written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.check import check
from fuzz.targets.libzpool.locate import NoLibrary, find_library, python_for
from tests.support.make_pool_image import DAMAGED, DIRECTORY, ENCRYPTED, GONE, READABLE
from tests.support.missing import missing
from tests.support.paths import ROOT


@pytest.fixture(scope="module", params=["2.4 disk", "2.3 disk", "2.1 file"])
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The options that name a pool's image and the library that wrote it. Its device is a disk in the pool's
    own configuration, as real ones are, or a file."""
    release, kind = request.param.split()
    try:
        library = find_library(release)
    except NoLibrary as reason:
        missing(reason)
    image = tmp_path_factory.mktemp("pool") / "tank.img"
    environment = os.environ | {"LD_LIBRARY_PATH": str(library.parent), "PYTHONPATH": str(ROOT)}
    command = [*python_for(library), "-m", "tests.support.make_pool_image", str(library), str(image), kind]
    subprocess.run(command, check=True, env=environment, timeout=60, capture_output=True)
    before = hashlib.sha256(image.read_bytes()).digest()
    yield ["--pool", str(image), "--libzpool", str(library)]
    assert hashlib.sha256(image.read_bytes()).digest() == before


def run(options: list[str], *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(check, [*options, *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_only_the_damaged_object_is_called_damaged(pool: list[str]) -> None:
    status, out, err = run(pool, "--all", "--json")
    reports = [json.loads(line) for line in out.splitlines()]
    wrong = [report["name"] for report in reports if not report["sound"]]
    assert (status, wrong) == (1, [f"tank/ds object {each}" for each in (DAMAGED, DIRECTORY)])
    left_out, summary = err.splitlines()
    assert ", 2 not: " in summary and "left out: dataset tank/secret: 2 encrypted ZAPs: " in left_out
    assert len(reports) > 30
    kinds = {(report["kind"], report["block_size"]) for report in reports}
    assert {("fat", 512), ("fat", 4096), ("fat", 16384), ("micro", 512)} <= kinds
    assert any(report["name"].startswith("tank MOS object") for report in reports)


def test_all_ends_with_a_summary(pool: list[str]) -> None:
    """A person who has looked at forty objects wants to know which were damaged; a machine does not."""
    _, out, _ = run(pool, "--dataset", "tank/ds", "--all")
    last = out.splitlines()[-1]
    assert re.fullmatch(
        rf"\d+ ZAPs: \d+ sound, 2 not: tank/ds object {DAMAGED}, tank/ds object {DIRECTORY}", last
    )
    _, out, err = run(pool, "--dataset", "tank/ds", "--all", "--json")
    assert err.startswith(last.partition(":")[0]) and all(map(json.loads, out.splitlines()))


def test_one_object(pool: list[str]) -> None:
    status, out, _ = run(pool, "--dataset", "tank/ds", "--object", str(DAMAGED))
    assert status == 1
    assert "block 1: lh_freelist: " in out
    assert run(pool, "--dataset", "tank/ds", "--object", "3")[0] == 0


def test_an_entry_whose_object_is_not_there(pool: list[str]) -> None:
    status, out, _ = run(pool, "--dataset", "tank/ds", "--object", str(DIRECTORY))
    assert status == 1
    assert "1 violation: micro ZAP" in out
    assert f"WRONG entry-object: block 0: chunk 1 value: 'gone': no object {GONE}" in out


def test_what_is_encrypted_is_left_out(pool: list[str]) -> None:
    """Without a key its blocks read as zeros, which are no damage; what is not encrypted there is judged."""
    status, out, err = run(pool, "--dataset", "tank/secret", "--all")
    assert (status, out.splitlines()[-1]) == (0, "1 ZAP: 1 sound, 0 not")
    assert f"tank/secret object {READABLE}: sound" in out and "2 encrypted ZAPs" in err
    for number in ENCRYPTED:
        status, out, err = run(pool, "--dataset", "tank/secret", "--object", str(number))
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert f"object {number}: encrypted; there is no key" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--dataset", "tank/no", "--object", "3"),
            "dataset tank/no: cannot be opened: No such file or directory; expected one of MOS, tank, ",
        ),
        (("--dataset", "tank/ds", "--object", "999"), "dataset tank/ds: object 999: No such file"),
    ],
)
def test_what_is_not_there(pool: list[str], arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run(pool, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_an_image_of_no_pool(pool: list[str], tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(os.urandom(1 << 20))
    status, _, err = run(["--pool", str(tmp_path / "noise"), *pool[2:]], "--all")
    assert (status, "no pool's label" in err, err.count("\n")) == (2, True, 1)


def test_what_is_given_as_a_pool_is_told(pool: list[str], tmp_path: Path) -> None:
    """By its first bytes, before anything imports it."""
    for start, data, said in (
        (0x4000, b"\0" * 9, "all zero, at least in its first "),
        (512, b"EFI PART", "a disk with a partition table"),
        (0, b"QFI\xfb", "a qcow2 image: turn it into a raw one"),
        (0x438, b"\x53\xef", "an ext file system"),
        (0, b"some words\n" * 900, "text; expected"),
    ):
        given = tmp_path / "given"
        given.write_bytes(data.rjust(start + len(data), b"\0"))
        status, out, err = run(["--pool", str(given), *pool[2:]], "--all")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert said in err and "expected a pool's only device, or its image" in err
    status, _, err = run(["--pool", "/dev/null", *pool[2:]], "--all")
    assert (status, err.count("no file and no block device")) == (2, 1)


def test_a_block_device_is_a_pool_as_its_image_is(pool: list[str]) -> None:
    """Which `check FILE` points at. Needs root and a free loop device."""
    made = subprocess.run(
        ["losetup", "--find", "--show", "--read-only", pool[1]], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no loop device: {made.stderr.strip()}")
    device = made.stdout.strip()
    try:
        assert run(["--pool", device, *pool[2:]], "--all") == run(pool, "--all")
        status, out, err = run([device])
        assert (status, out) == (2, "") and f"{device}: a block device: say --pool with it" in err
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_an_object_that_is_no_zap(pool: list[str]) -> None:
    status, out, err = run(pool, "--dataset", "MOS", "--object", "1000")
    assert (status, out, err.count("\n")) == (2, "", 1)
    _, directory, _ = run(pool, "--dataset", "MOS", "--object", "1", "--json")
    (config,) = [each["value"] for each in json.loads(directory)["entries"] if each["key"] == "config"]
    status, out, err = run(pool, "--dataset", "MOS", "--object", str(int(config, 16)))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.endswith("is not a ZAP's\n")
