"""What a run met and the project knows is told by its title, with the issue that speaks of it."""

from __future__ import annotations

from fuzz.commands.shared.screen import known_table
from fuzz.corpus.named_program import open_named


def test_known_failures_are_a_table_of_titles() -> None:
    stale, trunc = (open_named(name).kept for name in ("stale-user-data-txg", "zap-trunc-next-table"))
    assert stale is not None and trunc is not None
    head, *rows = known_table([(12, [stale, trunc]), (3, [trunc])])
    assert head == "known to the project (`zapfuzz describe NAME` tells all):"
    assert rows == [
        f"      12 x stale-user-data-txg   openzfs issue 16157  {stale.title}",
        f"       3 x zap-trunc-next-table  {'':19}  {trunc.title}",
    ]
    assert not list(known_table([]))
