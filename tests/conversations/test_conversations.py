"""Every scripted conversation, line by line: the risk after it, and what the bot does."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.compose import GUIDANCE
from bot.content import load
from tests.conversations.stage import Script, problems, scripts, stage

SCRIPTS = list(scripts())


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.id for script in SCRIPTS])
async def test_a_conversation_goes_as_it_should(script: Script) -> None:
    here = await stage(script)
    content = here.tools.content
    risk = -1
    for number, step in enumerate(script.steps, start=1):
        seen = await here.play(step)
        told = f"{script.id}, step {number} ({step}): said {seen.said}"
        assert list(problems(step, seen)) == [], told
        assert seen.conversation.risk >= risk, f"a machine lowered the risk: {told}"
        risk = seen.conversation.risk
        messages = sum(len(content.render(text, script.lang)) for text in seen.said)
        lines = len(step.get("burst", [""]))
        assert messages <= (4 if number == 1 else 3) * lines, told


def test_there_are_enough_of_them_and_they_name_texts_that_exist() -> None:
    assert len(SCRIPTS) >= 60
    assert Counter(script.lang for script in SCRIPTS)["en"] >= 15
    assert len({script.id for script in SCRIPTS}) == len(SCRIPTS)
    texts = set(load(GUIDANCE).texts)
    named = {
        text
        for script in SCRIPTS
        for step in script.steps
        for key in ("says", "has")
        for text in step.get(key, ())
    }
    assert named <= texts


def test_every_topic_is_spoken_of() -> None:
    from handoff.risk import Topic

    topics = {step["topic"] for script in SCRIPTS for step in script.steps if "topic" in step}
    assert topics == {str(topic) for topic in Topic}
