"""What a worker is given: a slice of a campaign, as data; and by what it is known that client and worker are
of one version."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
from hashlib import sha256

from fuzz.corpus.places import PACKAGE
from fuzz.engines.campaign.ledger import Arm

FUZZ, MINIMIZE, MERGE = "fuzz", "minimize", "merge"
TOLD = "told "
"""What begins a line that a slice's process says while it goes on: an object of JSON that names a `part`
which is written, or has the `number` of the slice and how far it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """One piece of work. `what` is to fuzz for `seconds`, or `runs` executions (0 for no bound), from `seed`;
    to cut down `programs` (texts) in that time; or to make the inputs of the base fewer in it. `number` tells
    it from others of its `campaign`. `store` is where the corpus is, `base` the part with what is known (""
    for nothing), `known` are texts of signatures that need no report. `worker` is who runs it, for those who
    read of it later; every `tell_seconds` it tells how far it is, 0 for never."""

    what: str
    campaign: str
    number: int
    store: str
    arm: Arm
    seed: int = 1
    seconds: float = 60.0
    runs: int = 0
    base: str = ""
    known: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    libzpool: str | None = None
    max_ops: int = 160
    worker: str = ""
    tell_seconds: float = 0.0

    @property
    def name(self) -> str:
        """How parts and folders of it are called, beside a time and a number that is drawn."""
        return f"{self.campaign}-{self.number}"

    def to_json(self) -> str:
        """The text that `from_json` reads."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Slice:
        """Read what `to_json` wrote. What another version said beside is left out: its slices are handed in,
        too, if they wait for that on this machine."""
        fields = {field.name for field in dataclasses.fields(Slice)}
        data = {name: value for name, value in json.loads(text).items() if name in fields}
        data["arm"] = Arm(**data["arm"])
        return Slice(**{**data, "known": tuple(data["known"]), "programs": tuple(data["programs"])})


@dataclasses.dataclass(frozen=True, slots=True)
class Brought:
    """What a slice came to, in the words of who ran it: the `part` that it has written ("" for none), and
    sentences about what went wrong. `refused` is why a worker would not run it."""

    part: str = ""
    executions: int = 0
    problems: tuple[str, ...] = ()
    unwritten: bool = False
    refused: str = ""

    def to_json(self) -> str:
        """The text that `from_json` reads."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Brought:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        return Brought(**{**data, "problems": tuple(data["problems"])})


@functools.cache
def version() -> str:
    """What must be the same here and there: states are numbered, and programs drawn, as this code and this
    Python do it."""
    digest = sha256()
    for folder in (PACKAGE, PACKAGE.parent / "zapcore"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return f"{digest.hexdigest()[:12]} on Python {sys.version_info.major}.{sys.version_info.minor}"
