"""Protects the sum of a campaign's corpus: whoever writes, puts together and removes at the same time,
whatever is cut short, no part is lost and none counts twice."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import pytest

from fuzz.engines.campaign.corpus import GRACE_SECONDS, Corpus, counting
from fuzz.engines.campaign.ledger import Arm, Ledger, Row
from fuzz.engines.campaign.part import Part
from fuzz.engines.campaign.store import NoStore, Store, part_name

ARM = Arm("random", "2.3")


def brought(number: int) -> Part:
    """What one slice brings: one execution, and an input that nobody else has."""
    return Part(Ledger(rows={ARM: Row(slices=1, executions=1)}, inputs={b"%d" % number}))


def prepared(folder: Path) -> Store:
    """An empty store in a folder."""
    store = Store(str(folder))
    store.prepare()
    return store


def look(store: Store) -> Corpus:
    """What somebody sees who comes now."""
    corpus = Corpus(store)
    corpus.look()
    return corpus


@pytest.mark.parametrize("seed", range(8))
def test_two_campaigns_that_put_parts_together_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """Both look, write and remove in any order, and each has seen another moment of the store. A base is
    written some time after the look that it follows from, as on two machines."""
    rng = Random(seed)
    store = prepared(tmp_path)
    ours = [Corpus(store), Corpus(store)]
    written, now = 0, 0.0
    for _ in range(60):
        corpus = rng.choice(ours)
        match rng.randrange(5):
            case 0 | 1:
                written += 1
                store.write(part_name(), brought(written))
            case 2:
                corpus.look()
            case 3:
                if rng.random() < 0.3:  # the other one has looked, too, and writes at the same moment
                    _at_the_same_moment(ours)
                else:
                    corpus.write_base()
            case 4:
                now += rng.choice((1.0, GRACE_SECONDS))
                corpus.look()
                corpus.remove_covered(now)
        seen = look(store)
        assert seen.ledger.executions == written
        assert seen.ledger.inputs == {b"%d" % number for number in range(1, written + 1)}
    for corpus in ours:
        corpus.look()
        assert corpus.ledger.executions == written


def _at_the_same_moment(ours: list[Corpus]) -> None:
    """Each writes a base without having seen the other's."""
    made = []
    for corpus in ours:
        corpus.look()
        before = counting(corpus.parts)
        if len(before) < 2:
            return
        ledger = Ledger()
        for name in sorted(before):
            ledger.add(corpus.parts[name].ledger)
        generation = 1 + max(corpus.parts[each].generation for each in before)
        made.append(Part(ledger, frozenset(corpus.parts), generation))
    for part in made:
        ours[0].store.write(part_name("base"), part)


def test_a_store_stays_small_while_a_campaign_runs(tmp_path: Path) -> None:
    """A new base is written every minute, and counts for the one before. What each covers goes all the same
    when it has been covered for long, by whichever."""
    store = prepared(tmp_path)
    corpus = look(store)
    minutes = round(3 * GRACE_SECONDS / 60)
    most = 0
    for minute in range(minutes):
        store.write(part_name(), brought(minute))
        corpus.look()
        corpus.write_base()
        corpus.remove_covered(60.0 * minute)
        most = max(most, len(store.names()))
    assert most <= 2 * (GRACE_SECONDS / 60 + 2)  # a part and a base for each minute of grace
    assert look(store).ledger.executions == minutes


def test_of_two_bases_over_the_same_part_one_counts() -> None:
    """And what only the other one covers is counted as it is."""
    parts = {str(number): brought(number) for number in range(4)}
    parts["a"] = Part(Ledger(rows={ARM: Row(executions=2)}), frozenset("01"), 1)
    parts["b"] = Part(Ledger(rows={ARM: Row(executions=3)}), frozenset("123"), 1)
    assert counting(parts) == {"a", "2", "3"}
    parts["c"] = Part(Ledger(rows={ARM: Row(executions=4)}), frozenset("ab0123"), 2)
    assert counting(parts) == {"c"}


def test_a_part_cut_short_counts_as_far_as_it_goes(tmp_path: Path) -> None:
    """It is read again at each look: somebody may be writing it. A base over it is not written."""
    store = prepared(tmp_path)
    for number in (1, 2):
        store.write(f"p{number}", brought(number))
    path = tmp_path / "parts" / "p2.part"
    whole = path.read_bytes()
    path.write_bytes(whole[:-35])
    corpus = look(store)
    assert corpus.torn == {"p2"} and corpus.ledger.executions == 2 and corpus.ledger.inputs == {b"1"}
    assert corpus.write_base() is None
    path.write_bytes(whole)
    corpus.look()
    assert not corpus.torn and corpus.ledger.executions == 2 and corpus.ledger.inputs == {b"1", b"2"}


def test_a_base_cut_short_hides_nothing(tmp_path: Path) -> None:
    """As long as what it covers is there, that is counted, and it can be removed; later the rest is read."""
    store = prepared(tmp_path)
    for number in (1, 2):
        store.write(f"p{number}", brought(number))
    base = look(store).write_base()
    path = tmp_path / "parts" / f"{base}.part"
    path.write_bytes(path.read_bytes()[:-30])
    assert look(store).ledger.inputs == {b"1", b"2"}
    store.remove(["p1", "p2"])
    assert look(store).ledger.executions == 2


def test_a_base_cut_short_hides_no_base_that_is_whole(tmp_path: Path) -> None:
    """Its writer was killed, and later what both cover is removed: the whole one has it all."""
    store = prepared(tmp_path)
    for number in (1, 2):
        store.write(f"p{number}", brought(number))
    corpus = look(store)
    base = corpus.write_base()
    covers = frozenset({"p1", "p2", str(base)})
    store.write("killed", Part(corpus.ledger, covers, 2))
    path = tmp_path / "parts" / "killed.part"
    path.write_bytes(path.read_bytes()[:150])
    corpus = look(store)
    assert corpus.remove_covered(0.0) == 0 and corpus.remove_covered(GRACE_SECONDS) == 2
    for seen in (corpus, look(store)):
        seen.look()
        assert seen.ledger.inputs == {b"1", b"2"} and seen.ledger.executions == 2
    store.write("p3", brought(3))
    corpus.look()
    assert corpus.write_base() and look(store).ledger.executions == 3


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says where and why, and a part that was begun is not there."""
    store = prepared(tmp_path)
    written = store._fs.pipe_file

    def full(path: str, data: bytes) -> None:
        written(path, data[: len(data) // 2])
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(store._fs, "pipe_file", full)
    with pytest.raises(NoStore, match=f"{tmp_path}: cannot be written: No space left on device"):
        store.write("p1", brought(1))
    assert store.names() == []


@pytest.mark.parametrize(
    ("url", "says"),
    [("nowhere://x/y", "cannot be reached: .*nowhere"), ("/proc/corpus", "cannot be written")],
)
def test_a_store_that_is_none_says_so(url: str, says: str) -> None:
    """In one line, before anything is done."""
    with pytest.raises(NoStore, match=says) as problem:
        Store(url).prepare()
    assert "\n" not in str(problem.value)


def test_a_smaller_base_counts_for_the_larger(tmp_path: Path) -> None:
    """With fewer inputs, and the same numbers; parts that have come meanwhile stay."""
    store = prepared(tmp_path)
    for number in range(5):
        store.write(f"p{number}", brought(number))
    corpus = look(store)
    base = corpus.write_base()
    store.write("q", brought(9))
    assert base is not None and corpus.write_smaller(base, {b"3"})
    seen = look(store)
    assert seen.ledger.inputs == {b"3", b"9"} and seen.ledger.executions == 6
    assert [*itertools.islice(seen.ledger.rows, 2)] == [ARM]
