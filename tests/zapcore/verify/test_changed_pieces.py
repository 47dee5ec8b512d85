"""The pieces of a block that differ are found wherever they are."""

from random import Random

from zapcore.verify.changed_pieces import changed_pieces


def test_each_piece_that_differs_is_found_and_no_other() -> None:
    """Also the last one, which may be shorter, and none outside of what is asked for."""
    rng = Random(1)
    for _ in range(300):
        size = rng.choice((1, 2, 24, 64))
        start = rng.randrange(0, 100)
        end = start + rng.randrange(0, 2000)
        before = rng.randbytes(end + 1 + rng.randrange(3))
        now = bytearray(before)
        for _ in range(rng.randrange(6)):
            now[rng.randrange(max(end, 1))] ^= rng.randrange(256)
        wanted = [
            at
            for at in range(start, end, size)
            if before[at : min(at + size, end)] != now[at : min(at + size, end)]
        ]
        assert changed_pieces(before, bytes(now), start, end, size) == wanted
