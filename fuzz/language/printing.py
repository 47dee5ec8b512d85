"""Programs as text: what `fuzz.language.syntax` reads back, its inverse. Only valid programs are printed."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.language.program import DEFAULT_SALT, TO_UPPER, USAGES, Dataset, Key, Op, Program, Zap
from fuzz.language.validate import CASES, COMPRESSIONS, ENCRYPTIONS, FORMS
from fuzz.language.verb_row import Number, Subject
from fuzz.language.verbs import VERBS

_SHORT = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t"}
_PRINTED = {byte: f"\\x{byte:02x}" for byte in range(256) if not 0x20 <= byte < 0x7F} | _SHORT


def format_program(program: Program) -> str:
    """A valid program's text; `parse` gives the same program back, comments too."""
    lines = [format_zap(zap) for zap in program.zaps]
    if program.schedule:
        lines.append("schedule " + " ".join(f"{step}:{thread}" for step, thread in program.schedule))
    lines += map(format_op, program.ops)
    if program.notes:
        lines = list(_with_notes(lines, program.notes))
    return "".join(line + "\n" for line in lines)


def _with_notes(lines: list[str], notes: tuple[tuple[int, str], ...]) -> Iterator[str]:
    at = 0
    for index, text in notes:
        yield from lines[at:index]
        at = max(at, index)
        yield f"# {text}" if text else ""
    yield from lines[at:]


def format_zap(zap: Zap) -> str:
    """A header line."""
    pieces = ["zap", zap.name, "fat" if zap.fat else "micro"]
    pieces += ["key=u64"] * (zap.words > 0)
    pieces += [f"words={zap.words}"] * (zap.words > 1)
    pieces += ["shorter"] * zap.shorter
    pieces += ["prehashed"] * zap.prehashed
    pieces += ["hash64"] * zap.hash64
    pieces += [f"leaf_shift={zap.leaf_shift}"] * (zap.leaf_shift != 14)
    if zap.dataset is not None:
        pieces += _properties(zap.dataset, zap.norm & ~TO_UPPER)
    else:
        pieces += [f"norm={zap.norm}"] * (zap.norm != 0)
    pieces += [f"salt={zap.salt:#x}"] * (zap.salt != DEFAULT_SALT)
    pieces += [f"hash_bits={zap.hash_bits}"] * (zap.hash_bits != 0)
    pieces += [f"indirect_shift={zap.indirect_shift}"] * (zap.indirect_shift != 0)
    pieces += [f"micro_max_size={zap.micro_max}"] * (zap.micro_max != 0)
    pieces += [f"inode={zap.inode:#x}"] * (zap.inode != 0)
    pieces += ["by_dnode"] * zap.by_dnode
    pieces += ["mos"] * zap.mos
    pieces += [f"usage={USAGES[zap.usage]}"] * (zap.usage != 0)
    return " ".join(pieces)


def _properties(dataset: Dataset, form: int) -> list[str]:
    """The words that declare a directory's file system: case, and what is not as `zfs create` has it."""
    pieces = [f"casesensitivity={CASES[dataset.case]}"]
    pieces += [f"normalization={name}" for name, flags in FORMS.items() if form and flags == form]
    pieces += ["utf8only=on"] * (dataset.utf8only and not form)
    pieces += ["longname=on"] * dataset.longname
    pieces += [f"compression={COMPRESSIONS[dataset.compression]}"] * bool(dataset.compression)
    return pieces + [f"encryption={ENCRYPTIONS[dataset.encryption]}"] * bool(dataset.encryption)


def format_op(op: Op) -> str:
    """An op's line."""
    verb = VERBS[op.verb]
    pieces = [f"t{op.thread}:", op.verb] if op.thread else [op.verb]
    if verb.subject is not Subject.NONE:
        pieces.append(op.subject)
    if verb.other:
        pieces.append(op.other)
    if op.key is not None:
        pieces.append(format_key(op.key))
    if op.to is not None:
        pieces.append(format_key(op.to))
    for number in verb.numbers:
        if getattr(op, number.field) != number.default:
            pieces.append(f"{number.word}={_format_number(number, op)}")
    return " ".join(pieces)


def _format_number(number: Number, op: Op) -> str:
    value = getattr(op, number.field)
    return f"{value:#x}" if number.hex else str(value)


def format_key(key: Key) -> str:
    """A key as op lines have it."""
    if isinstance(key, bytes):
        return '"' + key.decode("latin-1").translate(_PRINTED) + '"'
    return ":".join(map(hex, key))
