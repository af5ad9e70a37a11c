"""What a run leaves behind: raw figures, the generated part of ``docs/performance.md``, the picture."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import psutil
from matplotlib.figure import Figure

from bench.figures import CONCURRENCIES, Cell, Spread, complaints, ratios, table, verdicts

BEGIN: Final = "<!-- figures: written by `make bench`, do not edit -->"
END: Final = "<!-- end of figures -->"
NAMES: Final = {
    "gyeot": "**Gyeot**, whole path",
    "gyeot-patient": "**Gyeot**, second reader never left out ²",
    "rasa-same": "plain Rasa, this model",
    "rasa-diet": "plain Rasa, stock DIET",
    "rasa-parse": "floor: stock `/model/parse`",
    "thin-parse": "floor: thin `/model/parse`",
    "empty-fastapi": "floor: empty FastAPI",
    "durable-commit": "floor: durable commit ¹",
}
COLOURS: Final = {
    "gyeot": "#0f766e",
    "gyeot-patient": "#5eead4",
    "rasa-same": "#c2410c",
    "rasa-diet": "#f59e0b",
    "rasa-parse": "#94a3b8",
}
COLOURS_OF_FLOORS: Final = {"thin-parse": "#475569"}
FORMS: Final = {"rate": "{:.0f}", "p50": "{:.0f}", "p99": "{:.0f}", "cpu": "{:.1f}", "memory": "{:.0f}"}
AIMS: Final = {
    "throughput_vs_rasa_c32": ("throughput by plain Rasa with this model, 32 at once", "at least 2"),
    "p99_vs_rasa_c32": ("p99 by plain Rasa with this model, 32 at once", "at most 0.5"),
    "cpu_vs_parse": ("CPU by stock parse alone of this model, 32 at once", "at most 1.3"),
    "throughput_vs_rasa_c32_patient": ("the same throughput, second reader never left out", "—"),
    "p99_vs_rasa_c32_patient": ("the same p99, second reader never left out", "—"),
    "cpu_vs_parse_patient": ("the same CPU, second reader never left out", "—"),
    "cpu_vs_thin_parse_patient": ("CPU by thin parse alone, second reader never left out", "—"),
    "cpu_vs_thin_parse": ("CPU by thin parse alone, 32 at once", "—"),
    "cpu_vs_rasa_c32": ("CPU by plain Rasa with this model, 32 at once", "—"),
    "throughput_vs_diet_c32": ("throughput by plain Rasa with stock DIET, 32 at once", "—"),
    "p99_vs_diet_c32": ("p99 by plain Rasa with stock DIET, 32 at once", "—"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """One run. ``about``: when, where, which model, which messages, which worker counts."""

    cells: Sequence[Cell]
    about: Mapping[str, Any]

    def json(self) -> str:
        found = ratios(self.cells)
        summary = {
            server: {str(c): {name: asdict(value) for name, value in row.items()} for c, row in rows.items()}
            for server, rows in table(self.cells).items()
        }
        whole = {
            "about": self.about,
            "ratios": found,
            "aims_met": verdicts(found),
            "complaints": complaints(self.cells),
            "summary": summary,
            "cells": [asdict(cell) for cell in self.cells],
        }
        return json.dumps(_rounded(whole), ensure_ascii=False, indent=1) + "\n"

    def markdown(self) -> str:
        """The generated part: where it ran, ratios, table."""
        return "\n".join([*self._about(), "", *self._ratios(), "", *self._table(), "", *self._complaints()])

    def write(self, docs: Path) -> None:
        """Write all three; of the page only what is between the marks."""
        (docs / "performance.json").write_text(self.json(), "utf-8")
        page = docs / "performance.md"
        words = page.read_text("utf-8") if page.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
        page.write_text(between(words, self.markdown()), "utf-8")
        picture = docs / "images" / "performance.svg"
        picture.parent.mkdir(exist_ok=True)
        draw(table(self.cells), picture)

    def _about(self) -> list[str]:
        about = self.about
        workers = ", ".join(f"{name} {count}" for name, count in about["workers"].items())
        busy = max((cell.others for cell in self.cells), default=0.0)
        words = (
            f"Run of {about['date']}: {about['machine']}; {about['rounds']} interleaved rounds; model "
            f"`{about['model']}`. Worker processes (the better of 1 and 2 in a trial): {workers}. "
            f"Other programs took at most {busy:.0%} of the machine during a measurement."
        )
        return [words]

    def _ratios(self) -> list[str]:
        found = ratios(self.cells)
        met = verdicts(found)
        lines = ["| ratio | median | lowest to highest round | aim | met |", "|---|---|---|---|---|"]
        for name, (words, aim) in AIMS.items():
            if name in found:
                low, high = found[f"{name}_spread"]
                verdict = ("yes" if met[name] else "**no**") if name in met else ""
                lines.append(f"| {words} | {found[name]:.2f} | {low:.2f} to {high:.2f} | {aim} | {verdict} |")
        return lines

    def _table(self) -> list[str]:
        lines = [
            "Medians over the rounds, with the lowest and the highest below.",
            "",
            "| | at once | messages/s | p50 ms | p99 ms | CPU s per 1,000 | memory MB |",
            "|---|---|---|---|---|---|---|",
        ]
        summary = table(self.cells)
        for server, name in NAMES.items():
            for concurrency, row in summary.get(server, {}).items():
                shown = [told(row[measure], form) for measure, form in FORMS.items()]
                lines.append(f"| {name} | {concurrency} | " + " | ".join(shown) + " |")
        return lines

    def _complaints(self) -> list[str]:
        said = complaints(self.cells)
        if not said:
            return ["Every message was answered, and Gyeot's model had read every one of them."]
        return ["What makes these figures less than they seem:", "", *(f"- {line}" for line in said)]


def told(value: Spread, form: str) -> str:
    """Median, and in small print the range."""
    if not value.high:
        return "–"
    return f"{form.format(value.median)}<br><sub>{form.format(value.low)}–{form.format(value.high)}</sub>"


def between(page: str, words: str) -> str:
    """The page with everything between the marks replaced. Raises ``ValueError`` when it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks between which the figures go")
    return f"{before}{BEGIN}\n\n{words}\n\n{END}{after}"


def draw(summary: Mapping[str, Mapping[int, Mapping[str, Spread]]], file: Path) -> None:
    """Throughput, p99 and CPU under each concurrency, with the range over rounds."""
    mpl.rcParams["svg.hashsalt"] = "gyeot"  # the same figures give the same file
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = (("rate", "messages per second"), ("p99", "p99, milliseconds"), ("cpu", "CPU seconds per 1,000"))
    colours = {**COLOURS, **COLOURS_OF_FLOORS}
    for axes, (measure, title) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        shown = [server for server in colours if server in summary]
        width = 0.8 / max(1, len(shown))
        for number, server in enumerate(shown):
            values = [summary[server][concurrency][measure] for concurrency in CONCURRENCIES]
            places = [place + (number - (len(shown) - 1) / 2) * width for place in range(len(values))]
            errors = [[v.median - v.low for v in values], [v.high - v.median for v in values]]
            axes.bar(
                places, [v.median for v in values], width, yerr=errors, color=colours[server],
                label=NAMES[server].replace("*", "").replace("`", ""), error_kw={"lw": 0.8},
            )  # fmt: skip
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(len(CONCURRENCIES)), [f"{c} at once" for c in CONCURRENCIES], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        if measure == "p99":
            axes.set_yscale("log")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8
    )
    figure.savefig(file, format="svg", metadata={"Date": None})


def machine() -> str:
    """What this machine is, without its name."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GB, "
        f"Python {platform.python_version()}"
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
