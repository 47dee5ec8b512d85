"""Programs about names, drawn while they run: micro ZAPs and how they become fat, names that are equal in
some spelling, directories, and ops that are refused.

`fuzz.generate.whole_language` draws all of these ops, too, but there they seldom work on the same names. Here
it is known which names are there. They are spelled in other ways. The slots of a micro ZAP are filled to the
last one and freed again. Ops are drawn that must be refused, and afterwards the other entries are looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from fuzz.execution.result import names_and_positions
from fuzz.generate.draw_while_running import Drawing, beside, drawn, pass_time, resume, use
from fuzz.generate.keys_for_hash import hash_of
from fuzz.generate.leaf_programs import CURSORS
from fuzz.generate.rooms import room_for_name
from fuzz.generate.whole_language import PIECES, respelled, with_dataset, with_micro_max
from fuzz.judge.keys import form
from fuzz.language.program import MAX_NAME, U64, Op, Program, Zap
from fuzz.language.validate import NORMS
from fuzz.language.verbs import VERBS
from fuzz.targets.model.target import ModelTarget
from zapcore.hashing import name_for_hash

OPS = (8, 60)
"""A program has between so many and so many ops, or a few more than that."""
MAX_OPS = 120
MOST_SLOTS = 31
"""Only micro ZAPs with at most so many slots are filled up."""
SMALL_LEAF = 10
"""A leaf of 2^10 bytes or fewer has no room for more than a few names of one hash."""
WALK = 12
"""The most steps that a cursor is made to take."""

NEAR_LIMITS = (48, 49, 50, 51, 254, 255, 256, 257, 1022, 1023, 1024, MAX_NAME)
"""Lengths of names: a slot has room for 49 bytes, an old ZAP for 255, a directory for 1023."""
NEAR_SLOT, SLOT_FULL = (49, 50, 50, 51), 0.04
"""Lengths of names that just fit into a slot of a micro ZAP, or just do not, and how often one is drawn."""
REFUSED = (b"a\xc0", b"\xff", b"n" * 300, b"n" * MAX_NAME, b".", b"..")
"""Names without a normal form, too long, or those that no directory stores."""
LONG = (255, 256, 257, 500, 1023)
"""Lengths of names. Whether they are refused tells if an object that was read from disk is still known as a
directory."""
LENGTHS = (20, 21, 22, 41, 42, 43, 63, 64, 150, 340, 500, *NEAR_LIMITS)
STEMS = (b"", b"", b"", b"Name-", "éé".encode() * 12, b"x" * 24, b"x" * 47, b"x" * 70)
"""With one of these all names of a program begin. Some take several chunks of a leaf, and some fill a slot of
a micro ZAP to within a few bytes."""
INTEGERS = (0, 1, 2, 1 << 63, 4 << 60, 8 << 60 | 1, 12 << 60 | 1, 6 << 60)
"""Values of entries: some could be those of a file's or a directory's name (type and object), some could
not."""
TOO_MUCH = (1024, 1025, 2000, 8192)
"""Numbers of 8-byte integers: the most that a ZAP takes in one value, and more than that."""
ROOM = {number.field: number.default for number in VERBS["lookup"].numbers}


class NamesDrawing(Drawing):
    """A program that is being drawn; all keys of its ZAPs are names. They may be long, begin alike, or be
    spellings of a few."""

    def __init__(self, rng: Random, target: ModelTarget, zaps: Mapping[str, Zap] | None = None) -> None:
        super().__init__(rng, target, zaps or _zaps(rng))
        self.long = rng.choice((0, 0, 0.15, 0.3))
        self.stem = rng.choice(STEMS)
        self.few: list[bytes] = []
        if rng.random() < 0.5:
            self.few = [self.new() for _ in range(rng.randint(1, 3))]

    def new(self) -> bytes:
        """A name, perhaps one that is alive."""
        rng = self.rng
        if self.few and rng.random() < 0.8:
            return respelled(rng, rng.choice(self.few))
        if rng.random() < self.long:
            return bytes((rng.choice(b"abcAB"),)) * rng.choice(LENGTHS)
        if rng.random() < SLOT_FULL:
            return bytes((rng.choice(b"abcAB"),)) * rng.choice(NEAR_SLOT)
        if rng.random() < 0.5:
            return self.stem + b"%d" % rng.randrange(60)
        return self.stem + b"".join(rng.choices(PIECES, k=rng.choice((1, 1, 2, 3))))

    def some(self) -> bytes:
        """A name that is alive, or a new one where none is."""
        alive = self.alive[self.name]
        if not alive:
            return self.new()
        name = self.rng.choice(list(alive))
        assert isinstance(name, bytes)
        return name

    def elsewhere(self) -> str:
        """The ZAP to which a name is moved: mostly another one, if there is one."""
        others = [name for name in self.zaps if name != self.name]
        return self.rng.choice(others) if others and self.rng.random() < 0.7 else self.name

    def bring(self, name: bytes) -> None:
        """Add a name in one of several ways, with a value that a micro ZAP has room for."""
        rng = self.rng
        verb = rng.choice(("add", "add", "add", "update", "update", "touch", "mkdir", "symlink"))
        if verb in ("touch", "mkdir", "symlink"):
            self.do(Op(verb, self.name, name, fill=rng.choice((1, 1, 1, 2, 3))))
        else:
            self.do(Op(verb, self.name, name, 8, 1, rng.choice(INTEGERS)))

    def slots(self) -> int:
        """How many slots the block of the current ZAP has. 0 if it is fat, or if its block is not cached."""
        dnode = self.target.objset.dnodes.get(self.target.numbers[self.name])
        block = dnode.dbufs.get(0) if dnode is not None else None
        micro = getattr(block.user, "micro", None) if block is not None else None
        return micro.slots if micro is not None else 0


def _zaps(rng: Random) -> dict[str, Zap]:
    """One ZAP or two: mostly micro, or fat as directories are; about half of them with normal forms."""
    zaps: dict[str, Zap] = {}
    for name in "zy"[: 1 + (rng.random() < 0.4)]:
        if zaps and rng.random() < 0.7:  # two of one kind, between which names can move
            zaps[name] = zaps["z"]._replace(name=name)
            continue
        fat = rng.random() < 0.35
        norm = rng.choice(NORMS) if rng.random() < 0.55 else 0
        shift = rng.choice((9, 9, 9, 10, 12, 14))
        zaps[name] = Zap(name, fat=fat, hash64=fat, leaf_shift=shift, norm=norm)
        if not fat:
            zaps[name] = with_micro_max(rng, zaps[name])
        if not fat and rng.random() < 0.4:
            zaps[name] = with_dataset(rng, zaps[name])
    return zaps


def enter(drawing: NamesDrawing) -> None:
    """Add a few names."""
    for _ in range(drawing.rng.randint(1, 4)):
        drawing.bring(drawing.new())


def collide(drawing: NamesDrawing) -> None:
    """Add other names with the same hash as one that is there, some of them in two spellings. Then look for
    some."""
    rng, zap = drawing.rng, drawing.zaps[drawing.name]
    names = [drawing.some() if rng.random() < 0.5 else b"aB%d" % rng.randrange(9)]
    drawing.bring(names[0])
    wanted = hash_of(zap, names[0])
    for _ in range(rng.randint(1, 3 if zap.leaf_shift > SMALL_LEAF else 1)):
        stem = rng.choice((b"", b"a", b"B", "é".encode())) + b"%d" % rng.randrange(99)
        names.append(name_for_hash(zap.salt, wanted, 64, form(stem, zap.norm) or stem))
        drawing.bring(names[-1])
    for _ in range(rng.randint(0, 2)):
        # other entries may lie between the spellings
        drawing.bring(respelled(rng, rng.choice((names[0], *names))))
    if rng.random() < 0.3:
        drawing.do(Op("remove", drawing.name, drawing.some()))
    elif rng.random() < 0.4:  # one of them goes, and another one comes
        drawing.do(Op("remove", drawing.name, rng.choice(names)))
        drawing.bring(respelled(rng, rng.choice(names)))
    rng.choice((look, respell, walk, outgrow))(drawing)
    if rng.random() < 0.4:
        walk(drawing, whole=True)


def respell(drawing: NamesDrawing) -> None:
    """Add, look for or remove names that are alive, in other spellings."""
    rng = drawing.rng
    name = drawing.some()
    for _ in range(rng.randint(1, 3)):
        other = respelled(rng, name)
        verb = rng.choice(("bring", "bring", "lookup_norm", "lookup_norm", "remove_norm", "lookup", "remove"))
        if verb == "bring":
            drawing.bring(other)
        elif verb == "lookup_norm":
            length, match = rng.choice((1, 1, 1024)), rng.choice((1, 1, 3))
            drawing.do(Op(verb, drawing.name, other, 8, length, room_for_name(rng, name), extra=match))
        elif verb == "remove_norm":
            drawing.do(Op(verb, drawing.name, other, extra=rng.choice((1, 1, 3))))
        elif verb == "lookup":
            drawing.do(Op(verb, drawing.name, other, 8, 1))
        else:
            drawing.do(Op(verb, drawing.name, other))


def fill(drawing: NamesDrawing) -> bool:
    """Fill the slots of a micro ZAP: all of them, all but one, or some more. Returns False where that cannot
    be done."""
    if not drawing.alive[drawing.name]:
        enter(drawing)  # how many slots a block has is known only once it was read
    slots = drawing.slots()
    if not 0 < slots <= MOST_SLOTS:
        return False
    have = len(drawing.alive[drawing.name])
    for number in range(
        have, slots + drawing.rng.choice((0, 0, 0, -1, 8, 16, 16))
    ):  # a block grows by 8 slots
        drawing.do(Op("add", drawing.name, b"s%d" % number, 8, 1, number))
    return True


def hollow(drawing: NamesDrawing) -> None:
    """Fill a micro ZAP, remove some, add about as many others, or change what is in a slot several times."""
    if not fill(drawing):
        return
    rng = drawing.rng
    if rng.random() < 0.4:
        key = drawing.some()
        for _ in range(rng.randint(2, 4)):  # one slot, again and again
            drawing.do(Op("remove", drawing.name, key))
            key = b"n%d" % rng.randrange(200)
            drawing.bring(key)
        return
    for _ in range(rng.randint(1, 2)):
        alive = list(drawing.alive[drawing.name])
        taken = rng.sample(alive, min(len(alive), rng.randint(1, 4)))
        for each in taken:
            drawing.do(Op("remove", drawing.name, each))
        for _ in range(len(taken) + rng.choice((-1, 0, 0, 1))):
            drawing.bring(b"n%d" % rng.randrange(200))


def outgrow(drawing: NamesDrawing) -> None:
    """Write a value that only a fat ZAP can hold, and that no directory has."""
    rng = drawing.rng
    name = drawing.some() if rng.random() < 0.5 else drawing.new()
    verb, size, length = rng.choice(("add", "update")), rng.choice((1, 4, 8)), rng.choice((0, 2, 3, 30, 150))
    drawing.do(Op(verb, drawing.name, name, size, length, 7))
    if rng.random() < 0.3:
        drawing.do(Op("readdir", drawing.name))


def outgrow_under_cursor(drawing: NamesDrawing) -> None:
    """Open a cursor on a ZAP, make the ZAP fat if it is not, and then use the cursor."""
    walk(drawing)
    outgrow(drawing)
    use(drawing)


def refuse(drawing: NamesDrawing) -> None:
    """Do what is mostly refused, because a value or a name is too long, and then look up what is there."""
    rng = drawing.rng
    how = rng.random()
    long = bytes((rng.choice(b"qrQ"),)) * rng.choice((340, 500, *NEAR_LIMITS[4:]))
    if how < 0.4:
        name = drawing.some() if rng.random() < 0.3 else drawing.new()
        drawing.do(Op(rng.choice(("add", "update")), drawing.name, name, 8, rng.choice(TOO_MUCH), 1))
    elif how < 0.75:
        name = drawing.some()
        if rng.random() < 0.3:
            drawing.do(Op("touch", drawing.name, name, fill=rng.randrange(1, 4)))
        # mostly a length that a directory takes and a small leaf does not
        to = long if rng.random() < 0.3 else b"q" * rng.choice((340, 500, 1023))
        drawing.do(Op("rename", drawing.name, name, other=drawing.elsewhere(), to=to))
    elif how < 0.9:
        drawing.bring(long)
    else:
        verb = rng.choice(("length", "contains", "lookup", "remove", "increment"))
        drawing.do(Op(verb, drawing.name, long, *((8, 1) if verb == "lookup" else ())))
    look(drawing)


def look(drawing: NamesDrawing) -> None:
    """Look up a few names, with room for one integer, for none, or for the longest value."""
    rng = drawing.rng
    for _ in range(rng.randint(1, 3)):
        name = drawing.some()
        verb = rng.choice(("lookup", "lookup", "lookup_norm", "length", "contains"))
        op = Op(verb, drawing.name, name)
        if verb == "lookup":
            op = op._replace(size=rng.choice((8, 8, 4)), length=rng.choice((1, 1, 0, ROOM["length"])))
        elif verb == "lookup_norm":
            spelled = rng.choice((name, respelled(rng, name)))
            op = op._replace(key=spelled, size=8, length=rng.choice((1, ROOM["length"])))
            op = op._replace(extra=rng.choice((0, 1, 3)), fill=room_for_name(rng, name))
        drawing.do(op)


def take(drawing: NamesDrawing) -> None:
    """Remove a few names, one way or another."""
    for _ in range(drawing.rng.randint(1, 3)):
        drawing.do(
            Op(drawing.rng.choice(("remove", "remove", "unlink", "rmdir")), drawing.name, drawing.some())
        )


def add_back(drawing: NamesDrawing) -> None:
    """Add again a name that was removed."""
    name = drawing.lately_gone()
    if isinstance(name, bytes):
        drawing.bring(name)


def rename(drawing: NamesDrawing) -> None:
    """Rename: to a new name, to another spelling of the same name, or to a name that is there as well."""
    rng, name = drawing.rng, drawing.some()
    to = rng.choice((drawing.new(), respelled(rng, name), drawing.some()))
    if rng.random() < 0.1:  # both are refused, and the errno tells which one was looked at first
        name, to = rng.choices(REFUSED, k=2)
    verb = rng.choice(("rename", "rename", "rename", "exchange", "exchange", "whiteout", "link"))
    fill = rng.randrange(1, 4) if verb == "whiteout" else 0
    drawing.do(Op(verb, drawing.name, name, other=drawing.elsewhere(), to=to, fill=fill))
    if verb == "link" and rng.random() < 0.5:  # to rename one link onto the other
        drawing.do(Op("rename", drawing.name, name, other=drawing.ops[-1].other, to=to))


def walk(drawing: NamesDrawing, whole: bool = False) -> None:
    """Begin to walk over all names, or walk over all of them."""
    cursor = CURSORS[drawing.rng.random() < 0.3]
    drawing.do(Op("cursor", cursor, other=drawing.name))
    most = min(WALK, 1 + len(drawing.alive[drawing.name]))
    for _ in range(most if whole else drawing.rng.randint(1, most)):
        drawing.do(Op("next", cursor))


def note_places(drawing: NamesDrawing) -> None:
    """Walk over the names, serialize the cursor at each, and begin another one at one of these places."""
    rng = drawing.rng
    drawing.do(Op("cursor", CURSORS[0], other=drawing.name))
    places = [0]
    for _ in range(min(WALK // 2, 1 + len(drawing.alive[drawing.name]))):
        drawing.do(Op("next", CURSORS[0]))
        place = drawing.do(Op("serialize", CURSORS[0])).value
        if isinstance(place, int) and place <= U64:
            places.append(place)
    place = beside(rng, drawing.zaps[drawing.name], rng.choice(places))
    drawing.do(Op("cursor", CURSORS[1], other=drawing.name, fill=place))
    for _ in range(rng.randint(1, 2)):
        drawing.do(Op("next", CURSORS[1]))


def import_anew(drawing: NamesDrawing) -> None:
    """Export and import the pool, then look, perhaps for a long name, or where all slots are taken."""
    how = drawing.rng.random()
    if how < 0.4:
        drawing.bring(bytes((drawing.rng.choice(b"stS"),)) * drawing.rng.choice(LONG))
    elif how < 0.7:
        drawing.rng.choice((fill, hollow))(drawing)
    drawing.do(Op("reopen"))
    drawing.rng.choice((look, all_of_it))(drawing)


def list_in_pieces(drawing: NamesDrawing) -> None:
    """Read a directory piece by piece, each from where the one before ended, with changes in between."""
    rng = drawing.rng
    position = rng.choice((0, 0, 0, 1, 2, 3, 4))
    for _ in range(rng.randint(1, 5)):
        op = Op("getdents", drawing.name, length=rng.choice((1, 1, 2, 3, 5)), fill=position)
        listed = drawing.do(op).value
        if not isinstance(listed, bytes) or not listed:
            return
        position = names_and_positions(listed)[-1][1]
        if rng.random() < 0.4:
            rng.choice((take, enter, pass_time, add_back))(drawing)
        if rng.random() < 0.15:
            position = beside(rng, drawing.zaps[drawing.name], position)


def all_of_it(drawing: NamesDrawing) -> None:
    """Ask for something about the whole ZAP."""
    rng = drawing.rng
    op = Op(rng.choice(("readdir", "count", "stats", "search")), drawing.name)
    if op.verb == "search":
        op = op._replace(fill=rng.choice(INTEGERS), length=room_for_name(rng, drawing.some()))
    drawing.do(op)


MOVES: Mapping[Callable[[NamesDrawing], None], int] = {
    enter: 10,
    respell: 12,
    collide: 4,
    hollow: 4,
    outgrow: 2,
    outgrow_under_cursor: 2,
    refuse: 5,
    look: 6,
    take: 5,
    add_back: 3,
    rename: 4,
    walk: 4,
    note_places: 2,
    use: 6,
    resume: 2,
    pass_time: 4,
    import_anew: 2,
    all_of_it: 2,
    list_in_pieces: 3,
}
"""Every move and how often it is drawn."""


def names_program(rng: Random, target: ModelTarget, max_ops: int = MAX_OPS) -> Program:
    """A program about names."""
    return drawn(NamesDrawing(rng, target), MOVES, OPS, max_ops)
