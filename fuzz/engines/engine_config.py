"""The configuration of an engine's process. This file imports nothing of ours, so that the configuration can
be read before anything is instrumented."""

from __future__ import annotations

import dataclasses
import json

ENGINES = ("atheris", "hypothesis", "random", "uniform", "threads", "sync")

NEEDS = {"atheris": "atheris", "hypothesis": "hypothesis", "threads": "greenlet", "sync": "greenlet"}
"""The package that an engine needs; the others need none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """One engine's run. `runs` and `seconds` are 0 where there is no bound; `started` is the monotonic clock
    when the whole run began; `corpus` is where libFuzzer keeps its inputs ("" for nowhere) and `seeds` are
    programs to start from; `known` are texts of signatures that need no report, `kept` of those of which
    earlier runs have kept a program; `out` is where a program that
    fails in another way is kept before it is reported ("" for nowhere); with `forms` other ways to
    known failures are reported too; `remedies` are those that are switched on, `mutant` the seeded fault, if
    any; a `plain` engine does without what is ours: atheris mutates bytes as libFuzzer does, threads are
    scheduled at random and nothing is kept; `style` is the only one in which new programs are drawn ("" for
    each); `states` is a file of the states that others have reached ("" for none), and `harvest` a file that
    programs are added to that reach others (`fuzz.corpus.harvest`); `hash_bits` is what every ZAP gets whose
    header says none (0: nothing); `against` is a library to hold `libzpool` against, with `valgrind` memcheck
    watches; `report` is the file descriptor that events are written to."""

    engine: str
    release: str
    target: str = "model"
    libzpool: str | None = None
    against: str | None = None
    valgrind: bool = False
    seed: int = 0
    runs: int = 0
    seconds: float = 0
    started: float = 0
    corpus: str = ""
    seeds: tuple[str, ...] = ()
    max_ops: int = 160
    known: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    out: str = ""
    forms: bool = False
    remedies: tuple[str, ...] = ()
    mutant: str = ""
    plain: bool = False
    style: str = ""
    states: str = ""
    harvest: str = ""
    hash_bits: int = 0
    extra: tuple[str, ...] = ()
    report: int = 1

    def to_json(self) -> str:
        """The text that `from_json` reads."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Config:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        for name in ("seeds", "known", "kept", "remedies", "extra"):
            data[name] = tuple(data[name])
        return Config(**data)
