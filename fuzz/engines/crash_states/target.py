"""A real library that crashes inside a sync: `PlainLibzpool` with one more request, in another worker."""

from __future__ import annotations

import os
from pathlib import Path

from fuzz.engines.crash_states import worker
from fuzz.engines.crash_states.wire import Asked, States, pack_asked, unpack_states
from fuzz.targets.libzpool.plain_target import PlainLibzpool
from fuzz.targets.libzpool.process.child import Child
from fuzz.targets.libzpool.process.wire import Command
from fuzz.targets.packages.compile_once import compiled

DEADLINE_SECONDS = 600.0
"""How long the looks at all states of one sync may take."""


class CrashTarget(PlainLibzpool):
    """The library of a release or a path. Raises NoLibrary, NoCompiler."""

    def __init__(self, release: str = "", path: str | os.PathLike[str] | None = None) -> None:
        super().__init__(release, path, deadline=DEADLINE_SECONDS)
        self._log: Path = compiled(__package__, "write_log", "looking at the writes of a sync")

    def _new_child(self) -> Child:
        return Child(self.library, self._deadline, worker.__name__, (str(self._log),))

    def states(self, asked: Asked) -> States:
        """Sync the open txg of a program that has begun, once all before it have synced, and look at the pool
        as it was after each write. It goes on with all of them there. Raises Failure."""
        return unpack_states(self._ask(Command.STATES, pack_asked(asked), ()))
