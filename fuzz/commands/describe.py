"""`zapfuzz describe`: the Markdown of a bug report, from a reproducer or from any program."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from fuzz.commands.reach import TELL_FIRST
from fuzz.commands.shared.output import out_option, text_to
from fuzz.commands.shared.program_argument import program_argument, reproducer_of
from fuzz.commands.shared.progress import cut_down, ops_run, working
from fuzz.corpus.named_program import Named
from fuzz.corpus.places import CORPUS
from fuzz.corpus.replay import expectations
from fuzz.corpus.reproducer import FINE, Reproducer, corpus_folders, read_expectations
from fuzz.corpus.told_release import told_release
from fuzz.execution.answer_in_words import answer_in_words
from fuzz.execution.execute import run
from fuzz.execution.result import Outcome, Result
from fuzz.export.expected_answers import NoForm
from fuzz.export.forms import FORMS, SUFFIX
from fuzz.language.printing import format_op, format_program
from fuzz.language.program import Op, Program
from fuzz.minimize.minimize import Stats
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.model.target import ModelTarget
from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf
from zapcore.errors import Kind
from zapcore.release import RELEASES
from zapcore.zap.leaf import Leaf
from zapcore.zap.zap import Zap

ANY_USER = "Distance: any user"
"""How what is known of a finding begins to tell its distance (`zapfuzz reach`) where no rights are needed."""
LONGEST = 65_536 - 2048
"""Characters of a report: GitHub takes so many in an issue, and there is room for what a person adds."""
MOST_ROWS = 120
"""Steps that a report tells; of more the last ones, in which it comes to the failure."""
LANGUAGES: Mapping[str, str] = {".py": "python", ".c": "c", ".sh": "sh"}


def shortest(reproducer: Reproducer, stats: Stats | None = None) -> Reproducer:
    """The same with a program cut down as far as it goes; its expectations are then made anew."""
    target = ModelTarget(told_release(reproducer.expect))
    outcome = run(reproducer.program, target)
    if outcome.failure is None:
        return reproducer
    small, _ = minimize_failure(reproducer.program, outcome.failure, target, stats=stats)
    if small == reproducer.program:
        return reproducer
    expect, stack = expectations(small)
    return dataclasses.replace(reproducer, program=small, expect=expect, stack=stack)


class _Watch:
    """The object after each op: rows of a table."""

    def __init__(self, target: ModelTarget) -> None:
        self.target = target
        self.rows: list[str] = []

    def row(self, index: int, op: Op, result: str) -> None:
        name = self._zap(op)
        leaves, free = self._header(name)
        cells = (str(index), f"`{format_op(op)}`", result, leaves, free, "; ".join(self._users(name)) or "-")
        self.rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")

    def _zap(self, op: Op) -> str:
        known = self.target.numbers
        cursor = self.target.cursors.get(op.subject)
        for name in (op.subject, op.other, cursor.zap if cursor else "", next(iter(known), "")):
            if name in known:
                return name
        return ""

    def _header(self, name: str) -> tuple[str, str]:
        """zap_num_leafs and zap_freeblk, as far as there is a fat ZAP."""
        blocks = self.target.blocks(name) if name else None
        if not blocks:
            return "-", "-"
        q = memoryview(blocks[0]).cast("Q")
        if q[L.Q_BLOCK_TYPE] != L.ZBT_HEADER:
            return "micro", "-"
        return str(q[L.Q_NUM_LEAFS]), str(q[L.Q_FREEBLK])

    def _users(self, name: str) -> Iterator[str]:
        """Which dbufs hold user data, and who holds them."""
        dnode = self.target.objset.dnodes.get(self.target.numbers.get(name, 0))
        if dnode is None:
            return
        cursors = [cursor for cursor, opened in self.target.cursors.items() if opened.zap == name]
        for blkid in sorted(dnode.dbufs):
            dbuf = dnode.dbufs[blkid]
            if dbuf.user is not None:
                yield f"{blkid}: {_user(dbuf)}, {_holders(dbuf, cursors)}"


def _user(dbuf: Dbuf) -> str:
    user = dbuf.user
    return "zap_t" if isinstance(user, Zap) else f"leaf {user.blkid}" if isinstance(user, Leaf) else "other"


def _holders(dbuf: Dbuf, cursors: list[str]) -> str:
    """Dirty records hold by their txg, everything else at rest is a cursor."""
    other = "cursor " + ", ".join(cursors) if cursors else "the op itself"
    who = [f"txg {tag}" if isinstance(tag, int) else other for tag in dbuf.holds]
    return "held by " + " and ".join(dict.fromkeys(who)) if who else "not held"


def watch(program: Program, release: str) -> tuple[list[str], Outcome]:
    """The rows of the table of a run on the model, and how the run ended."""
    target = ModelTarget(release)
    rows = _Watch(target)

    def see(index: int, op: Op, result: Result) -> None:
        rows.row(index, op, answer_in_words(op, result))

    outcome = run(program, target, trace=see)
    if outcome.failure is not None and len(rows.rows) <= outcome.failure.op:
        at = outcome.failure.op
        silent = outcome.failure.signature.kind == Kind.STALE_BYTES
        rows.row(at, program.ops[at], "**undefined**" if silent else "**panic**")
    return rows.rows, outcome


def known_as(reproducer: Reproducer) -> list[Reproducer]:
    """What of the corpus ends on some release as this does there."""
    failing = {name: text for name, text in reproducer.expect.items() if text not in (FINE, "limit")}
    corpus = map(read_expectations, corpus_folders(CORPUS))
    return [known for known in corpus if known.expect.items() & failing.items()]


def _standing(reproducer: Reproducer) -> Iterator[str]:
    """Of a program that is nobody's: whether anything fails, and whether that is known."""
    if set(reproducer.expect.values()) <= {FINE, "limit"}:
        yield from (f"None of these fails on this program: {', '.join(reproducer.expect)}.", "")
    for known in known_as(reproducer):
        told = f"; {known.issue}" if known.issue else ""
        yield from (f"Known: the corpus has this failure as `{known.name}`: {known.title}{told}", "")
        if ANY_USER in known.belief:
            yield from (TELL_FIRST, "")


def report(reproducer: Reproducer, kept: bool = True) -> str:
    """The Markdown of a bug report; of what is not `kept` in a corpus it says how it stands to that."""
    text = "\n".join(_report(reproducer, kept)) + "\n"
    return text + "\n".join(_forms(reproducer, kept, LONGEST - len(text))) + "\n"


def _report(reproducer: Reproducer, kept: bool) -> Iterator[str]:
    release = told_release(reproducer.expect)
    rows, outcome = watch(reproducer.program, release)
    yield from (f"# {reproducer.title}", "")
    if ANY_USER in reproducer.belief:
        yield from (TELL_FIRST, "")
    if not kept:
        yield from _standing(reproducer)
    yield from ("## The shortest program" if kept or outcome.failure else "## The program", "")
    yield from _fenced(format_program(reproducer.program))
    yield from ("## Releases affected", "", "| release | what it does |", "| --- | --- |")
    for name, expected in reproducer.expect.items():
        about = f" ({RELEASES[name].about})" if name in RELEASES else ""
        shown = f"`{expected}`".replace("|", "\\|")
        yield f"| {name}{about} | {shown} |"
    yield from ("", f"## What happens, step by step, on {release}", "")
    if outcome.fine and any(text != FINE for text in reproducer.expect.values()):
        yield from (
            f"The model of {release} does not have the failure; its results are what should come.",
            "",
        )
    yield "| op | | returned | leaves | freeblk | dbufs with user data: block, whose, held by whom |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from (*rows[-MOST_ROWS:], "")
    if len(rows) > MOST_ROWS:
        yield from (f"The {len(rows) - MOST_ROWS:,} steps before these are left out.", "")
    if outcome.failure is not None:
        kernel = outcome.failure.signature.kind == Kind.ASSERTION
        yield from ("## As the kernel prints it" if kernel else "## What fails", "")
        yield from _fenced(outcome.failure.text)
    elif outcome.limit is not None:
        yield from (f"The run ends at a limit: {outcome.limit}", "")
    for heading, text in (
        ("What it is", reproducer.belief),
        ("The fix", reproducer.fix),
        ("What to do meanwhile", reproducer.meanwhile),
        ("Where it is spoken of", reproducer.issue),
        ("How it was found", reproducer.origin),
    ):
        if text:
            yield from (f"## {heading}", "", text, "")
    yield from ("## To run it", "")


def _forms(reproducer: Reproducer, kept: bool, room: int) -> Iterator[str]:
    """The files that show it, as many as there is room for, short ones first; of others how to get them."""
    texts: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name, make in FORMS.items():
        try:
            texts[name] = make(reproducer, "")
        except NoForm as problem:
            problems[name] = str(problem)
    for name in sorted(texts, key=lambda each: len(texts[each])):
        lines = [f"<details><summary>{name}</summary>", "", *_fenced(texts[name], LANGUAGES[SUFFIX[name]])]
        shown = "\n".join([*lines, "</details>", ""])
        room -= len(shown) + 1
        if room >= 0:
            yield shown
        else:
            what = reproducer.name if kept else "PROGRAM"
            yield (
                f"{name}: `zapfuzz export {what} --as {name}` writes it. With it this would be more than an "
                f"issue on GitHub takes.\n"
            )
    yield from (f"{name}: {problem}\n" for name, problem in problems.items())


def _fenced(text: str, language: str = "") -> Iterator[str]:
    yield from (f"~~~{language}", text.rstrip("\n"), "~~~", "")


@click.command("describe")
@program_argument
@out_option("The file; by default standard output.")
def describe(program: Named, out: Path | None) -> None:
    """Write the Markdown of a bug report.

    What is no reproducer is cut down first, and the report says if it is known, or does not fail.
    """
    reproducer = reproducer_of(program)
    if program.kept is None:
        stats = Stats()
        with working("cutting it down", lambda: cut_down(stats)):
            reproducer = shortest(reproducer, stats)
    with working("writing the report", ops_run()):
        text = report(reproducer, program.kept is not None)
    text_to(out, text, "report.md")
