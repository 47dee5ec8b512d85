"""What a fuzz target of OSS-Fuzz does: libFuzzer has the command line, and a failure that nobody knows ends
the process with the input as its artifact. `zapfuzz run crash-...` runs that again."""

from __future__ import annotations

import os
import sys

import atheris

from fuzz.corpus.places import CORPUS
from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.engines.atheris_engine import MAX_BYTES, Mutating
from fuzz.engines.engine_config import Config
from fuzz.engines.engine_loop import Loop, Stopped
from fuzz.judge.signature import Failure
from fuzz.language.program import Program

NOTHING_KNOWN = "ZAPFUZZ_NOTHING_KNOWN"
"""Set in the environment, failures that the corpus knows end the process, too."""


class Raising(Loop):
    """A loop that a failure ends which is not known."""

    def failed(self, program: Program, failure: Failure) -> None:
        """Count a failure. Raises it if it is not known."""
        text = str(failure.signature)
        self.met[text] += 1
        if text not in self.config.known:
            print(f"{failure.text}\n\nzapfuzz run ARTIFACT --release {self.config.release}", file=sys.stderr)
            raise failure


def fuzz(release: str) -> None:
    """Fuzz a release of the model, as libFuzzer's options on the command line say. Does not return."""
    reproducers = [read_reproducer(folder) for folder in corpus_folders(CORPUS)]
    known = {} if os.environ.get(NOTHING_KNOWN) else known_on(reproducers, "model", release, ())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    mutating = Mutating(Raising(Config("atheris", release, known=tuple(known), report=nowhere)))

    def test_one_input(data: bytes) -> None:
        try:
            mutating.test_one_input(data)
        except Stopped:  # SIGTERM
            os._exit(0)

    limits = [sys.argv[0], f"-max_len={MAX_BYTES}", "-len_control=0", *sys.argv[1:]]
    atheris.Setup(
        limits,
        test_one_input,
        custom_mutator=mutating.custom_mutator,
        custom_crossover=mutating.custom_crossover,
    )
    atheris.Fuzz()
