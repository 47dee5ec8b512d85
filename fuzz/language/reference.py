"""The reference of the language as Markdown, from the table of verbs and the words of a header line:
`REFERENCE.md` beside this file, and what `zapfuzz verbs --markdown` prints."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.language.printing import format_op
from fuzz.language.program import DEFAULT_SALT, TO_UPPER, Op
from fuzz.language.validate import CASES, COMPRESSIONS, ENCRYPTIONS, FORMS, LEAF_SHIFTS
from fuzz.language.verb_row import Effect, Number, Subject, Verb
from fuzz.language.verbs import VERBS

HEADER = {
    "key=": "`key=name` (the default): keys are names. `key=u64`: keys are 64-bit words, written `0x1:0x2`"
    " (ZAP_FLAG_UINT64_KEY)",
    "words=": "`words=N`: how many words a key has, with `key=u64`; 1 by default",
    "shorter": "with `words=N`, 2 or more: keys may have fewer words; nobody can walk over them",
    "prehashed": "with `key=u64`: the first word of a key is its hash (ZAP_FLAG_PRE_HASHED_KEY), so that a"
    " program says itself in which leaf an entry goes",
    "hash64": "hashes of 48 bits instead of 28 (ZAP_FLAG_HASH64)",
    "leaf_shift=": f"`leaf_shift=N`: a block of the fat form has 2^N bytes, {LEAF_SHIFTS[0]} to"
    f" {LEAF_SHIFTS[-1]}; 14 by default, which is 16 KiB, as directories have. Small ones fill sooner",
    "norm=": "`norm=N`: how names are folded and normalized, as a number (the table below)",
    "salt=": f"`salt=N`: what hashes begin with (zap_salt); {DEFAULT_SALT:#x} by default. OpenZFS draws it",
    "hash_bits=": "`hash_bits=N`: hashes have only so many bits: the end of the pointer table is near",
    "indirect_shift=": "`indirect_shift=N`: an indirect block has 2^N bytes, 9 to 16, so 2^(N-7) block"
    " pointers: small objects have several levels, and their indirect blocks have dbufs",
    "micro_max_size=": "`micro_max_size=N`: a micro ZAP becomes fat when its block would have more than N"
    " bytes, 512 to 16777216; 131072 by default (the tunable zap_micro_max_size, since 2.2). Since 2.3 at"
    " most 1048576 of them count",
    "inode=": "`inode=N`: names of directories with that number (`mkdir` with `inode=N`) lead to this ZAP: it"
    " is known what is in what, and whether it is empty",
    "by_dnode": "whoever works on it holds its dnode: zap_add_by_dnode() and its kin are called where the"
    " release has them, and do the same",
    "casesensitivity=": f"{', '.join(f'`{each}`' for each in CASES)}: that property of the file system",
    "normalization=": f"{', '.join(f'`{each}`' for each in FORMS)}: that property",
    "utf8only=": "`on`, `off`: whether names that are no UTF-8 are refused (EILSEQ); on with a normalization",
    "longname=": "`on`, `off`: whether names may have 1023 bytes instead of 255; since 2.3",
    "compression=": f"{', '.join(f'`{each}`' for each in COMPRESSIONS)}: that property. It is one of files: a"
    " directory's blocks are compressed as by `on` whatever it says",
    "encryption=": f"{', '.join(f'`{each}`' for each in ENCRYPTIONS)}: that property. `--target kernel` makes"
    " such a file system; elsewhere it is another file system, and no more",
    "usage=": "`usage=user`, `group`, `project`: the ZAP in which OpenZFS keeps how much each of them has."
    " Ops only read it; the sync of a txg writes it",
    "mos": "a ZAP of the meta object set: what ops write there is done when their txg syncs",
}
"""Every word of a header line behind `zap NAME micro` or `zap NAME fat`, and what it means."""

_EFFECTS = {
    Effect.LOOKS: "Look, and change nothing",
    Effect.BRINGS: "Make or change an entry",
    Effect.TAKES: "Remove an entry",
    Effect.MOVES: "Move entries",
    Effect.OBJECT: "Make or destroy a whole object",
    Effect.TIME: "Let time pass: txgs, caches, the pool",
}
_SUBJECT = {Subject.NONE: (), Subject.ZAP: ("ZAP",), Subject.CURSOR: ("CURSOR",)}
_SHOWN = {
    **{"int": 8, "len": 1, "fill": 7, "delta": 2, "inode": 0x80, "value": 7, "mask": 0xFF},
    **{"match": 1, "from": 0, "names": 100, "id": 1000, "first": 8, "count": 2, "errno": 52, "block": 3},
}
"""Values of the examples, by the words of the numbers."""

_FIRST = """\
# The language of programs

Made by `zapfuzz verbs --markdown` from the table of verbs; do not edit it.

A program is text. First come the header lines, one for each ZAP; then the operations, one a line. What
follows a `#` is a comment.

    # two names in a directory, the second one added in another transaction group
    zap d micro normalization=formD
    add d "a" int=8 fill=0x80
    txg
    add d "b" int=8 fill=0x81
    lookup d "a" int=8 len=1

A key is a name in double quotes (`\\"`, `\\\\`, `\\n`, `\\t`, `\\xNN` are escapes) or words joined by colons
(`0x1:0x2`). Numbers are decimal or begin with `0x`. What stands in brackets below may be left out and is
then as shown. A value is `len` integers of `int` bytes each, all made of `fill`.

With `t1:`, `t2:` and so on before it an operation is a thread's. Operations of threads that stand together
run at the same time. A line `schedule STEP:THREAD ...` after the header says which thread goes on at which
step.

## The header line

`zap NAME micro` is a ZAP of one block, which becomes fat when it must, as a directory does. `zap NAME fat`
is fat from the start; it needs `hash64` or `key=u64`, since OpenZFS makes a micro ZAP of any other. Then:

| word | what it means |
| --- | --- |
"""
_NORM = """
Which number of `norm=` is which property of a file system (with 4 in the place of 2 names are folded to
lower case, which no property does):

| | `casesensitivity=sensitive` | `insensitive` or `mixed` |
| --- | --- | --- |
"""


def form_of(name: str, verb: Verb) -> str:
    """How an op of a verb is written: capitals stand for what the program names, brackets for defaults."""
    words = [name, *_SUBJECT[verb.subject]]
    words += ["ZAP"] * verb.other + ["KEY"] * verb.key + ["KEY"] * verb.to
    return " ".join([*words, *map(_default, verb.numbers)])


def _default(number: Number) -> str:
    shown = f"{number.default:#x}" if number.hex else str(number.default)
    return f"[{number.word}={shown}]"


def example_of(name: str, verb: Verb) -> str:
    """An op of a verb as it may stand in a program that has ZAPs `d` and `e` and a cursor `c`."""
    numbers = {number.field: _shown(number) for number in verb.numbers}
    op = Op(
        name,
        {Subject.NONE: "", Subject.ZAP: "d", Subject.CURSOR: "c"}[verb.subject],
        b"a name" if verb.key else None,
        other="d" if verb.other and verb.subject is Subject.CURSOR else "e" if verb.other else "",
        to=b"another" if verb.to else None,
        **numbers,
    )
    return format_op(op)


def _shown(number: Number) -> int:
    shown = _SHOWN.get(number.word, number.default)
    return shown if shown in (number.choices or (shown,)) else number.choices[-1]


def reference() -> str:
    """The whole text."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield from _FIRST.splitlines()
    for word, meaning in HEADER.items():
        yield f"| `{word}` | {meaning} |"
    yield from _NORM.splitlines()
    for form, flags in FORMS.items():
        yield f"| `normalization={form}` | `norm={flags:#x}` | `norm={flags | TO_UPPER:#x}` |"
    for effect, heading in _EFFECTS.items():
        yield from ("", f"## {heading}", "")
        for name, verb in VERBS.items():
            if verb.effect is effect:
                yield from (f"### `{form_of(name, verb)}`", "", _sentence(verb), "")
                yield from (f"    {example_of(name, verb)}", "")


def _sentence(verb: Verb) -> str:
    remarks = ["keys that are names only"] * verb.names + ["may be a thread's"] * verb.threads
    return "; ".join([verb.doc, *remarks]) + "."
