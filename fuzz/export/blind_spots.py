"""What an exported form may not see of what its reproducer is of: its head says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fuzz.corpus.reproducer import FINE, Reproducer
from fuzz.execution.execute import run
from fuzz.export.expected_answers import CURSOR, has_threads
from fuzz.export.structure import wrong_structure
from fuzz.language.program import Program
from fuzz.language.verb_sets import SEVERAL_CALLS
from fuzz.targets.model.target import ModelTarget
from zapcore.errors import Kind
from zapcore.release import RELEASES

_OF_KIND: Mapping[str, str] = {
    Kind.USE_AFTER_FREE: "freed memory may look as it did; only an address sanitizer is sure to tell",
    Kind.STALE_BYTES: "it hangs on what memory had before, and may come out right",
    Kind.TYPE_CONFUSION: "what real code does with a structure that is another one may come out right",
}
_TRACELESS = "it leaves no trace in answers, entries or structure"
_IN_SYNC = "it happens inside a sync, and nobody holds that there"
_UNORDERED = "beside other threads nothing is promised of this answer"


def blind_spots(reproducer: Reproducer) -> Iterator[str]:
    """A line for each reason why the exported forms may miss the failure of some releases of the model."""
    found: dict[str, list[str]] = {}
    for release, outcome in reproducer.expect.items():
        if release in RELEASES and outcome not in (FINE, "limit"):
            kind, place, *_ = outcome.split(" ")
            found.setdefault(_why(reproducer.program, release, kind, place), []).append(release)
    found.pop("", None)
    for why, releases in found.items():
        yield f"the failure of {', '.join(releases)}: {why}"


def _why(program: Program, release: str, kind: str, place: str) -> str:
    """Why a failure may be missed; nothing where it cannot be."""
    verb = place.partition(":")[2]
    if any(op.thread and op.verb == "spa_sync" for op in program.ops):
        return _IN_SYNC
    if kind == Kind.INVARIANT and not _shows(program, release):
        return _TRACELESS
    if kind == "oracle" and has_threads(program) and (verb in CURSOR or verb in SEVERAL_CALLS):
        return _UNORDERED
    return _OF_KIND.get(kind, "")


def _shows(program: Program, release: str) -> bool:
    """Whether a release's own run, judged by nobody, ends in a panic or with a structure that is wrong."""
    target = ModelTarget(release)
    outcome = run(program, target, judge=False)
    if not outcome.fine:
        return outcome.failure is not None
    blocks = [target.blocks(zap.name) for zap in program.zaps]
    return any(found is not None and wrong_structure(found) for found in blocks)
