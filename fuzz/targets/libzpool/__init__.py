"""The real OpenZFS in user space as a target: `LibzpoolTarget` in the parent, the library in a worker.

`abi` knows the library's functions, `pool` a running pool and its transaction groups, `world` the ZAPs and
cursors of one program. Each verb is one function of a world and a `call`: those on `entries`, on `cursors`,
on `directories`, and those of time (`txgs`). `session` has the table of them. `process.worker` is the child
that has all these, `wire` what goes over the pipes, `message` reads what a dying library prints, and `target`
is the parent's side. The Python form of an exported reproducer is cut out of these files (`fuzz.export`).
"""

from typing import TYPE_CHECKING, Any

from fuzz.targets.libzpool.locate import NoLibrary, find_library

if TYPE_CHECKING:
    from fuzz.targets.libzpool.target import LibzpoolTarget
else:  # a type checker would take every name for one that is here

    def __getattr__(name: str) -> Any:
        """`LibzpoolTarget`, loaded when it is asked for: most processes only look whether a library is
        there."""
        if name != "LibzpoolTarget":
            raise AttributeError(name)
        from fuzz.targets.libzpool.target import LibzpoolTarget

        return LibzpoolTarget


__all__ = ["LibzpoolTarget", "NoLibrary", "find_library"]
