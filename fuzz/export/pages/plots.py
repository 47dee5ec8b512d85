"""Curves over time and bars, drawn by pygal as SVG that goes into a page: the page's own style colours them,
and no script and no network is needed to see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from markupsafe import Markup

MOST_SERIES = 8
"""Curves that can be told apart in one plot."""
MOST_POINTS = 400
FEW = 10
"""Up to so much each whole number has its line."""

UNITS = (("days", "d", 86400), ("hours", "h", 3600), ("minutes", "min", 60), ("seconds", "s", 1))
"""Of time: name, short name, and how many seconds one is."""
LEAST_OF_UNIT = 3
"""So many of a unit is the least that is told in it."""
ROUND = (1, 2, 5, 10, 15, 20, 30)
MOST_LABELS = 6

Points = Sequence[tuple[float, float]]


def curves(title: str, unit: str, series: Mapping[str, Points]) -> Markup:
    """Values over seconds, one curve for each run."""
    name, short, seconds, labels = _times(
        max((at for each in series.values() for at, _ in each), default=0.0)
    )
    chart = pygal.XY(
        stroke=True,
        show_dots=False,
        x_title=name,
        x_value_formatter=lambda value: f"{value / seconds:g} {short}",
        value_formatter=lambda value: f"{value:,.0f}",
        include_x_axis=True,
        max_scale=7,
        show_legend=len(series) > 1,
        **_settings(f"{title}{f' ({unit})' if unit else ''}"),
    )
    most = max((value for points in series.values() for _, value in points), default=0)
    if most <= FEW:  # or several lines have the same number
        chart.y_labels = range(int(most) + 1)
    chart.x_labels = labels
    for name, points in list(series.items())[:MOST_SERIES]:
        every = max(1, len(points) // MOST_POINTS)
        chart.add(name, [*points[:-1:every], *points[-1:]])
    return _drawn(chart)


def _times(longest: float) -> tuple[str, str, int, list[int]]:
    """The unit of an axis of time, by name, short name and seconds, and where it has its labels."""
    name, short, unit = next((each for each in UNITS if longest >= LEAST_OF_UNIT * each[2]), UNITS[-1])
    steps = (unit * each * 60**power for power in range(9) for each in ROUND)
    step = next(each for each in steps if longest < MOST_LABELS * each)
    return name, short, unit, list(range(0, int(longest) + 1, step))


def bars(title: str, counts: Mapping[str, float], unit: str = "") -> Markup:
    """A bar for each name."""
    chart = pygal.HorizontalBar(
        show_legend=False, value_formatter=lambda value: f"{value:,.1f}{unit}", **_settings(title)
    )
    names = list(counts)[::-1]
    chart.x_labels = names
    chart.add(title, [counts[name] for name in names])
    chart.height = 90 + 22 * len(names)
    return _drawn(chart)


def _settings(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "js": [],
        "css": [],
        "width": 560,
        "height": 300,
        "explicit_size": True,
        "margin": 12,
        "truncate_legend": -1,
        "truncate_label": -1,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 1,
        "no_data_text": "nothing yet",
    }


def _drawn(chart: Any) -> Markup:
    """The SVG without what brings a style, a script or a link of its own."""

    def bare(root: Any) -> Any:
        for parent in root.iter():
            parent.attrib.pop("style", None)
            for child in list(parent):
                if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in ("style", "script"):
                    parent.remove(child)
        root.set("role", "img")
        root.set("aria-label", chart.title)
        return root

    chart.add_xml_filter(bare)
    text: str = chart.render(disable_xml_declaration=True, is_unicode=True)
    return Markup(text)
