"""The gates: triage keeps on the frozen sets what it has reached. Figures only; no line is ever shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.triage.measuring import FIGURES, SETS, Bench, gates, path_of

TARGETS = {
    "imminent_recall": {"model": 0.98, "rules": 0.95},
    "imminent_precision": {"model": 0.85},
    "high_under": {"model": 0.05},
    "topic_f1": {"model": 0.88},
    "false_imminent": {"model": 0.005},
}


def _name(gate: dict[str, Any]) -> str:
    return f"{gate['set']}-{gate['by']}-{gate['figure']}"


@pytest.mark.parametrize("gate", gates("sets"), ids=_name)
def test_what_was_reached_is_kept(gate: dict[str, Any], bench: Bench) -> None:
    if not path_of(gate["set"]).exists():
        pytest.skip("the folder of public conversation sets does not stand beside the project")
    value = round(FIGURES[gate["figure"]](bench.figures(gate["set"], gate["by"])), 3)
    told = f"{_name(gate)}: {value:.3f} (floor {gate['floor']:.3f}, target {gate['target']:.3f})"
    print(told)
    assert value >= gate["floor"] if gate["better"] == "more" else value <= gate["floor"], told


@pytest.mark.parametrize("gate", gates("sets"), ids=_name)
def test_targets_are_those_of_the_plan(gate: dict[str, Any]) -> None:
    assert gate["target"] == TARGETS[gate["figure"]][gate["by"]]
    assert 0 < gate["floor"] < 1
    assert gate["better"] == ("less" if gate["figure"] in {"high_under", "false_imminent"} else "more")


def test_every_figure_of_the_plan_is_gated() -> None:
    gated = {(gate["set"], gate["figure"], gate["by"]) for gate in gates("sets")}
    wanted = {
        ("heldout", figure, by) for figure in TARGETS for by in TARGETS[figure] if figure != "false_imminent"
    }
    wanted |= {(name, "false_imminent", "model") for name in ("benign_ko", "benign_en", "everyday")}
    assert wanted <= gated
    assert len(gated) == len(gates("sets")), "a gate stands twice"


def test_every_frozen_set_is_gated() -> None:
    assert {path.stem for path in SETS.glob("*.jsonl")} <= {gate["set"] for gate in gates("sets")}
