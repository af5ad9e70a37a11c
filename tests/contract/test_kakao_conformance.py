"""Our skill answers and events, as another library sees them: ``kakao_chatbot``, which knows Kakao's forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kakao_chatbot import Payload
from kakao_chatbot.event import EventAPI
from kakao_chatbot.response import KakaoResponse, QuickReply
from kakao_chatbot.response.components import SimpleTextComponent

from channels.kakao.answers import encoded, laid_out, template
from channels.kakao.doors import kakao_sender
from channels.kakao.line import Line
from channels.kakao.skill import SkillRequest
from channels.port import Answer, Parcel, Way
from channels.port import QuickReply as Button
from tests.fake_intake import FakeIntake
from tests.kakao_line import BOT_ID, CALLBACK, KEY, doors, hook, provider, skill_body, skill_call


def as_the_library_writes_it(texts: list[str], buttons: list[Button]) -> dict[str, Any]:
    """The same answer, built and validated by the library."""
    response = KakaoResponse()
    for text in texts:
        response.add_component(SimpleTextComponent(text))
    for button in buttons:
        response.add_quick_reply(QuickReply(button.label, "message", message_text=button.say))
    return response.get_dict()


@pytest.mark.parametrize(
    "body",
    [
        skill_body(),
        skill_body("네, 안전해요", callbackUrl=CALLBACK),
        skill_body("hello", lang="en", params={"surface": "BuilderBotTest"}),
    ],
)
def test_requests_mean_the_same_to_both(body: dict[str, Any]):
    theirs = Payload.from_dict(body)
    ours = SkillRequest.model_validate_json(json.dumps(body))
    assert ours.request.utterance == theirs.utterance
    assert ours.request.user.id == theirs.user_id == KEY
    assert ours.request.callback == theirs.user_request.callback_url
    assert ours.bot.id == theirs.bot.id


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=700), min_size=1, max_size=5),
    st.lists(st.text("가나다 abc", min_size=1, max_size=14), max_size=10),
)
def test_answers_are_what_the_library_writes(texts: list[str], labels: list[str]):
    bubbles = laid_out(texts)[:3]
    if not bubbles:
        return
    buttons = [Button(label, label) for label in labels]
    assert json.loads(encoded(template(bubbles, buttons))) == as_the_library_writes_it(bubbles, buttons)


async def test_the_response_of_a_request_is_what_the_library_writes():
    answer = Answer(("여기 있어요.", "지금 안전해요?"), (Button("네", "네"), Button("아니요", "아니요")))
    reply = await hook(FakeIntake(answer)).take(skill_call(skill_body()))
    assert json.loads(reply.body) == as_the_library_writes_it(list(answer.texts), list(answer.quick))


async def test_events_are_what_the_library_sends():
    done = {"taskId": "t1", "status": "SUCCESS", "successCount": 1}
    async with provider(lambda *_: (200, done)) as (asked, session):
        sender = kakao_sender(doors(asked.url), Line(session))
        await sender.send([Way(f"skill:{KEY}")], Parcel("p1", ("상담원이에요.",)))
    theirs = EventAPI(BOT_ID, "rest-key", "gyeot_message", data={"text": "상담원이에요."})
    theirs.add_user("botUserKey", KEY)
    path, headers, body = asked.asked[0]
    assert theirs.url == f"https://bot-api.kakao.com{path}"
    assert headers["Authorization"] == theirs.headers["Authorization"]
    rendered = {name: value for name, value in theirs.body.items() if value}
    assert body == rendered
