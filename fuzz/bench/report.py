"""What was measured as one table for a person and as one JSON file."""

from __future__ import annotations

import dataclasses
import json
import os
import platform

from fuzz.bench.memory_and_speed_drift import MEMORY_BAR, SPEED_BAR, Steady
from fuzz.bench.minimized_size import Cut
from fuzz.bench.speed import Speed
from fuzz.bench.time_to_find import Hunt, Row, totals
from fuzz.bench.two_processes import BAR, BUG, Together
from fuzz.language.printing import format_program

Three = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One run of the benchmark. `cap` is the CPU seconds that a hunt of ours may take, `others` that of
    another engine; `load` the machine's load of the last minute, when the run began and when it ended."""

    command: str
    seeds: int
    cap: float
    others: float
    load: tuple[float, float]
    speed: Speed | None
    together: Together | None
    steady: Steady | None
    hunts: list[Hunt]
    rows: list[Row]
    cuts: list[Cut]

    def as_json(self) -> str:
        """All of it, every single hunt with its program too."""
        data = dataclasses.asdict(dataclasses.replace(self, hunts=[]))
        data["python"] = platform.python_version()
        data["cores"] = os.cpu_count()
        data["hunts"] = [
            {
                **{name: getattr(each, name) for name in ("bug", "engine", "seed", "found", "executions")},
                "seconds": each.seconds,
                "cpu": each.cpu,
                "program": format_program(each.program) if each.program is not None else None,
            }
            for each in self.hunts
        ]
        return json.dumps(data, indent=1) + "\n"

    def lines(self) -> list[str]:
        """The table."""
        return [
            f"{self.command}: {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"load {self.load[0]:.1f} at the start and {self.load[1]:.1f} at the end",
            "Rates depend on the load. Ratios are of the same programs, one after the other in a round.",
            "",
            *(speed_lines(self.speed) if self.speed is not None else []),
            *(together_lines(self.together) if self.together is not None else []),
            *(steady_lines(self.steady) if self.steady is not None else []),
            *hunt_lines(self.rows, self.seeds, self.cap, self.others),
            "",
            *cut_lines(self.cuts),
        ]


def _spread(three: Three, digits: int = 2) -> str:
    return f"{three[0]:>10,.{digits}f}  ({three[1]:,.{digits}f} to {three[2]:,.{digits}f})"


def speed_lines(speed: Speed) -> list[str]:
    """Rates a second and ratios: medians over the rounds, and in brackets the least and the most; ends with
    an empty line."""
    lines = [f"Rates a second, median of {speed.rounds} rounds (least to most)"]
    for row in speed.rows:
        programs = _spread(row.programs, 0)
        lines.append(f"  {row.shape:27} {row.lane:15} programs {programs:34} ops {_spread(row.ops, 0)}")
    lines.append(f"  an empty Atheris target: executions {_spread(speed.empty, 0)}")
    lines += [f"  not measured: {speed.missing}"] if speed.missing else []
    lines.append("Ratios")
    for ratio in speed.ratios:
        bar = f"bar {ratio.bar:.2f}: {'reached' if ratio.reached else 'MISSED'}" if ratio.bar else ""
        lines.append(f"  {ratio.name:66} {_spread(ratio.value):30} {bar}")
    return [*lines, ""]


def together_lines(together: Together) -> list[str]:
    """One process and two; ends with an empty line."""
    lines = [f"From an empty corpus, {together.seconds:g} seconds; and seconds until found: {BUG.name}"]
    for lane in together.lanes:
        found = f"{lane.found}/{together.seeds}"
        lines.append(
            f"  {lane.jobs} process{'es' if lane.jobs > 1 else '':2}  executions a second "
            f"{_spread(lane.a_second, 0):26} found {found:>5} after {_spread(lane.until).strip()}"
        )
    verdict = "reached" if together.reached else "MISSED"
    lines.append(f"  executions, two / one {_spread(together.ratio):30} bar {BAR:.2f}: {verdict}")
    return [*lines, *(f"  {line}" for line in together.died), ""]


def steady_lines(steady: Steady) -> list[str]:
    """A long run; ends with an empty line."""
    return [
        f"One process for {steady.seconds:g} seconds: {steady.executions:,} executions, "
        f"{steady.inputs:,} inputs kept",
        f"  memory {steady.memory:.0f} MiB after a sixth of the time, {steady.most:.0f} at most after that: "
        f"{steady.growth:.2f} (bar {MEMORY_BAR:.2f})",
        f"  executions a CPU second at the end {steady.old:.1f}, of a young process on the same corpus "
        f"{steady.young:.1f}: {steady.kept:.2f} (bar {SPEED_BAR:.2f})",
        f"  both {'reached' if steady.reached else 'MISSED'}",
        *(f"  {line}" for line in steady.died),
        "",
    ]


def hunt_lines(rows: list[Row], seeds: int, cap: float, others: float) -> list[str]:
    """Who finds what how soon. A median of seeds that mostly found nothing is shown as a lower bound."""
    lines = [
        f"Until found, medians of {seeds} seeds, at most {cap:g} CPU seconds each of ours and {others:g} of "
        "another engine; > where most missed it (and then it is not asked again)",
        f"  {'bug':32} {'engine':12} {'found':>7} {'executions':>11} {'seconds':>8} {'CPU s':>8}"
        "  (least to most CPU s)",
    ]
    for row in rows:
        more = " " if row.usually else ">"
        lines.append(
            f"  {row.bug:32} {row.engine:12} {row.found:>3}/{row.seeds:<3} {more}{row.executions:>10,.0f} "
            f"{more}{row.seconds:>7.2f} {more}{row.cpu:>7.2f}  ({row.spread[0]:.2f} to {row.spread[1]:.2f})"
        )
    lines.append("Sum of median CPU seconds over all of these")
    for engine, (cpu, missed) in totals(rows).items():
        note = f", a lower bound: {missed} mostly not found" if missed else ""
        lines.append(f"  {engine:12} {cpu:8.2f}{note}")
    return lines


def cut_lines(cuts: list[Cut]) -> list[str]:
    """What was found, minimized."""
    lines = ["Minimized, median (least to most)"]
    for each in cuts:
        lines.append(
            f"  {each.bug:32} {each.inputs} inputs of {each.before[0]:.0f} ops ({each.before[1]:.0f} to "
            f"{each.before[2]:.0f}): {each.after[0]:.0f} ops ({each.after[1]:.0f} to {each.after[2]:.0f}), "
            f"known minimum {each.shortest} reached by {each.at_least}, "
            f"CPU seconds {_spread(each.seconds).strip()}"
        )
    return lines if cuts else [*lines, "  nothing: no real bug was found"]
