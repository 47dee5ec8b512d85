"""One function for each verb, registered where it is written, and none forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from fuzz.language.verbs import VERBS

F = TypeVar("F", bound=Callable[..., object])


class ByVerb(Mapping[str, F], Generic[F]):
    """One function for each verb, registered where it is written: `@HANDLERS.of("touch")` above it, and
    `HANDLERS.complete()` at the end of the last file, which raises TypeError for a verb that has none."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._functions: dict[str, F] = {}

    def of(self, *verbs: str) -> Callable[[F], F]:
        """Register the function below for these verbs. Raises TypeError for a name that no row has."""

        def register(function: F) -> F:
            for verb in verbs:
                if verb not in VERBS or verb in self._functions:
                    raise TypeError(f"{self.what}: {verb} is no verb, or has a function already")
                self._functions[verb] = function
            return function

        return register

    def complete(self) -> None:
        """Raise TypeError if a verb has no function."""
        missing = [verb for verb in VERBS if verb not in self._functions]
        if missing:
            raise TypeError(f"{self.what}: no function for {', '.join(missing)}")

    def __getitem__(self, verb: str) -> F:
        return self._functions[verb]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)
