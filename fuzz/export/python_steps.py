"""What an exported Python script does: its ops one after the other, each held against what it should give,
and then a look at what is there. It is cut out of this file and of the library's adapter (`prune_python`)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from fuzz.execution.result import Entry
from fuzz.export.structure import wrong_structure
from fuzz.language.program import Zap
from fuzz.targets.libzpool.abi import OURS, Library
from fuzz.targets.libzpool.blocks_and_dbufs import read_blocks
from fuzz.targets.libzpool.call import Answer, Call
from fuzz.targets.libzpool.pool import Pool, PoolLost
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.verbs.cursors import do_close, do_cursor, do_next
from fuzz.targets.libzpool.verbs.entries import do_count, do_lookup
from fuzz.targets.libzpool.world import NoRoom, World

MAX_BYTES, MAX_SECONDS = 512 << 20, 20
"""What one op may take."""
LOOK = -1
"""The number of the cursor that looks at what is there in the end."""

Content = Mapping[bytes, tuple[int, int, bytes]] | None
"""A ZAP's entries: the size of an integer, how many there are, their bytes; None of a destroyed one."""


class Step(NamedTuple):
    """An op: its text, its function and arguments, and the answers that are right; none are promised where
    there are none. An answer is an errno, or an errno and a value, or an errno and `...` for any value. Where
    releases differ: the answers by release, "" for all others. `wrong`: a value that is known to be wrong,
    and why."""

    text: str
    do: Callable[[World, Call], Answer]
    call: Call
    right: Any
    wrong: tuple[Answer, str] | None = None
    thread: int = 0


class Verdict:
    """Whether all was as it should be, told as it comes."""

    def __init__(self, library: Library) -> None:
        self.as_expected = True
        self.release = release_of(library)

    def complain(self, text: str) -> None:
        """Something is not as it should be."""
        self.as_expected = False
        print(f"  {text}", flush=True)

    def judge(self, step: Step, got: Answer, where: str = "") -> None:
        """Hold an answer against what is right."""
        if step.wrong is not None and got == step.wrong[0]:
            self.complain(where + step.wrong[1])
        right = for_release(step.right, self.release)
        if right and not any(map(fits, right, [got] * len(right))):
            self.complain(f"{where}expected {' or '.join(map(told, right))}, got {told(got)}")

    def end(self) -> NoReturn:
        """Say it, and end; a pool in memory needs no goodbye."""
        print("as it should be" if self.as_expected else "not as it should be", flush=True)
        os._exit(0 if self.as_expected else 1)


def release_of(library: Library) -> str:
    """Which release a library is, by what it exports; one of which the expectations say nothing is "?"."""

    def has(name: str) -> bool:
        return hasattr(library.handle, name)

    if not has("brt_init"):
        return "2.1"
    if not has("zap_shrink_enabled"):
        return "?"  # 2.2, which nothing here knows of
    if not has("zap_attribute_alloc"):
        return "unfixed"
    if not has("dmu_buf_will_fill_flags"):
        return "2.3"
    return "master" if has("zap_cursor_init_by_dnode") else "2.4"


def for_release(answers: Any, release: str) -> Sequence[Any]:
    """The answers that are right in a release; none where nothing is known."""
    if not isinstance(answers, dict):
        return list(answers)
    if release == "?":
        return list(answers[""]) if len(answers) == 1 else []
    return list(answers[release] if release in answers else answers[""])


def fits(right: Any, got: Any) -> bool:
    """Whether an answer is a right one."""
    if isinstance(right, tuple) and right[1] is ...:
        return bool((got[0] if isinstance(got, tuple) else got) == right[0])
    return bool(right == got)


def told(answer: Any) -> str:
    """An answer in words."""
    code, value = answer if isinstance(answer, tuple) else (answer, None)
    text = f"errno {code} ({os.strerror(code)})" if code else "success"
    return text if value is None or value is ... else f"{text} with {value!r}"


class Watch:
    """Ends the process where an op asks for more time or memory than its bounds allow. `ops` counts them."""

    def __init__(self) -> None:
        self.ops = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        before, since = -1, 0.0
        while True:
            with open("/proc/self/statm") as file:
                pages = int(file.read().split()[1])
            if pages * os.sysconf("SC_PAGESIZE") > MAX_BYTES:
                stop(f"more than {MAX_BYTES >> 20} MiB of memory")
            if self.ops != before:
                before, since = self.ops, time.monotonic()
            if time.monotonic() - since > MAX_SECONDS:
                stop(f"no end of this operation within {MAX_SECONDS} s")
            time.sleep(0.25)


def stop(what: str) -> NoReturn:
    """The end of a program that asks for more than there is."""
    print(f"  stopped: {what}", flush=True)
    os._exit(3)


def compile_ours(sources: Mapping[str, str]) -> None:
    """Compile C functions that stand before the library's own, and say where they are: in memory."""
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources.items():
            Path(folder, name).write_text(source)
        command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", "ours.so", *sources]
        subprocess.run(command, cwd=folder, check=True)
        memory = os.memfd_create("ours")
        os.write(memory, Path(folder, "ours.so").read_bytes())
    os.environ[OURS] = f"/proc/self/fd/{memory}"


def look_at(world: World, index: int, right: Sequence[Content]) -> list[str]:
    """What is wrong with a ZAP: with its structure, with its number of entries, with what a cursor finds,
    with values. `right` has the contents of which any will do; without one, what is counted must be found."""
    size, content = read_blocks(world, index)
    if not size:
        return ["it is gone"] if right and None not in right else []
    found = wrong_structure([content[at : at + size] for at in range(0, len(content), size)])
    if found:
        return found
    count = do_count(world, Call(index))
    if world.zaps[index].shape.shorter:
        return _unlike_any(world, index, count, right)
    walked: dict[bytes, tuple[int, int]] = {}
    error: Any = do_cursor(world, Call(LOOK, index))
    while not error and isinstance(answer := do_next(world, Call(LOOK)), tuple):
        entry = answer[1]
        assert isinstance(entry, Entry) and isinstance(entry.key, bytes)
        if entry.key in walked:
            do_close(world, Call(LOOK))
            return [f"a cursor returned {entry.key!r} twice"]
        walked[entry.key] = entry.size, entry.length
    do_close(world, Call(LOOK))
    if count != (0, len(walked)):
        found.append(f"zap_count() gives {told(count)}, and a cursor finds {len(walked)} entries")
    if not right:
        return found
    wrongs = [_unlike(world, index, walked, each) for each in right]
    return found if None in wrongs else [*found, str(wrongs[0])]


def _unlike(world: World, index: int, walked: Mapping[bytes, tuple[int, int]], right: Content) -> str | None:
    """How a ZAP's entries differ from the right ones; None if they do not."""
    if right is None:
        return "it is there"
    for key in sorted(walked.keys() | right.keys()):
        if key not in walked:
            return f"no cursor returned {key!r}"
        if key not in right:
            return f"a cursor returned {key!r}, which should not be there"
        size, length, value = right[key]
        if walked[key] != (size, length):
            return f"{key!r} has {walked[key][1]} integers of {walked[key][0]} bytes, not {length} of {size}"
        if wrong := _unlike_value(world, index, key, size, length, value):
            return wrong
    return None


def _unlike_value(world: World, index: int, key: bytes, size: int, length: int, value: bytes) -> str | None:
    got = do_lookup(world, Call(index, key=key, size=size, length=length))
    if got != (0, value.rstrip(b"\0")):
        return f"{key!r}: expected {told((0, value))}, got {told(got)}"
    return None


def _unlike_any(world: World, index: int, count: Answer, right: Sequence[Content]) -> list[str]:
    """The same where keys may have fewer words: no cursor tells how many one has, so they are looked up."""
    wrongs = []
    for each in right:
        if each is None:
            wrongs.append("it is there")
        elif count != (0, len(each)):
            wrongs.append(f"zap_count() gives {told(count)}, not {len(each)}")
        else:
            found = [_unlike_value(world, index, key, *each[key]) for key in each]
            wrongs += list(filter(None, found))[:1]
            if not any(found):
                return []
    return wrongs[:1]


def look_at_all(world: World, contents: Sequence[Any], verdict: Verdict, names: Sequence[str]) -> None:
    """Look at every ZAP."""
    for index, name in enumerate(names):
        for text in look_at(world, index, for_release(contents[index], verdict.release)):
            verdict.complain(f"{name} in the end: {text}")


def run_steps(zaps: list[Zap], steps: list[Step], contents: list[Any]) -> NoReturn:
    """Run all of it. `contents` has for each ZAP those that are right in the end, as `Step` has answers."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} LIBZPOOL")
    library = Library(Path(sys.argv[1]).resolve())
    verdict, watch, pool = Verdict(library), Watch(), Pool(library)
    world = World(pool, SaltWriter(pool))
    try:
        world.create_all(zaps)
        for step in steps:
            print(step.text, flush=True)
            watch.ops += 1
            verdict.judge(step, step.do(world, step.call))
        print("what is there in the end", flush=True)
        watch.ops += 1
        look_at_all(world, contents, verdict, [zap.name for zap in zaps])
    except NoRoom as limit:
        stop(str(limit))
    except PoolLost as lost:
        verdict.complain(str(lost))
    verdict.end()
