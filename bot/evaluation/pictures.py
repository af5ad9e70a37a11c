"""Two pictures as SVG, written by hand: which topics are taken for which, and what a confidence is worth.

No script, no font from elsewhere, nothing of a text: topic words and numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.evaluation.figures import BINS, Calibration, Figures
from bot.settings import Unusable

_CELL = 22
_MARGIN = 140
_SIDE = 320
_STYLE = "text{font:11px sans-serif;fill:#223}.c{text-anchor:middle}.r{text-anchor:end}.w{fill:#fff}"


def draw(figures: Figures, folder: Path) -> tuple[Path, ...]:
    """Write ``confusion.svg`` where topics are labelled and ``calibration.svg`` where a model was heard.

    Raises ``Unusable`` when the folder cannot be written.
    """
    pictures = {}
    if figures.topics.confusion:
        pictures["confusion.svg"] = confusion(figures.topics.confusion)
    if figures.calibration.bins:
        pictures["calibration.svg"] = calibration(figures.calibration)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, svg in pictures.items():
            (folder / name).write_text(svg, "utf-8")
    except OSError as error:
        raise Unusable(f"{folder}: cannot be written ({type(error).__name__})") from None
    return tuple(folder / name for name in pictures)


def confusion(counts: Mapping[tuple[str, str], int]) -> str:
    """Labels down, answers across; a cell is as dark as its share of the label's lines."""
    names = sorted({name for pair in counts for name in pair})
    of = {name: sum(count for (label, _), count in counts.items() if label == name) for name in names}
    place = {name: _MARGIN + _CELL * number for number, name in enumerate(names)}
    parts = [
        _cell(place[said], place[label], count, count / of[label], said == label)
        for (label, said), count in sorted(counts.items())
        if count
    ]
    half = _CELL / 2 + 4
    for name, at in place.items():
        parts.append(f'<text class="r" x="{_MARGIN - 6}" y="{at + half:g}">{name}</text>')
        turn = f"rotate(-60 {at + half:g} {_MARGIN - 6})"
        parts.append(f'<text x="{at + half:g}" y="{_MARGIN - 6}" transform="{turn}">{name}</text>')
    wide = _MARGIN + _CELL * len(names)
    parts.append(f'<path d="M{_MARGIN} {_MARGIN}H{wide}V{wide}H{_MARGIN}Z" fill="none" stroke="#889"/>')
    return _svg(wide + 90, wide + 10, "Topics: labels down, answers across", parts)


def _cell(x: float, y: float, count: int, share: float, right: bool) -> str:
    color = "#1b6e8c" if right else "#b3403a"
    shade = 0.15 + 0.85 * share
    ink = "c w" if shade > 0.5 else "c"  # noqa: PLR2004  half as dark as can be
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="{color}" fill-opacity="{shade:.2f}"/>'
        f'<text class="{ink}" x="{x + _CELL / 2:g}" y="{y + _CELL / 2 + 4:g}">{count}</text>'
    )


def calibration(found: Calibration) -> str:
    """Confidence across, share borne out upwards; a bar on the line means what it says."""
    left, top, low = 50, 20, 20 + _SIDE
    wide = _SIDE / BINS
    parts = []
    for each in found.bins:
        x, tall = left + each.low * _SIDE, each.right * _SIDE
        size = f'width="{wide - 2:.1f}" height="{tall:.1f}"'
        parts += [
            f'<rect x="{x + 1:.1f}" y="{low - tall:.1f}" {size} fill="#1b6e8c"/>',
            f'<text class="c" x="{x + wide / 2:.1f}" y="{low - tall - 4:.1f}">{each.count}</text>',
        ]
    for number in range(0, BINS + 1, 2):
        share = number / BINS
        parts += [
            f'<text class="c" x="{left + share * _SIDE:g}" y="{low + 16}">{share:g}</text>',
            f'<text class="r" x="{left - 6}" y="{low - share * _SIDE + 4:g}">{share:g}</text>',
        ]
    parts.append(f'<path d="M{left} {low}L{left + _SIDE} {top}" stroke="#aab" stroke-dasharray="4 3"/>')
    parts.append(f'<path d="M{left} {top}V{low}H{left + _SIDE}" fill="none" stroke="#223"/>')
    title = f"Confidence and truth, lines in each bar; expected error {found.error:.3f}"
    return _svg(left + _SIDE + 20, low + 30, title, parts)


def _svg(width: float, height: float, title: str, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, f"<title>{title}</title><style>{_STYLE}</style>{paper}", *parts, "</svg>", ""])
