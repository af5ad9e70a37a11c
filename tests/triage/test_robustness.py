"""Danger is heard through evasions, and anything at all is answered in time. Figures only; no line is ever shown."""

from __future__ import annotations

import functools
import random
import time
from typing import Any

import pytest

from bot.evaluation.lines import Labelled
from handoff.risk import Risk
from tests.evasions import EVASIONS
from tests.triage.measuring import Bench, gates

WITHIN = {"rules": 1.0, "model": 5.0}
"""Seconds for one message, on a machine that other tests keep busy and with no deadline for the model. The service
waits for the model no longer than GYEOT_NLU_DEADLINE."""

CRY = "지금 칼 들고 문 앞에 와 있어요 살려주세요"
FILLER = "오늘 학교에서 급식으로 카레가 나왔고 점심에는 친구들이랑 운동장을 걸었어요. "


@pytest.mark.parametrize("gate", gates("evasions"), ids=lambda gate: str(gate["evasion"]))
def test_danger_is_heard_through_the_evasion(gate: dict[str, Any], bench: Bench) -> None:
    loss = bench.loss(gate["evasion"])
    lost = round(loss.points, 3)
    told = (
        f"{gate['evasion']}: recall {loss.plain:.3f} -> {loss.typed:.3f}, lost {lost:.3f} "
        f"(floor {gate['floor']:.3f}, target {gate['target']:.3f}), {loss.changed} of {loss.lines} lines changed"
    )
    print(told)
    assert loss.changed > 0, told
    assert lost <= gate["floor"], told


def test_every_evasion_is_gated_by_the_plans_target() -> None:
    assert [gate["evasion"] for gate in gates("evasions")] == [*EVASIONS, "all"]
    assert {gate["target"] for gate in gates("evasions")} == {0.03}
    assert all(0 < gate["floor"] < 1 for gate in gates("evasions"))


@functools.cache
def _strange() -> dict[str, str]:
    codes = (*range(0x20, 0xD7FF), *range(0xE000, 0x1F9FF))
    everything = "".join(map(chr, random.Random(7).choices(codes, k=2000)))
    return {
        "long": (FILLER * 60)[:2000],
        "long with a cry at its end": (FILLER * 60)[: 2000 - len(CRY)] + CRY,
        "long without a space": ("ㅋ".join(FILLER.split()) * 60)[:2000],
        "mixed languages": "i'm so scared 지금 어떡해 he keeps messaging 계속 와 助けて помогите",
        "emoji only": "😭🙏😭💔🥺",
        "one emoji with its joiners": "👩‍👩‍👧‍👦",
        "empty": "",
        "blank": " \t\n\u3000\u200b",
        "one character ten thousand times": "ㅠ" * 10_000,
        "one letter ten thousand times": "a" * 10_000,
        "one syllable ten thousand times": "죽" * 10_000,
        "dots ten thousand times": "." * 10_000,
        "any characters": everything,
        "control characters": "\x00\x1b[31m\x7f" * 200,
        "half a surrogate": "살려\ud83d줘",
        "marks upon marks": "살" + "\u0301" * 3000,
    }


@pytest.mark.parametrize("name", _strange())
@pytest.mark.parametrize("by", ["model", "rules"])
def test_anything_is_answered_in_time(name: str, by: Any, bench: Bench) -> None:
    line = Labelled(_strange()[name], Risk.LOW, None, "ko", name)
    began = time.monotonic()
    [judged] = bench.read([line], by).judged
    assert time.monotonic() - began < WITHIN[by]
    assert judged.said_risk in Risk


@pytest.mark.parametrize("by", ["model", "rules"])
def test_what_cannot_be_read_goes_to_a_person_or_is_calm_but_never_breaks(by: Any, bench: Bench) -> None:
    lines = [Labelled(text, Risk.LOW, None, "ko", name) for name, text in _strange().items()]
    assert len(bench.read(lines, by).judged) == len(lines)


@pytest.mark.parametrize("by", ["model", "rules"])
def test_a_cry_at_the_end_of_a_long_text_is_heard(by: Any, bench: Bench) -> None:
    line = Labelled(_strange()["long with a cry at its end"], Risk.IMMINENT, None, "ko", "cry")
    assert bench.read([line], by).judged[0].said_risk is Risk.IMMINENT
