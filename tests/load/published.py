"""A run as it is published: a table in Markdown, and a plot that is drawn as SVG by a few lines of our own."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.figures import Figures

BEGIN, END = "<!-- figures: make bench writes them -->", "<!-- end of figures -->"
ROW, LABEL, BAR = 22, 420, 360  # pixels


def markdown(figures: Figures, facts: Mapping[str, str], repeat: str) -> str:
    """The table, what was measured on, and how to measure again."""
    rows = [
        f"| {'&nbsp;&nbsp;' if label.startswith(' ') else ''}{label.strip()} | {value} | {aim} | {verdict} |"
        for label, value, aim, verdict in figures.rows()
    ]
    told = [f"- {name}: {fact}" for name, fact in facts.items()]
    table = ["| figure | median | goal | |", "| --- | ---: | --- | --- |", *rows]
    return "\n".join([*table, "", *told, f"- again: `{repeat}`"])


def publish(figures: Figures, facts: Mapping[str, str], repeat: str, page: Path) -> None:
    """Write the table into a page between its marks, and the plot beside it. `ValueError` without the marks."""
    before, begun, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{page} has no {BEGIN} with {END} after it")
    table = markdown(figures, facts, repeat)
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")
    page.with_suffix(".svg").write_text(plot(figures), encoding="utf-8")


def plot(figures: Figures) -> str:
    """A bar for each figure that has a goal: how much of it was reached, with a line where all of it would be."""
    shares = list(figures.shares())
    height = ROW * (len(shares) + 2)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LABEL + BAR + 80} {height}" '
            'font-family="sans-serif" font-size="13">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, (label, share) in enumerate(shares):
        top = ROW * (number + 1)
        colour = "#2a7f4f" if share >= 1 else "#b8541f"
        lines += [
            f'<text x="{LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(label)}</text>',
            (
                f'<rect x="{LABEL}" y="{top + 3}" width="{min(share, 2) / 2 * BAR:.0f}" height="{ROW - 6}" '
                f'fill="{colour}"/>'
            ),
            f'<text x="{LABEL + min(share, 2) / 2 * BAR + 6:.0f}" y="{top + 15}">{share:.2f}</text>',
        ]
    goal = LABEL + BAR / 2
    lines.append(f'<line x1="{goal}" y1="{ROW / 2}" x2="{goal}" y2="{height - ROW / 2}" stroke="black"/>')
    lines.append(f'<text x="{goal + 4}" y="{ROW * 0.8:.0f}">goal</text></svg>')
    return "\n".join(lines) + "\n"
