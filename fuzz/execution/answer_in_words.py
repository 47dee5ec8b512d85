"""What an op returned, in the words of a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fuzz.execution.result import Entry, Found, Result, Value, names_and_positions
from fuzz.language.printing import format_key
from fuzz.language.program import Op
from zapcore.errors import errno_name
from zapcore.zap.stats import BINS, Stats

MOST_NAMES = 12
"""Of a listing; the rest is counted."""
MOST_INTEGERS = 6
HISTOGRAMS = Stats._fields[-5:]
"""The names of zap_stats_t's histograms as zdb has them, with blanks for underscores."""


def answer_in_words(op: Op, result: Result) -> str:
    """Errno and value of an op; `ok` where there is neither."""
    code = errno_name(result.errno) if result.errno else ""
    value = "" if result.value is None else _WORDS.get(op.verb, _plain)(op, result.value)
    return " ".join(filter(None, (code, value))) or "ok"


def _plain(op: Op, value: Value) -> str:
    return str(value)


def _shortened(pieces: Sequence[str], most: int) -> str:
    rest = len(pieces) - most
    return ", ".join(pieces[:most]) + (f" and {rest} more" if rest > 0 else "")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _value(op: Op, value: Value) -> str:
    """A lookup's value as the integers that were asked for; zeros at its end are not known one by one."""
    assert isinstance(value, bytes)
    if not op.size or not op.length:
        return "no integer asked for"
    whole = value.ljust(-(-len(value) // op.size) * op.size, b"\0")
    pieces = [whole[at : at + op.size] for at in range(0, len(whole), op.size)]
    integers = [f"{int.from_bytes(piece, 'little'):#x}" for piece in pieces] or ["0x0"]
    return f"value {_shortened(integers, MOST_INTEGERS)}"


def _found(op: Op, value: Value) -> str:
    assert isinstance(value, Found)
    name = f" of {format_key(value.name)}" if value.name else ""
    return _value(op, value.value) + name + (", others match too" if value.conflict else "")


def _length(op: Op, value: Value) -> str:
    assert isinstance(value, tuple) and len(value) == 2
    size, length = value
    return f"{_counted(int(length), 'integer')} of {_counted(int(size), 'byte')}"


def _entry(op: Op, value: Value) -> str:
    assert isinstance(value, Entry)
    conflict = ", others have its form" if value.conflict else ""
    return f"{format_key(value.key)} int={value.size} len={value.length} first={value.first:#x}{conflict}"


def _count(op: Op, value: Value) -> str:
    assert isinstance(value, int)
    return f"{value} {'entry' if value == 1 else 'entries'}"


def _integer(op: Op, value: Value) -> str:
    assert isinstance(value, int)
    return f"value {value:#x}"


def _place(op: Op, value: Value) -> str:
    assert isinstance(value, int)
    return f"at {value:#x}"


def _name(op: Op, value: Value) -> str:
    assert isinstance(value, bytes)
    return format_key(value)


def _listing(op: Op, value: Value) -> str:
    assert isinstance(value, bytes)
    names = value.split(b"\0")[:-1]
    return (
        f"{_counted(len(names), 'name')}"
        + (": " if names else "")
        + _shortened([format_key(name) for name in names], MOST_NAMES)
    )


def _piece_of_listing(op: Op, value: Value) -> str:
    assert isinstance(value, bytes)
    listed = names_and_positions(value)
    if not listed:
        return "the end"
    named = _shortened([format_key(name) for name, _ in listed], MOST_NAMES)
    return f"{_counted(len(listed), 'name')}: {named}; goes on at {listed[-1][1]:#x}"


def _stats(op: Op, value: Value) -> str:
    assert isinstance(value, tuple)
    numbers = [int(each) for each in value]  # type: ignore[arg-type]
    sizes = Stats._make([*numbers[:13], *[()] * len(HISTOGRAMS)])
    blocks = f"{_counted(sizes.num_blocks, 'block')} of {sizes.block_size} bytes"
    entries = f"{sizes.num_entries} {'entry' if sizes.num_entries == 1 else 'entries'}"
    if not sizes.magic:
        return f"micro ZAP: {blocks}, {entries}"
    own = (
        f" in {_counted(sizes.table_numblks, 'block')} from {sizes.table_blk}" if sizes.table_numblks else ""
    )
    table = f"table of {sizes.table_len} pointers{own}"
    if sizes.table_nextblk:
        table += f", the next at {sizes.table_nextblk}, {_counted(sizes.table_blks_copied, 'block')} copied"
    leaves = f"{sizes.num_leafs} {'leaf' if sizes.num_leafs == 1 else 'leaves'}"
    return f"fat ZAP: {blocks}, {table}, {leaves}, {entries}" + "".join(_histograms(numbers[13:]))


def _histograms(numbers: Sequence[int]) -> Iterator[str]:
    for at, name in enumerate(HISTOGRAMS):
        bins = numbers[at * BINS : (at + 1) * BINS]
        shown = ", ".join(f"{many} at {place}" for place, many in enumerate(bins) if many)
        yield f"; {name.replace('_', ' ')}: {shown or 'none'}"


_WORDS: dict[str, Callable[[Op, Value], str]] = {
    "lookup": _value,
    "lookup_int_key": _integer,
    "lookup_norm": _found,
    "length": _length,
    "next": _entry,
    "retrieve": _entry,
    "count": _count,
    "serialize": _place,
    "search": _name,
    "readdir": _listing,
    "getdents": _piece_of_listing,
    "stats": _stats,
}
"""The words for each verb that returns a value."""
