"""Which single flipped bits `check` finds, by field; and that it finds nothing in sound objects.

python -m fuzz.evidence.check.detection_and_false_alarms --flips 10000 --sound 10000
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from random import Random

import click

from fuzz.evidence.check.shapes import GROUPS, HARMLESS, LEAF_SHIFTS, SHAPES, fields_of, sound_object
from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import Parameters, random_program
from fuzz.targets.model.target import ModelTarget
from zapcore.release import RELEASES
from zapcore.verify.object import check_object

FLIPS_AN_OBJECT = 40
CERTAIN = {field for fields in GROUPS.values() for field in fields}


def flip(blocks: list[bytes], block: int, at: int, bit: int) -> list[bytes]:
    """The blocks with one bit turned."""
    damaged = bytearray(blocks[block])
    damaged[at] ^= 1 << bit
    return [*blocks[:block], bytes(damaged), *blocks[block + 1 :]]


def flips(count: int, seed: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """Flip `count` bits, in turn in every shape at every leaf shift, each kind of field as likely as any.

    Returns how many were flipped and found by field, and those of CERTAIN fields that were not found.
    """
    rng = Random(seed)
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missed: list[str] = []
    shapes = [(shape, shift) for shape in SHAPES for shift in LEAF_SHIFTS]
    for number in range(-(-count // FLIPS_AN_OBJECT)):
        shape, shift = shapes[number % len(shapes)]
        zap, blocks = sound_object(rng, shift, shape)
        places = fields_of(zap, blocks)
        kinds = sorted(places)
        for _ in range(min(FLIPS_AN_OBJECT, count - number * FLIPS_AN_OBJECT)):
            kind = rng.choice(kinds)
            place = rng.choice(places[kind])
            at, bit = place.at + rng.randrange(place.size), rng.randrange(8)
            tried[kind] += 1
            if not check_object(flip(blocks, place.block, at, bit)).sound:
                found[kind] += 1
            elif kind in CERTAIN:
                missed.append(f"{shape} at shift {shift}: {kind}: {place}, bit {8 * (at - place.at) + bit}")
    return tried, found, missed


def false_alarms(count: int, seed: int) -> tuple[int, list[str]]:
    """Check the objects that random programs leave; returns how many, and what was said of any.

    Programs are judged while they run: OpenZFS's own bugs (corpus/findings) leave objects that are not sound.
    """
    rng = Random(seed)
    targets = [ModelTarget(name) for name in RELEASES]
    parameters = Parameters(max_ops=160)
    objects = 0
    alarms: list[str] = []
    while objects < count:
        target = targets[objects % len(targets)]
        program = random_program(rng, parameters)
        if not run(program, target, forgive=lambda failure: failure.signature.kind == "oracle").fine:
            continue
        for zap in program.zaps:
            blocks = target.blocks(zap.name)
            if blocks is None:
                continue
            objects += 1
            report = check_object(blocks, target.release.lower_case)
            alarms += [f"{target.name}: {zap}: {violation}" for violation in report.violations]
    return objects, alarms


@click.command()
@click.option("--flips", "bits", default=10_000, show_default=True)
@click.option("--sound", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(bits: int, sound: int, seed: int) -> None:
    """Print the share of flipped bits found by field, and the false alarms. Status 1 if a bar is missed."""
    start = time.monotonic()
    tried, found, missed = flips(bits, seed)
    groups = {field: group for group, fields in GROUPS.items() for field in fields}
    for kind in sorted(tried, key=lambda kind: (groups.get(kind, "~"), kind)):
        share = f"{found[kind]:6} of {tried[kind]:6} found, {100 * found[kind] / tried[kind]:5.1f}%"
        why = HARMLESS.get(kind, "") if found[kind] < tried[kind] else ""
        click.echo(f"{groups.get(kind, ''):8} {kind:18} {share}  {why}".rstrip())
    for text in missed[:20]:
        click.echo(f"MISSED {text}")
    objects, alarms = false_alarms(sound, seed)
    click.echo(
        f"{objects} sound objects, {len(alarms)} false alarms, {time.monotonic() - start:.0f} s in all"
    )
    for text in alarms[:20]:
        click.echo(f"ALARM {text}")
    sys.exit(bool(missed or alarms))


if __name__ == "__main__":
    main()
