"""What the exported script does: one step after the other."""

from __future__ import annotations

import os
import sys
from typing import Any

from fuzz.export.alone.directories import Directories as World
from fuzz.export.alone.world import ZAPS

PROGRAM: list[tuple[str, tuple[Any, ...], int | None, tuple[bytes, str] | None, str]] = []
# @part@


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} LIBZPOOL")
    world = World(sys.argv[1])
    for name in ZAPS:
        world.create(name)
    as_expected = True
    for verb, arguments, wanted, wrong, text in PROGRAM:
        print(text, flush=True)
        world.steps += 1
        got = getattr(world, verb)(*arguments)
        if wanted is not None and got != wanted:
            as_expected = False
            print(f"  expected errno {wanted}, got {got}")
        if wrong is not None and world.value == wrong[0]:
            as_expected = False
            print(f"  {wrong[1]}")
    print("as it should be" if as_expected else "not as it should be", flush=True)
    os._exit(0 if as_expected else 1)  # a pool in memory needs no goodbye


if __name__ == "__main__":
    main()
