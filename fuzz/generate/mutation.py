"""Changed programs: each mutation is a small function that knows the language, and all stand in one table.

Every mutation gets a draft (a program taken apart) and a `random.Random`, and leaves the draft valid. No
mutation runs a program. Which keys are alive at an op is guessed from the adds and removes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from fuzz.generate.keys_for_hash import hash_of, key_for
from fuzz.generate.leaf_programs import (
    CURSORS,
    DEFAULT,
    TIME,
    WEIGHTS,
    ZAP_NAMES,
    half_of_leaf,
    numbers_of,
    op_of,
    plain_key,
    random_op,
    random_zap,
    sizes_that_matter,
    written,
)
from fuzz.generate.mutation_draft import Draft
from fuzz.generate.whole_language import respelled
from fuzz.language.program import Key, Op, Program, Zap
from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import VALUED
from fuzz.language.verbs import VERBS
from fuzz.minimize.simplicity import keys_of

MAX_GROWN = 24


def insert(draft: Draft, rng: Random) -> None:
    """Put new ops somewhere."""
    about = draft.about(rng)
    at = draft.place(rng)
    draft.ops[at:at] = [random_op(rng, about) for _ in range(rng.choice((1, 1, 2, 4)))]


def delete(draft: Draft, rng: Random) -> None:
    """Drop a run of ops."""
    if len(draft.ops) > 1:
        del draft.ops[draft.piece(rng)]


def repeat(draft: Draft, rng: Random) -> None:
    """Do a run of ops again, at once or later."""
    piece = draft.ops[draft.piece(rng)]
    at = draft.place(rng)
    draft.ops[at:at] = piece * rng.choice((1, 1, 2))


def swap(draft: Draft, rng: Random) -> None:
    """Let two ops change places."""
    if len(draft.ops) > 1:
        i, j = rng.sample(range(len(draft.ops)), 2)
        draft.ops[i], draft.ops[j] = draft.ops[j], draft.ops[i]


def move(draft: Draft, rng: Random) -> None:
    """Take a run of ops to another place."""
    chosen = draft.piece(rng)
    piece = draft.ops[chosen]
    del draft.ops[chosen]
    at = draft.place(rng)
    draft.ops[at:at] = piece


def change_verb(draft: Draft, rng: Random) -> None:
    """Give an op another verb, and its key if both have one."""
    if not draft.ops:
        return
    at = rng.randrange(len(draft.ops))
    old = draft.ops[at]
    about = draft.about(rng)
    new = op_of(rng, rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0], about)
    if new.key is not None and old.key is not None and new.subject == old.subject:
        new = new._replace(key=old.key)
    draft.ops[at] = new


def share_prefix(draft: Draft, rng: Random) -> None:
    """Replace one key, everywhere or in one op, by one whose hash agrees with another key's in the first n
    bits, and differs in the bit after them."""
    keyed = draft.keyed()
    if not keyed:
        return
    at = rng.choice(keyed)
    op = draft.ops[at]
    zap = draft.zaps[op.subject]
    model = rng.choice(draft.alive(op.subject, at) or draft.keys(op.subject))
    bits = rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8))
    wanted = hash_of(zap, model) ^ (1 << (63 - bits))
    new = key_for(zap, wanted, rng.choice((bits + 1, 64)), rng)
    if rng.random() < 0.5:
        draft.ops[at] = op._replace(key=new)
        return
    draft.ops = [
        each._replace(key=new) if each.key == op.key and each.subject == op.subject else each
        for each in draft.ops
    ]


def same_key(draft: Draft, rng: Random) -> None:
    """Let an op work on a key that is alive at that place, or on one that another op names."""
    keyed = draft.keyed()
    if not keyed:
        return
    at = rng.choice(keyed)
    op = draft.ops[at]
    alive = draft.alive(op.subject, at)
    pool = alive if alive and rng.random() < 0.7 else draft.keys(op.subject)
    draft.ops[at] = op._replace(key=rng.choice(pool))


def respell(draft: Draft, rng: Random) -> None:
    """Spell the name of an op in other cases or in another Unicode form. Or keep the op, and do it once more
    with that spelling."""
    named = [at for at in draft.keyed() if isinstance(draft.ops[at].key, bytes)]
    if not named:
        return
    at = rng.choice(named)
    op = draft.ops[at]
    assert isinstance(op.key, bytes)
    new = op._replace(key=respelled(rng, op.key))
    if rng.random() < 0.5:
        draft.ops[at] = new
    else:
        draft.ops.insert(rng.randint(at, len(draft.ops)), new)


def change_length(draft: Draft, rng: Random) -> None:
    """Give one value a length that just fills a leaf or just overflows it, perhaps together with all other
    values of its length."""
    writes = draft.where(*VALUED)
    if not writes:
        return
    op = draft.ops[rng.choice(writes)]
    length = sizes_that_matter(draft.zaps[op.subject], rng)
    if rng.random() < 0.3:
        length = max(0, op.size * op.length + rng.choice((-21, -1, 1, 21)))
    everywhere = rng.random() < 0.5
    for index in writes:
        each = draft.ops[index]
        if each is op or (everywhere and (each.size, each.length) == (op.size, op.length)):
            new = written(rng, each.verb, draft.zaps[each.subject], each.key, length)
            draft.ops[index] = new._replace(length=min(new.length, 8192 // new.size))


def change_numbers(draft: Draft, rng: Random) -> None:
    """Give one value other bytes, or another op other numbers."""
    numbered = [at for at, op in enumerate(draft.ops) if VERBS[op.verb].numbers]
    if not numbered:
        return
    at = rng.choice(numbered)
    op = draft.ops[at]
    if op.verb in VALUED:
        draft.ops[at] = op._replace(fill=rng.choice((0, 1, 0xFF, rng.getrandbits(64))))
    else:
        draft.ops[at] = op._replace(**numbers_of(rng, op.verb))


def time_step(draft: Draft, rng: Random) -> None:
    """Insert, drop, move or change a step of time."""
    steps = draft.where(*TIME)
    if steps and rng.random() < 0.5:
        step = draft.ops.pop(rng.choice(steps))
        if rng.random() < 0.3:
            return
        if rng.random() < 0.5:
            step = Op(rng.choice(TIME))
        draft.ops.insert(draft.place(rng), step)
        return
    removes = draft.where("remove")
    at = rng.choice(removes) if removes and rng.random() < 0.5 else draft.place(rng)
    draft.ops.insert(at, Op(rng.choice(TIME)))


def cursor_around_removes(draft: Draft, rng: Random) -> None:
    """Park a cursor before a remove, and use or close it some ops later."""
    removes = draft.where("remove")
    at = rng.choice(removes) if removes else draft.place(rng)
    zap = draft.ops[at].subject if removes else draft.some_zap(rng).name
    cursor = rng.choice(CURSORS)
    later = min(len(draft.ops), at + rng.randint(1, 6))
    draft.ops[later:later] = [Op(rng.choice(("retrieve", "next", "close", "next")), cursor)]
    steps = rng.randint(1, 1 + len(draft.alive(zap, at)))
    draft.ops[at:at] = [Op("cursor", cursor, other=zap), *[Op("next", cursor)] * steps]


def grow_empty_grow(draft: Draft, rng: Random) -> None:
    """Add keys, remove them all, add them again, with or without a step of time in between."""
    zap = draft.some_zap(rng)
    keys = draft.keys(zap.name)
    depth = rng.choice((1, 2, 3))
    keys = rng.sample(keys, min(len(keys), 4)) or [plain_key(zap, n, depth) for n in range(1 << depth)]
    length = sizes_that_matter(zap, rng)
    adds = [written(rng, "add", zap, key, length) for key in keys]
    removes = [Op("remove", zap.name, key) for key in keys]
    pieces: list[list[Op]] = [adds, removes, adds]
    if rng.random() < 0.6:
        pieces.insert(rng.randint(1, 2), [Op(rng.choice(TIME))])
    grown = [op for piece in pieces for op in piece]
    at = draft.place(rng)
    draft.ops[at:at] = grown[:MAX_GROWN]


def grow_table(draft: Draft, rng: Random) -> None:
    """Add one or two keys that need more bits than a small table has."""
    at = draft.place(rng)
    draft.ops[at:at] = _deep(draft, draft.some_zap(rng), at, rng)


def _deep(draft: Draft, zap: Zap, at: int, rng: Random) -> list[Op]:
    """Adds of a pair of keys whose hashes agree in a few bits, near a key that is alive or anywhere; or the
    add of one of them. No leaf has room for both, so leaves split until the table must grow."""
    alive = draft.alive(zap.name, at)
    near = hash_of(zap, rng.choice(alive)) if alive and rng.random() < 0.7 else rng.getrandbits(64)
    bits = rng.randint(4, 9)
    pair = [key_for(zap, near ^ turn << (63 - bits), bits + 1, rng) for turn in (0, 1)]
    if rng.random() < 0.5:
        pair = [pair[1]]
    return [written(rng, "add", zap, key, half_of_leaf(zap)) for key in pair]


def refill_under_cursor(draft: Draft, rng: Random) -> None:
    """Walk a cursor to some entry, remove that entry and a few before it, let the object grow again, and then
    use the cursor."""
    zap = draft.some_zap(rng)
    at = draft.place(rng)
    alive = sorted(draft.alive(zap.name, at), key=lambda key: hash_of(zap, key))
    if not alive:
        return
    steps = len(alive) if rng.random() < 0.6 else rng.randint(1, len(alive))
    removed = alive[max(0, steps - rng.randint(1, 3)) : steps]
    cursor = rng.choice(CURSORS)
    later = draft.ops[at:]
    del draft.ops[at:]
    draft.ops += [Op("cursor", cursor, other=zap.name), *[Op("next", cursor)] * steps]
    draft.ops += [Op("remove", zap.name, key) for key in rng.sample(removed, len(removed))]
    if rng.random() < 0.3:
        draft.ops.append(Op(rng.choice(TIME)))
    for _ in range(rng.randint(1, 2)):
        draft.ops += _deep(draft, zap, len(draft.ops), rng)
    draft.ops += [Op(rng.choice(("next", "retrieve", "advance")), cursor), *later]


def remove_everything(draft: Draft, rng: Random) -> None:
    """Remove every key that is alive at some place, in some order."""
    zap = draft.some_zap(rng)
    at = draft.place(rng)
    alive = draft.alive(zap.name, at)
    if rng.random() < 0.5:
        rng.shuffle(alive)
    draft.ops[at:at] = [Op("remove", zap.name, key) for key in alive[:MAX_GROWN]]


def add_again(draft: Draft, rng: Random) -> None:
    """Add a key again somewhere after its remove, as it was added before."""
    removes = draft.where("remove")
    if not removes:
        return
    at = rng.choice(removes)
    key, zap = draft.ops[at].key, draft.ops[at].subject
    before = [op for op in draft.ops[:at] if op.verb == "add" and op.subject == zap and op.key == key]
    if before:
        draft.ops.insert(min(len(draft.ops), at + rng.randint(1, 5)), before[-1])


def change_header(draft: Draft, rng: Random) -> None:
    """Create a ZAP in another way; its keys keep the first bits of their hashes."""
    old = draft.some_zap(rng)
    new = random_zap(rng, old.name)
    if rng.random() < 0.5:
        # only the size of its blocks
        new = old._replace(leaf_shift=new.leaf_shift)
    draft.zaps[old.name] = new
    rename_keys(draft, old, new, rng)


def rename_keys(draft: Draft, old: Zap, new: Zap, rng: Random) -> None:
    """Give every key of a ZAP the kind that its new header line asks for."""
    alike = (old.words, old.prehashed, old.salt) == (new.words, new.prehashed, new.salt)
    if alike and new.shorter >= old.shorter:
        return
    names: dict[Key, Key] = {}
    for index in draft.keyed():
        op = draft.ops[index]
        if op.subject != old.name:
            continue
        for key in keys_of(op):
            if key not in names:
                names[key] = key_for(new, hash_of(old, key), 8, rng)
        draft.ops[index] = op._replace(
            key=None if op.key is None else names[op.key], to=None if op.to is None else names[op.to]
        )


def one_more_zap(draft: Draft, rng: Random) -> None:
    """Declare another ZAP and let some ops work on it instead, or drop a ZAP and its ops."""
    free = [name for name in ZAP_NAMES if name not in draft.zaps]
    old = draft.some_zap(rng)
    if len(draft.zaps) > 1 and (not free or rng.random() < 0.6):
        del draft.zaps[old.name]
        draft.ops = [op for op in draft.ops if old.name not in (op.subject, op.other)]
        return
    new = old._replace(name=free[0])
    draft.zaps[new.name] = new
    for index, op in enumerate(draft.ops):
        if op.subject == old.name and VERBS[op.verb].subject is Subject.ZAP and rng.random() < 0.5:
            draft.ops[index] = op._replace(subject=new.name)


Mutation = Callable[[Draft, Random], None]
MUTATIONS: Mapping[Mutation, int] = {
    insert: 12,
    delete: 10,
    repeat: 6,
    swap: 4,
    move: 6,
    change_verb: 5,
    share_prefix: 8,
    same_key: 8,
    respell: 2,
    change_length: 6,
    change_numbers: 3,
    time_step: 10,
    cursor_around_removes: 4,
    grow_empty_grow: 4,
    grow_table: 6,
    refill_under_cursor: 6,
    remove_everything: 4,
    add_again: 5,
    change_header: 2,
    one_more_zap: 1,
}
"""Every mutation and how often it is drawn."""

_ALL = list(MUTATIONS)
_WEIGHTS = list(MUTATIONS.values())


def some_mutation(rng: Random) -> Mutation:
    """One of the table, by its weights."""
    return rng.choices(_ALL, _WEIGHTS)[0]


def mutate(
    program: Program,
    rng: Random,
    max_ops: int = 4 * DEFAULT.max_ops,
    choose: Callable[[Random], Mutation] = some_mutation,
) -> Program:
    """A changed program: one mutation, or a few one after the other, each chosen by `choose`."""
    draft = Draft(program)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        choose(rng)(draft, rng)
    return draft.program(max_ops)


def splice(first: Program, second: Program, rng: Random, max_ops: int = 4 * DEFAULT.max_ops) -> Program:
    """The beginning of one program and the end of another, which then works on the first one's ZAPs.

    If both begin with the same ops, the cut is sometimes at the first op in which they differ.
    """
    draft = Draft(first)
    other = Draft(second)
    names = list(draft.zaps)
    kept = {zap: draft.zaps[names[index % len(names)]] for index, zap in enumerate(other.zaps)}
    for zap in other.zaps.values():
        rename_keys(other, zap, kept[zap.name], rng)
    other.ops = [_on(op, kept) for op in other.ops]
    cut, start = draft.place(rng), other.place(rng)
    if rng.random() < 0.3:
        cut = start = _common_prefix(draft.ops, other.ops)
    draft.ops[cut:] = other.ops[start:]
    return draft.program(max_ops)


def _on(op: Op, kept: Mapping[str, Zap]) -> Op:
    """The op on the ZAP that stands for the one that it named. Cursors keep their names."""
    if VERBS[op.verb].subject is Subject.ZAP:
        op = op._replace(subject=kept[op.subject].name)
    return op._replace(other=kept[op.other].name) if op.other else op


def _common_prefix(first: list[Op], second: list[Op]) -> int:
    for index, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return index
    return min(len(first), len(second))
