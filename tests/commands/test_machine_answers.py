"""Protects --json and --junit: every object is as the schema says, whatever the command came to, and says the
same as the text and the status."""

from __future__ import annotations

import json
import signal
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fuzz.commands.shared.machine_answer import OUTCOMES, schema
from fuzz.language.syntax import parse
from tests.commands.test_endings import started
from tests.support.command import zapfuzz
from tests.support.paths import CORPUS

STALE = str(CORPUS / "regressions" / "stale-user-data-txg")
THREADS = str(CORPUS / "seeds" / "threads-shrink.zap")
FUZZ = ("fuzz", "--engine", "random", "--runs", "4", "--seed", "1", "--release", "unfixed", "--seeds", STALE)


def valid(text: str) -> dict[str, Any]:
    """The object of a text, which must have nothing else."""
    data = json.loads(text)
    assert isinstance(data, dict)
    jsonschema.validate(data, json.loads(schema()))
    return data


def answer(*words: str) -> dict[str, Any]:
    """What a command prints with --json."""
    status, output = zapfuzz(*words, "--json")
    data = valid(output)
    assert data["status"] == status
    assert data["command"] == words[0]
    return data


def test_the_schema_is_one_and_is_printed() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema()))
    assert zapfuzz("schema") == (0, schema())
    told = json.loads(schema())["properties"]["outcome"]["enum"]
    assert set(OUTCOMES.values()) < set(told)


@pytest.mark.parametrize(("release", "outcome"), [("unfixed", "found"), ("2.3", "not found")])
def test_run(release: str, outcome: str) -> None:
    data = answer("run", STALE, "--release", release, "--trace")
    assert data["outcome"] == outcome
    assert data["run"]["ops"] == 7 and data["run"]["limit"] is None
    assert data["run"]["trace"][0]["answer"] == "ok"
    assert [each["place"] for each in data["failures"]] == ["zap.c:zap_create_leaf"] * (outcome == "found")


def test_run_to_a_limit(tmp_path: Path) -> None:
    adds = "".join(f"add z {number << 22:#x} len=180\n" for number in range(3))
    (tmp_path / "deep.zap").write_text("zap z fat key=u64 prehashed leaf_shift=9\n" + adds)
    data = answer("run", str(tmp_path / "deep.zap"))
    assert (data["outcome"], data["status"], data["run"]["op"]) == ("limit", 3, 1)


def test_replay_and_its_junit(tmp_path: Path) -> None:
    """One that is right, one that lies."""
    for name, text in (("liar", "fine"), ("right", "assertion zap.c:zap_create_leaf x")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "program.zap").write_bytes(Path(STALE, "program.zap").read_bytes())
        expect = f'"2.3" = "fine"\nunfixed = "{text}"\n' if name == "liar" else '"2.3" = "fine"\n'
        (tmp_path / name / "reproducer.toml").write_text(f'title = "x"\n[expect]\n{expect}')
    data = answer("replay", str(tmp_path), "--junit", str(tmp_path / "junit.xml"))
    assert (data["outcome"], data["replay"]["runs"], data["replay"]["differ"]) == ("found", 3, 1)
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    (wrong,) = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    assert (wrong.get("classname"), wrong.get("name")) == ("liar", "unfixed")


def test_enumerate() -> None:
    data = answer("enumerate", "--max-ops", "2")
    assert (data["outcome"], data["failures"]) == ("not found", [])
    assert data["enumerate"]["whole"] and data["enumerate"]["programs"] > 100


def test_explore() -> None:
    pytest.importorskip("greenlet")
    data = answer("explore", THREADS, "--preemptions", "1", "--release", "2.3", "--release", "2.4")
    assert [each["release"] for each in data["explore"]["releases"]] == ["2.3", "2.4"]
    finding = str(CORPUS / "findings" / "zap-shrink-stale-shift")
    data = answer("explore", finding, "--preemptions", "1")
    assert data["outcome"] == "found"
    assert parse(data["failures"][0]["program"], "<json>").schedule


def test_fuzz_and_its_junit(tmp_path: Path) -> None:
    """New, then found by an earlier run, then known."""
    known, out, junit = tmp_path / "known", tmp_path / "out", tmp_path / "junit.xml"
    known.mkdir()
    sarif = tmp_path / "zapfuzz.sarif"
    common = (*FUZZ, "--known", str(known), "--out", str(out), "--junit", str(junit), "--sarif", str(sarif))
    standings = []
    for outcome in ("found", "found", "known only"):
        if outcome == "known only":
            (known / "findings").symlink_to(out)
        data = in_a_process(tmp_path, *common)
        assert data["outcome"] == outcome, data
        stale = next(each for each in data["failures"] if each["place"] == "zap.c:zap_create_leaf")
        assert Path(tmp_path, stale["file"]).is_dir()
        standings.append(stale["standing"])
        wrong = ElementTree.parse(junit).getroot().findall(".//failure")
        assert len(wrong) == sum(each["standing"] != "known" for each in data["failures"])
        (run,) = json.loads(sarif.read_text())["runs"]
        assert {each["id"] for each in run["tool"]["driver"]["rules"]} == {
            each["ruleId"] for each in run["results"]
        }
        assert [(each["ruleId"], each["level"] == "note") for each in run["results"]] == [
            (each["signature"], each["standing"] == "known") for each in data["failures"]
        ]
        places = [place for each in run["results"] for place in each["locations"]]
        assert places[0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
    assert standings == ["new", "found by an earlier run", "known"]


def in_a_process(folder: Path, *words: str) -> dict[str, Any]:
    """What a command prints with --json on standard output; what a person sees is on the other one."""
    with started((*words, "--json"), folder) as process:
        output, errors = process.communicate(timeout=120)
    data = valid(output)
    assert data["status"] == process.returncode, errors
    return data


def test_a_signal_ends_it_with_the_object(tmp_path: Path) -> None:
    words = ("enumerate", "--max-ops", "9", "--keys", "4", "--json")
    with started(words, tmp_path) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    data = valid(output)
    assert (process.returncode, data["status"], data["outcome"]) == (143, 143, "ended by SIGTERM"), errors
    assert not data["enumerate"]["whole"]
