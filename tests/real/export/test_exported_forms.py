"""Protects the exported forms on each real library: every reproducer fails there where the corpus says so,
every verb gives the model's answer, and the C form compiles without a warning."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from fuzz.corpus.reproducer import FINE, Reproducer, folders, read_reproducer
from fuzz.execution.execute import run
from fuzz.export import compile_and_run_form as run_form
from fuzz.export.compile_and_run_form import NoHeaders, compiled, ran
from fuzz.export.expected_answers import expected, has_threads, orders, why_no_form
from fuzz.export.python_form import python_form
from fuzz.judge.signature import Signature
from fuzz.language.program import U64, Op, Program, Zap
from fuzz.language.syntax import load, parse
from fuzz.language.verbs import ON_DISK, OWNED, VERBS
from fuzz.targets.libzpool.locate import NoLibrary, find_library
from fuzz.targets.libzpool.process.message import strip_values
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import only_now
from tests.support.missing import missing
from tests.support.paths import CORPUS
from zapcore.release import PINNED


def has_form(program: Program) -> bool:
    """Whether there is an exported form, and one that can meet what happens inside a sync: nobody holds that
    there, and the form's head says so."""
    inside_sync = any(op.thread and op.verb == "spa_sync" for op in program.ops)
    return not why_no_form(program) and not inside_sync


def known_forms(quick: bool) -> Iterator[ParameterSet]:
    """Each reproducer in each form on each release that the corpus tells of. The ordinary tests take one of
    the releases on which it fails, if there is one, and one of the two forms, in turn; the slow ones take all
    the others. Threads meet sooner in C."""
    for number, folder in enumerate(folders([CORPUS / "regressions", CORPUS / "findings"])):
        reproducer = read_reproducer(folder)
        told = {
            release: reproducer.expect[f"libzpool-{version}"]
            for release, version in PINNED.items()
            if f"libzpool-{version}" in reproducer.expect and has_form(reproducer.program)
        }
        failing = [release for release, wanted in told.items() if wanted != FINE] or list(told)
        in_c = has_threads(reproducer.program) or number % 2 == 0
        for release, form in itertools.product(told, ("c", "python")):
            in_turn = release == failing[number % len(failing)] and (form == "c") == in_c
            if in_turn == quick:
                yield pytest.param(folder, release, form, id=f"{folder.name}-{release}-{form}")


SEEDS = sorted((CORPUS / "seeds").glob("*.zap"))
FORMS = pytest.mark.parametrize("form", ["python", "c"])
RELEASES = only_now("release", ["2.4"], PINNED)
FEW, MANY = 300, 20_000
"""Rounds of a program with threads: to see that it runs, and to meet what it is about. On two idle processors
each was met within some hundreds of rounds; threads that share one processor may miss it in MANY."""
ATTEMPTS = 6
"""How often MANY rounds are run until they meet it: other tests may keep the processors busy for a while."""


@cache
def library_of(release: str) -> Path | None:
    try:
        return find_library(release)
    except NoLibrary:
        return None


def library(release: str) -> Path:
    found = library_of(release)
    if found is None:
        missing(f"libzpool for {release} is not there: run `zapfuzz fetch`")
    assert found is not None
    return found


def command_of(form: str, reproducer: Reproducer, where: Path, folder: Path) -> list[str]:
    """The command that runs a form."""
    try:
        return run_form.command_of(form, reproducer, where, folder)
    except NoHeaders as problem:
        missing(problem)
    except subprocess.CalledProcessError as problem:
        pytest.fail(problem.stderr)


def judge(status: int, printed: str, wanted: str) -> None:
    """Hold the end of a form against what the corpus says."""
    kind, place, expression, _ = Signature.of(wanted)
    if wanted == FINE:
        assert (status, "\nas it should be\n" in printed) == (0, True), printed
    elif kind in ("oracle", "invariant"):
        assert (status, "\nnot as it should be\n" in printed) == (1, True), printed
    elif wanted == "limit" or kind == "hang":
        assert (status, "\n  stopped: " in printed) == (3, True), printed
    elif kind == "signal":
        assert status == -signal.Signals[expression], printed
    else:
        assert kind == "assertion"
        said = expression in printed or expression in map(strip_values, printed.splitlines())
        function = f"{place.partition(':')[2]}()"
        assert (status, function in printed, said) == (-signal.SIGABRT, True, True), printed


def wanted_of(reproducer: Reproducer, release: str) -> str:
    """What the corpus says of the real library of a release."""
    return reproducer.expect[f"libzpool-{PINNED[release]}"]


@pytest.mark.parametrize(("folder", "release", "form"), list(known_forms(quick=True)))
def test_every_reproducer_fails_where_the_corpus_says(
    folder: Path, release: str, form: str, tmp_path: Path
) -> None:
    """The exported forms see what they are the reproducers of: nobody who runs one is told that a library
    with the bug is healthy, nor the other way round. Threads are not forced, and meet all the same."""
    fails_where_the_corpus_says(folder, release, form, tmp_path)


def fails_where_the_corpus_says(folder: Path, release: str, form: str, tmp_path: Path) -> None:
    where, reproducer = library(release), read_reproducer(folder)
    command = command_of(form, reproducer, where, tmp_path)
    wanted = wanted_of(reproducer, release)
    attempts, seconds = 1, 90.0
    if has_threads(reproducer.program):
        command.append(str(FEW if wanted == FINE else MANY))
        attempts, seconds = (1, 90.0) if wanted == FINE else (ATTEMPTS, 600.0)
    status, printed = ran(command, where, seconds)
    while status == 0 and attempts > 1:
        attempts -= 1
        status, printed = ran(command, where, seconds)
    judge(status, printed, wanted)


@FORMS
@only_now("path", SEEDS[::3], SEEDS, ids=lambda path: path.stem)
def test_every_seed(path: Path, form: str, tmp_path: Path) -> None:
    """Programs that nothing is wrong with. Those with threads are near the stale shift of zap_shrink(), and
    what such a form may then see is damage that is really there."""
    where, program = library("2.3"), load(path)
    outcome = str(run(program, ModelTarget("2.3")))
    command = command_of(form, Reproducer(program, path.stem, {"2.3": outcome}), where, tmp_path)
    if not has_threads(program):
        judge(*ran(command, where), FINE)
        return
    status, printed = ran([*command, str(FEW)], where)
    damaged = "table entry" in printed or "ASSERT at" in printed
    assert status == 0 or damaged, printed


@pytest.mark.slow
def test_threads_of_a_healthy_release_come_out_right(tmp_path: Path) -> None:
    """2.1 has no zap_shrink(): what the forms of threads look at must be right there in every round."""
    where = library("2.1")
    for path in SEEDS:
        program = load(path)
        if has_threads(program):
            for form in ("python", "c"):
                command = command_of(form, Reproducer(program, path.stem, {"2.1": FINE}), where, tmp_path)
                judge(*ran([*command, str(3 * FEW)], where), FINE)


def test_the_thread_that_died_is_told(tmp_path: Path) -> None:
    where, reproducer = library("2.3"), read_reproducer(CORPUS / "findings" / "zap-shrink-stale-shift")
    status, printed = ran([*command_of("c", reproducer, where, tmp_path), str(MANY)], where)
    assert status == -signal.SIGABRT
    assert "in round " in printed and ", at: t2: remove z 0x2200000000000000" in printed


EVERY_VERB = Program(
    (
        Zap("z", words=2, leaf_shift=9),
        Zap("d", hash64=True, leaf_shift=10, salt=3),
        Zap("m", fat=False, leaf_shift=12),
        Zap("n", fat=False, norm=2),
    ),
    (
        Op("add", "z", (1, 2), 1, 180),
        Op("add", "z", (1, 2), 1, 1),
        Op("update", "z", (3, 1 << 63), 8, 3, 1 << 60),
        Op("add", "d", b'a "name"?\\*/\n\xff', 2, 5, 65535),
        Op("add", "m", b"short", 8, 1, 7),
        Op("add", "n", b"Name", 8, 1, 1),
        Op("lookup", "z", (3, 1 << 63), 8, 3),
        Op("lookup", "m", b"short", 8, 1),
        Op("lookup", "m", b"none", 8, 1),
        Op("length", "d", b'a "name"?\\*/\n\xff'),
        Op("count", "m"),
        Op("cursor", "c", other="d"),
        Op("next", "c"),
        Op("next", "c"),
        Op("advance", "c"),
        Op("retrieve", "c"),
        Op("txg"),
        Op("remove", "z", (1, 2)),
        Op("txg"),
        Op("remove", "z", (1, 2)),
        Op("txg"),
        Op("finish"),
        Op("spa_sync"),
        Op("close", "c"),
        Op("close", "c"),
        Op("destroy", "z"),
        Op("count", "z"),
        Op("create", "z"),
        Op("create", "z"),
        Op("add", "z", (9, 9), 1, 1),
        Op("contains", "z", (9, 9)),
        Op("contains", "d", b"no"),
        Op("increment", "m", b"short", fill=U64 - 6),
        Op("increment", "z", (9, 8), fill=5),
        Op("increment", "z", (9, 8), fill=U64 - 4),
        Op("increment", "z", (9, 9), fill=1),
        Op("search", "d", fill=65535),
        Op("search", "z", fill=1),
        Op("stats", "z"),
        Op("lookup_norm", "n", b"NAME", 8, 1, extra=1),
        Op("lookup_norm", "n", b"NAME", 8, 1, extra=3),
        Op("remove_norm", "n", b"name", extra=1),
        Op("remove_norm", "z", (9, 9), extra=1),
        Op("cursor", "c", other="d"),
        Op("next", "c"),
        Op("serialize", "c"),
        Op("close", "c"),
        Op("serialize", "c"),
        Op("sync"),
        Op("evict"),
        Op("lookup", "z", (9, 9), 1, 1),
    ),
)
DIRECTORIES = Program(
    (Zap("a", fat=False), Zap("b", hash64=True, leaf_shift=9), Zap("w", words=1)),
    (
        Op("touch", "a", b"file", fill=7),
        Op("touch", "a", b"file", fill=8),
        Op("mkdir", "a", b"folder", fill=9),
        Op("mkdir", "b", b"folder", fill=10),
        Op("unlink", "a", b"folder"),
        Op("unlink", "a", b"none"),
        Op("rmdir", "a", b"file"),
        Op("rename", "a", b"file", other="b", to=b"file"),
        Op("rename", "a", b"file", other="b", to=b"file"),
        Op("rename", "b", b"file", other="a", to=b"folder"),
        Op("rename", "a", b"folder", other="b", to=b"file"),
        Op("rename", "a", b"folder", other="b", to=b"folder"),
        Op("rename", "b", b"file", other="b", to=b"file"),
        Op("rename", "b", b"file", other="a", to=b"y" * 250),
        Op("touch", "w", (1,)),
        Op("readdir", "w"),
        Op("readdir", "a"),
        Op("cursor", "c", other="b"),
        Op("next", "c"),
        Op("txg"),
        Op("touch", "a", b"again", fill=1),
        Op("reopen"),
        Op("next", "c"),
        Op("readdir", "b"),
        Op("unlink", "a", b"again"),
        Op("rmdir", "b", b"folder"),
        Op("add", "b", b"no entry of a directory", 1, 3),
        Op("readdir", "b"),
        Op("destroy", "b"),
        Op("reopen"),
        Op("create", "b"),
        Op("reopen"),
        Op("touch", "b", b"x", fill=3),
        Op("txg"),
        Op("txg"),
        Op("reopen"),
        Op("readdir", "b"),
    ),
)


FILE_SYSTEMS = parse(
    """
    zap i micro casesensitivity=insensitive normalization=formC longname=on
    zap j micro casesensitivity=insensitive normalization=formC longname=on
    zap k micro casesensitivity=mixed utf8only=on
    zap l micro casesensitivity=mixed utf8only=on compression=zstd encryption=on
    touch i "Foo" inode=0x8
    touch i "fOO" inode=0x9
    symlink i "u\\xcc\\x88" inode=0x9
    rename i j "\\xc3\\xbc" "bar"
    touch i "\\xff"
    touch i ".."
    link j i "BAR" "link"
    link j k "bar" "link"
    rename i j "LINK" "bAr"
    exchange i j "foo" "BAR"
    exchange i j "foo" "none"
    whiteout j i "Bar" "new" inode=0xa
    mkdir k "a" inode=0xb
    mkdir k "A" inode=0xc
    rmdir k "a"
    touch k "%s"
    dirlook i "FOO"
    dirlook k "A"
    dirlook l ".."
    getdents k
    getdents i names=3
    getdents i from=0x2 names=1
    rename k i "A" "A"
    rename k l "A" "A"
    readdir i
    readdir j
    """
    % ("n" * 256)
)


TREES = parse(
    """
    zap a micro inode=0x2
    zap b micro inode=0x3
    zap c micro inode=0x9
    mkdir a "b" inode=0x3
    mkdir b "c" inode=0x9
    touch b "file" inode=0x5
    rmdir a "b"
    rename a c "b" "b"
    rename b a "c" "c"
    mkdir a "c" inode=0x9
    unlink b "file"
    rmdir a "b"
    touch b "late" inode=0x6
    rmdir a "none"
"""
)
"""Directories in directories: not empty, into themselves, there already, and removed."""


HELPERS = parse(
    """
    zap z micro
    zap y fat hash64 leaf_shift=9
    zap x micro
    zap w fat key=u64
    add_int z id=0x1f
    add_int z id=0x1f
    lookup_int z id=0x1f
    add_int_key z id=0x100000000 value=0x5
    update_int_key z id=0x100000000 value=0x7
    lookup_int_key z id=0x100000000
    increment_int z id=0x1f delta=0xffffffffffffffff
    increment_int z id=0x20 delta=0x0
    remove_int z id=0x20
    join z y
    join z y
    join_key z x value=0x9
    join_increment z x
    lookup_int_key x id=0x1f
    add_int w
    prefetch z "1f"
    prefetch y "1f"
    prefetch w 0x5
    prefetch_object y
    update y "2" len=3
    remove_int y id=0x1f
    remove_int y id=0x100000000
    join y z
    destroy y
    prefetch y "a"
    prefetch_object y
    claim x
    claim y
    destroy x
    create_link x z id=0xf3
    create_link x z id=0xf3
    create_link w z
    destroy x
    claim x
    sync
    sync
    claim x
    add x "a"
    txg
    """
)


def test_every_verb_is_used() -> None:
    programs = (EVERY_VERB, DIRECTORIES, FILE_SYSTEMS, HELPERS)
    forms = set(VERBS) - OWNED - ON_DISK - {"early", "seek"}
    assert {op.verb for program in programs for op in program.ops} == forms


@FORMS
@RELEASES
@pytest.mark.parametrize(
    "program",
    [EVERY_VERB, DIRECTORIES, FILE_SYSTEMS, TREES, HELPERS],
    ids=["entries", "directories", "file systems", "trees", "helpers"],
)
def test_every_verb_gives_the_models_answer(
    program: Program, release: str, form: str, tmp_path: Path
) -> None:
    where = library(release)
    answers = expected(program, release).answers
    assert len({answer[0][0] for by_release in answers for answer in by_release.values()}) >= 4
    reproducer = Reproducer(program, 'Every verb, and */ "quotes" \\', {"2.3": FINE})
    judge(*ran(command_of(form, reproducer, where, tmp_path), where), FINE)


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        (
            "size=1, length=1, fill=0), [17]",
            "size=1, length=1, fill=0), [0]",
            "expected success, got errno 17",
        ),
        ("[(0, (2, 5))]", "[(0, (2, 6))]", "expected success with (2, 6), got success with (2, 5)"),
        ("(2, 5, b'\\xff\\xff", "(2, 5, b'\\xfe\\xff", "d in the end: b'a \"name"),
        ("[{b'a \"name", "[{b'b \"name", "d in the end: a cursor returned b'a"),
    ],
    ids=["errno", "value", "content", "name"],
)
def test_a_form_that_expects_something_else_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """Each thing that a script looks at: what an op returns, its value, an entry's value and its name."""
    where = library("2.3")
    text = python_form(Reproducer(EVERY_VERB, "wrong", {"2.3": FINE}))
    assert found in text, text[-3000:]
    script = tmp_path / "wrong.py"
    script.write_text(text.replace(found, instead))
    status, printed = ran([sys.executable, str(script), str(where)], where)
    assert (status, said in printed) == (1, True), printed


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("0), 17,", "0), 0,", "expected errno 0, got 17"),
        (
            ', 0, "\\002\\000\\000\\000\\000\\000\\000\\000\\005"',
            ', 0, "\\002\\000\\000\\000\\000\\000\\000\\000\\006"',
            "expected value 02000000000000",
        ),
        ('2, 5, "\\377\\377', '2, 5, "\\376\\377', "d: the entry with the key 6"),
        ('{ "a \\042name', '{ "b \\042name', "d: the entry with the key 6"),
    ],
    ids=["errno", "value", "content", "name"],
)
def test_a_c_form_that_expects_something_else_says_so(
    found: str, instead: str, said: str, tmp_path: Path
) -> None:
    """The same of the C form."""
    where = library("2.3")
    command = command_of("c", Reproducer(EVERY_VERB, "wrong", {"2.3": FINE}), where, tmp_path)
    source = tmp_path / "reproducer.c"
    text = source.read_text()
    assert found in text, text[-5000:]
    source.write_text(text.replace(found, instead))
    compiled(source, where, Path(command[0]))
    status, printed = ran(command, where)
    assert (status, said in printed) == (1, True), printed


BESIDE = Program(
    (Zap("z", words=1, prehashed=True, leaf_shift=9),),
    (
        Op("add", "z", (1,), thread=1, size=1, length=180),
        Op("remove", "z", (1,), thread=1),
        Op("txg", thread=1),
        Op("add", "z", (1,), thread=2, size=1, length=1),
        Op("cursor", "c", other="z", thread=2),
        Op("next", "c", thread=2),
        Op("finish", thread=2),
        Op("count", "z"),
    ),
)


@FORMS
@RELEASES
def test_threads_whose_results_hang_on_their_order(release: str, form: str, tmp_path: Path) -> None:
    where, program = library(release), BESIDE
    assert len(list(orders(program))) == 35
    found = [{code for code, _ in each[""]} for each in expected(program).answers]
    assert (found[0], found[1], found[3]) == ({0, 17}, {0}, {0, 17})
    assert found[4] == found[5] == set()  # of a cursor beside other threads nothing is promised
    command = command_of(form, Reproducer(program, "order", {"2.3": FINE}), where, tmp_path)
    judge(*ran([*command, str(FEW)], where), FINE)


@FORMS
def test_threads_that_return_what_no_order_explains_are_told(form: str, tmp_path: Path) -> None:
    where = library("2.3")
    program = Program(BESIDE.zaps, (Op("add", "z", (1,), 1, 1), *BESIDE.ops[3:4]))
    command = command_of(form, Reproducer(program, "order", {"2.3": FINE}), where, tmp_path)
    file = tmp_path / f"reproducer.{'py' if form == 'python' else 'c'}"
    text = file.read_text()
    changed = text.replace("[17], thread=2", "[2], thread=2").replace("0), 17,", "0), 2,")
    assert changed != text
    file.write_text(changed)
    if form == "c":
        compiled(file, where, Path(command[0]))
    status, printed = ran(command, where)
    assert status == 1
    assert "in round 1, at: t2: add z 0x1: " in printed and "17" in printed


F01 = Program((Zap("d", fat=False),), (Op("touch", "d", b"x" * 300, fill=1),))
UNMAPPABLE = Program(
    (Zap("z", fat=False, norm=16),),
    (Op("rename", "z", b"a", other="z", to=b"\xff"), Op("touch", "z", b"a", fill=1)),
)
TOO_LONG = Program((Zap("z", hash64=True),), (Op("rename", "z", b"a", other="z", to=b"y" * 300),))
NOT_LINKED = Program(BESIDE.zaps, (Op("add", "z", (0,), 1, 148, 0x6E908FE762A2F01F),))
"""Its C form did not come through the linker: a constant was taken off the address of a thread's buffer."""


@FORMS
@RELEASES
@pytest.mark.parametrize(
    "program", [F01, UNMAPPABLE, TOO_LONG, NOT_LINKED], ids=["long", "unmappable", "too long", "not linked"]
)
def test_what_exports_once_called_wrong(program: Program, release: str, form: str, tmp_path: Path) -> None:
    """Exports once expected other errnos than model and library give: of names that are too long or have no
    normal form, and of another release than the one that they ran on."""
    where = library(release)
    judge(
        *ran(command_of(form, Reproducer(program, "once wrong", {release: FINE}), where, tmp_path), where),
        FINE,
    )


def test_a_release_that_is_named_is_what_is_expected(tmp_path: Path) -> None:
    """`--release 2.1` on a library of 2.3: it takes the long name, which 2.1 refuses."""
    where, reproducer = library("2.3"), Reproducer(F01, "long", {"2.1": FINE})
    for form in ("python", "c"):
        command = run_form.command_of(form, reproducer, where, tmp_path, "2.1")
        status, printed = ran(command, where)
        assert (status, "expected errno 36" in printed) == (1, True), printed
