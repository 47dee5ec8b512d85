"""The byte form of programs: what libFuzzer mutates. Every byte string is some valid program.

A header, most often one byte, then one record of four bytes for each op:

    verb    index in VERBS; from 64 on verbs by how often random bytes should give them; from 248 escapes
    key     a byte of the ZAP's key table; the second ZAP's index for a verb that has one, and no key
    value   a byte of the verb's table of sizes, lengths and fills; the second key's byte where there are two
    whose   low half: index of the ZAP or cursor; high half: thread (both modulo how many there are)

What the tables do not hold is said by escape records before the op, three bytes each, and they end with it:

    KEY_TOP a b c       a key word: a and b its highest bytes, c its lowest
    KEY_1/2/3 a b c     so many more bytes of a name, or of key words from the highest byte on
    NUMBER f lo hi      16 bits (piece f >> 3 & 3) of the verb's number f & 7
    TARGET a b c        index of the ZAP or cursor; where there are two keys, b less one that of the other ZAP
                        (0: the same), and, if c, the key spelt so far is the second one
    SWITCH lo hi t      the schedule's next switch, so many steps after the last, bits 16 to 19 in t >> 4
    SKIP a b c          that many times 2^20 more steps before it (both ignored where there is one thread)

So a changed byte changes one op, or turns an op into an escape for the next, and nothing after it. Bytes that
are missing at the end are zeros. The header's first byte: below 192 preset 0; to 253 a preset; 254 a preset
(second byte) and 1 to 16 threads (third); 255 an explicit header.
"""

from __future__ import annotations

from struct import iter_unpack

from fuzz.language import byteform_tables as tables
from fuzz.language.byteform_header import DEFAULT_PLAN, Plan, header, plan_of
from fuzz.language.program import MAX_NAME, Key, Op, Program, Switch, Zap
from fuzz.language.validate import MAX_OPS, MAX_STEP
from fuzz.language.verb_row import Subject
from fuzz.language.verbs import VERBS

_KEYED, _ALONE, _PLAIN, _CURSOR, _ESCAPE, _SCHEDULE, _TWO_KEYS = range(7)
_CHUNK = 1 << 18
_MAX_ESCAPES = 2 * MAX_NAME // 3 + 64
"""For one op: three bytes of two names each, and every number."""

_Record = tuple[int, int, int, int]


def _row(byte: int) -> tuple[int, str, list[tables.Row], bool]:
    """What a record's first byte says: its kind, the verb, the verb's values, whether it names a ZAP too."""
    if byte >= tables.ESCAPES:
        return (_SCHEDULE if byte in (tables.SWITCH, tables.SKIP) else _ESCAPE, "", [], False)
    name = tables.VERB_OF_BYTE[byte]
    verb = VERBS[name]
    keyed = _TWO_KEYS if verb.to else _KEYED
    kinds = {Subject.ZAP: keyed if verb.key else _PLAIN, Subject.CURSOR: _CURSOR, Subject.NONE: _ALONE}
    return (kinds[verb.subject], name, tables.rows(name), bool(verb.other))


_ROWS = [_row(byte) for byte in range(256)]


def decode(data: bytes) -> Program:
    """The program that a byte string stands for: always a valid one, in time linear in its length."""
    plan, start = header(data) if data else (DEFAULT_PLAN, 1)
    zaps16, cursors16, threads16 = plan.zaps16, plan.cursors16, plan.threads16
    rows, new, op_type = _ROWS, tuple.__new__, Op
    ops: list[Op] = []
    append = ops.append
    waiting: list[_Record] = []
    schedule: list[_Record] = []
    name: str
    key: Key | None
    to: Key | None
    for at in range(start, len(data), _CHUNK):
        body = data[at : at + _CHUNK]
        if len(body) & 3:
            body += bytes(-len(body) & 3)
        for first, second, third, fourth in iter_unpack("4B", body):
            kind, verb, values, named = rows[first]
            other = ""
            key = to = None
            if kind == _KEYED:
                name, keys = zaps16[fourth & 15]
                key = keys[second]
            elif kind == _ALONE:
                name = ""
            elif kind == _PLAIN:
                name = zaps16[fourth & 15][0]
                if named:
                    other = plan.zaps[second % len(plan.zaps)].name
            elif kind == _CURSOR:
                name = cursors16[fourth & 15]
                if named:
                    other = plan.zaps[second % len(plan.zaps)].name
            elif kind == _TWO_KEYS:
                name, keys = zaps16[fourth & 15]
                key, to = keys[second], keys[third]
                other = name
            else:
                records = waiting if kind == _ESCAPE else schedule
                if len(records) < (_MAX_ESCAPES if kind == _ESCAPE else 2 * MAX_OPS):
                    records.append((first, second, third, fourth))
                continue
            size, length, fill, extra = values[third]
            thread = threads16[fourth >> 4]
            append(new(op_type, (verb, name, key, size, length, fill, other, thread, extra, to)))
            if waiting:
                ops[-1] = _escaped(ops[-1], second, third, plan, waiting)
                waiting.clear()
        if len(ops) >= MAX_OPS:
            del ops[MAX_OPS:]
            break
    return Program(plan.zaps, tuple(ops), _switches(plan, schedule) if schedule else ())


def _escaped(op: Op, key_byte: int, to_byte: int, plan: Plan, waiting: list[_Record]) -> Op:
    """The op that the escapes before it make of it."""
    verb = VERBS[op.verb]
    target: int | None = None
    other = 0
    second: tuple[bytearray, int | None] = (bytearray(), None)
    top: int | None = None
    spelt = bytearray()
    codes: dict[int, int] = {}
    numbers = tables.numbers(op.verb)
    for kind, a, b, c in waiting:
        if kind == tables.TARGET:
            target = a
            other = b or other
            if c and verb.to:
                second, spelt, top = (spelt, top), bytearray(), None
        elif kind == tables.KEY_TOP:
            top = a << 56 | b << 48 | c
        elif kind == tables.NUMBER:
            if numbers:
                field = (a & 7) % len(numbers)
                codes[field] = codes.get(field, 0) | (b | c << 8) << (16 * (a >> 3 & 3))
        else:
            spelt += bytes((a, b, c))[: kind - tables.KEY_1 + 1]
    name, key, to, into = op.subject, op.key, op.to, op.other
    if verb.subject is Subject.CURSOR and target is not None:
        name = plan.cursors[target % len(plan.cursors)]
    elif verb.subject is Subject.ZAP:
        index = plan.index[name] if target is None else target % len(plan.zaps)
        zap = plan.zaps[index]
        name = zap.name
        if verb.key:
            key = _key(zap, spelt, top, key_byte)
        if verb.to:
            to = _key(zap, *second, to_byte)
            into = plan.zaps[(other - 1) % len(plan.zaps)].name if other else name
    values = [op.size, op.length, op.fill, op.extra]
    for field, code in codes.items():
        values[tables.places(op.verb)[field]] = tables.number_of_code(numbers[field], code)
    size, length, fill, extra = values
    return Op(op.verb, name, key, size, length, fill, into, op.thread, extra, to)


def _key(zap: Zap, spelt: bytearray, top: int | None, key_byte: int) -> Key:
    words = zap.words
    if spelt and not words:
        return bytes(spelt[:MAX_NAME]).replace(b"\0", b"\1")
    if spelt:
        words = min(words, -(-len(spelt) // 8)) if zap.shorter else words
        whole = bytes(spelt[: 8 * words]).ljust(8 * words, b"\0")
        return tuple(int.from_bytes(whole[at : at + 8], "big") for at in range(0, 8 * words, 8))
    if top is not None and words:
        return (top, *(0,) * (words - 1))
    return tables.keys(words)[key_byte]


def _switches(plan: Plan, records: list[_Record]) -> tuple[Switch, ...]:
    if not plan.threaded:
        return ()
    switches: list[Switch] = []
    step = 0
    for kind, a, b, c in records:
        if kind == tables.SKIP:
            step += (a | b << 8 | c << 16) << 20
            continue
        step += a | b << 8 | (c >> 4) << 16
        if step > MAX_STEP or len(switches) == MAX_OPS:
            break
        switches.append(Switch(step, plan.threads16[c & 15]))
        step += 1
    return tuple(switches)


def encode(program: Program) -> bytes:
    """A valid program's bytes: `decode` gives the same program back, but for its comments."""
    plan, out = plan_of(program)
    step = 0
    for switch in program.schedule:
        gap = switch.step - step
        if gap >> 20:
            out += bytes((tables.SKIP, *(gap >> 20).to_bytes(3, "little")))
        out += bytes((tables.SWITCH, gap & 255, gap >> 8 & 255, (gap >> 16 & 15) << 4 | switch.thread))
        step = switch.step + 1
    for op in program.ops:
        out += _encode_op(op, plan)
    return bytes(out)


def _encode_op(op: Op, plan: Plan) -> bytearray:
    verb = VERBS[op.verb]
    out = bytearray()
    second = third = index = 0
    if verb.subject is Subject.ZAP:
        index = plan.index[op.subject]
    elif verb.subject is Subject.CURSOR:
        index = plan.cursors.index(op.subject)
    if verb.to:
        third = _encode_second_key(op, plan, index, out)
    elif index > 15:
        out += bytes((tables.TARGET, index, 0, 0))
    if verb.other and not verb.key:
        second = plan.index[op.other]
    elif op.key is not None:
        second = _encode_key(op.key, plan.zaps[index], out)
    if not verb.to:
        third = _encode_numbers(op, out)
    elif (
        verb.numbers
    ):  # the byte that says a row is the second key's, and the row of any byte is the defaults
        _encode_numbers(op, out)
    out += bytes((tables.OPCODE[op.verb], second, third, (index & 15) | op.thread << 4))
    return out


def _encode_key(key: Key | None, zap: Zap, out: bytearray) -> int:
    """The byte of a key; one that has none is spelt out before."""
    assert key is not None
    code = tables.key_codes(zap.words).get(key)
    if code is None:
        out += _spell(key, zap.shorter)
    return code or 0


def _encode_second_key(op: Op, plan: Plan, index: int, out: bytearray) -> int:
    """The byte of an op's second key, and escapes for what that and the target do not say."""
    code = _encode_key(op.to, plan.zaps[index], out)
    spelt = len(out) > 0
    if spelt or index > 15 or op.other != op.subject:
        other = plan.index[op.other] + 1 if op.other != op.subject else 0
        out += bytes((tables.TARGET, index, other, spelt))
    return code


def _encode_numbers(op: Op, out: bytearray) -> int:
    """The byte of an op's numbers; those that it does not say are spelt out before."""
    codes = tables.row_codes(op.verb)
    wanted = (op.size, op.length, op.fill, op.extra)
    for near in (wanted, (op.size, op.length, 0, op.extra), tables.rows(op.verb)[0]):
        third = codes.get(near)
        if third is not None:
            break
    else:
        raise AssertionError(op)
    for field, place in enumerate(tables.places(op.verb)):
        if wanted[place] != near[place]:
            code = tables.code_of_number(tables.numbers(op.verb)[field], wanted[place])
            pieces = [piece for piece in range(4) if code >> (16 * piece) & 0xFFFF] or [0]
            for piece in pieces:
                part = code >> (16 * piece) & 0xFFFF
                out += bytes((tables.NUMBER, field | piece << 3, part & 255, part >> 8))
    return third


def _spell(key: Key, shorter: bool) -> bytes:
    """Escapes for a key that has no byte of its own; with `shorter` words it is spelt whole, zeros too."""
    if isinstance(key, bytes):
        whole = key
    elif shorter:
        whole = b"".join(word.to_bytes(8, "big") for word in key)
    else:
        word = key[0]
        if not any(key[1:]) and not word & 0x0000_FFFF_FFFF_FF00:
            return bytes((tables.KEY_TOP, word >> 56, word >> 48 & 255, word & 255))
        whole = b"".join(word.to_bytes(8, "big") for word in key).rstrip(b"\0")
    pieces = [whole[at : at + 3] for at in range(0, len(whole), 3)]
    return b"".join(bytes((tables.KEY_1 + len(piece) - 1,)) + piece.ljust(3, b"\0") for piece in pieces)
