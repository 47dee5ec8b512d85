"""Protects what OSS-Fuzz and ClusterFuzzLite run: a failure that nobody knows ends the target, and what it
leaves is a program of ours; what the corpus knows ends nothing."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fuzz.corpus.named_program import open_named
from fuzz.engines.ossfuzz.seed_corpus import write_seeds
from fuzz.language.byteform import decode, encode
from fuzz.language.syntax import MAX_FILE, SyntaxProblem
from tests.engines.ossfuzz.targets import FOLDER, TARGETS, libfuzzer, python_target
from tests.support.command import zapfuzz
from tests.support.paths import ROOT

FOUND = "zap-trunc-next-table"


def test_an_artifact_is_a_program(tmp_path: Path) -> None:
    """`zapfuzz run` fails on it as the target did."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    program = open_named(FOUND).program
    (inputs / "one").write_bytes(encode(program))
    command = python_target("zap_2_3_fuzzer")
    status, said, artifacts = libfuzzer(command, tmp_path / "left", "-runs=1", str(inputs), known=False)
    assert status != 0 and "ERROR: libFuzzer" in said, said[-2000:]
    (artifact,) = artifacts
    assert artifact.name.startswith("crash-") and open_named(str(artifact)).program == decode(encode(program))
    status, output = zapfuzz("run", str(artifact), "--release", "2.3")
    assert status == 1 and "invariant: free-mark" in output
    status, said, artifacts = libfuzzer(command, tmp_path / "none", "-runs=1", str(inputs))
    assert (status, artifacts) == (0, []), said[-2000:]


def test_a_file_that_has_only_such_a_name_is_text(tmp_path: Path) -> None:
    """Its bytes are not those of its name."""
    path = tmp_path / f"crash-{'0' * 40}"
    path.write_text("zap z micro\ncount z\n")
    assert len(open_named(str(path)).program.ops) == 1


def test_a_file_of_such_a_name_that_is_none_is_one_line(tmp_path: Path) -> None:
    """It is too long for any program, or cannot be read."""
    path = tmp_path / f"crash-{'0' * 40}"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    with pytest.raises(SyntaxProblem, match=f"at most {MAX_FILE} bytes"):
        open_named(str(path))
    path.unlink()
    path.symlink_to("/proc/self/mem")  # nothing is at its beginning
    with pytest.raises(SyntaxProblem, match="a file that can be read"):
        open_named(str(path))


@pytest.mark.parametrize(("words", "says"), [([], "required: FILE"), (["/proc/x/y.zip"], "No such file")])
def test_seeds_without_a_place_are_one_line(words: list[str], says: str) -> None:
    """Whoever builds this must see why it stopped."""
    command = [sys.executable, "-m", "fuzz.engines.ossfuzz.seed_corpus", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2 and says in done.stderr.splitlines()[-1]


def test_seeds_are_programs_that_a_target_reads(tmp_path: Path) -> None:
    """Each under its digest, and none with threads, which bytes do not have."""
    count = write_seeds(tmp_path / "seeds.zip")
    with zipfile.ZipFile(tmp_path / "seeds.zip") as zipped:
        names = zipped.namelist()
        assert len(names) == len(set(names)) == count > 30
        assert all(encode(decode(zipped.read(name))) == zipped.read(name) for name in names)


def test_what_oss_fuzz_looks_for_is_there() -> None:
    """ClusterFuzzLite looks in a folder of its own."""
    assert len(TARGETS) == 3
    for name in ("project.yaml", "Dockerfile", "build.sh"):
        assert (ROOT / ".clusterfuzzlite" / name).samefile(FOLDER / name)
    assert (FOLDER / "build.sh").stat().st_mode & 0o111
