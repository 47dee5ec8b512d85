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

Points = Sequence[tuple[float, float]]


def curves(title: str, unit: str, series: Mapping[str, Points]) -> Markup:
    """Values over seconds, one curve for each run."""
    chart = pygal.XY(
        stroke=True,
        show_dots=False,
        x_title="seconds",
        x_value_formatter=lambda value: f"{value:g} s",
        value_formatter=lambda value: f"{value:,.0f}",
        include_x_axis=True,
        show_legend=len(series) > 1,
        **_settings(f"{title}{f' ({unit})' if unit else ''}"),
    )
    most = max((value for points in series.values() for _, value in points), default=0)
    if most <= FEW:  # or several lines have the same number
        chart.y_labels = range(int(most) + 1)
    for name, points in list(series.items())[:MOST_SERIES]:
        step = max(1, len(points) // MOST_POINTS)
        chart.add(name, [*points[:-1:step], *points[-1:]])
    return _drawn(chart)


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
        "x_labels_major_count": 5,
        "show_minor_x_labels": False,
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
