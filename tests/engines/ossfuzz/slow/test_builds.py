"""Protects that each target can be built and run as OSS-Fuzz does it: one file, in an empty environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from fuzz.corpus.named_program import open_named
from fuzz.language.byteform import encode
from tests.engines.ossfuzz.targets import TARGETS, libfuzzer, python_target
from tests.support.command import zapfuzz
from tests.support.paths import ROOT


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_finds_something_from_nothing(name: str, tmp_path: Path) -> None:
    """With nothing known, as libFuzzer alone drives it."""
    words = ["-max_total_time=60"]
    status, said, artifacts = libfuzzer(python_target(name), tmp_path / "left", *words, known=False)
    assert status != 0 and len(artifacts) == 1, said[-2000:]
    release = name.removeprefix("zap_").removesuffix("_fuzzer").replace("_", ".")
    assert zapfuzz("run", str(artifacts[0]), "--release", release)[0] == 1


def test_the_build_script(tmp_path: Path) -> None:
    """It leaves a file a target, which runs without this folder and knows the corpus, and its seeds."""
    source, out, work = tmp_path / "src", tmp_path / "out", tmp_path / "work"
    for folder in (source, out, work):
        folder.mkdir()
    left_out = shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", "__pycache__")
    shutil.copytree(ROOT, source / "zapfuzz", symlinks=True, ignore=left_out)
    venv.create(tmp_path / "venv", with_pip=True)
    path = f"{tmp_path / 'venv' / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SRC": str(source), "OUT": str(out), "WORK": str(work)}
    subprocess.run(
        [source / "zapfuzz/fuzz/engines/ossfuzz/build.sh"], env=environment, check=True, timeout=1500
    )
    for name in TARGETS:
        assert "LLVMFuzzerTestOneInput" in (out / name).read_text()
        assert (out / f"{name}_seed_corpus.zip").stat().st_size > 5_000
        status, said, artifacts = libfuzzer([str(out / name)], tmp_path / name, "-runs=40")
        assert status == 0 and "DONE" in said and not artifacts, said[-2000:]
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "one").write_bytes(encode(open_named("zap-trunc-next-table").program))
    command = [str(out / "zap_2_3_fuzzer"), str(inputs)]
    status, said, artifacts = libfuzzer(command, tmp_path / "left", "-runs=1", known=False)
    assert status != 0 and len(artifacts) == 1, said[-2000:]
