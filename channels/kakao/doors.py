"""The channel as the house puts it together: one hook for what comes in, one sender for what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from channels.kakao.bot_api import BotApi, BotDoor, BotPush, BotReply
from channels.kakao.callback import Callback
from channels.kakao.consult import Consult, ConsultDoor, ConsultPush
from channels.kakao.event_api import EventApi, EventDoor
from channels.kakao.sender import KakaoSender
from channels.kakao.skill import Skill, SkillDoor
from channels.webhooks import JSON, Call, Hook, Reply

if TYPE_CHECKING:
    from channels.kakao.line import Line
    from channels.port import Intake

_NOWHERE = Reply(404, b'{"error":"not_found"}', JSON)


@dataclass(frozen=True, slots=True)
class KakaoDoors:
    """How all doors are set up. A door without its secrets is closed."""

    skill: SkillDoor
    events: EventDoor
    bot: BotDoor
    consult: ConsultDoor


class KakaoHook:
    """``/hooks/kakao/skill``, ``/hooks/kakao/bot`` and ``/hooks/kakao/consult/<secret>/…``."""

    def __init__(self, doors: KakaoDoors, intake: Intake) -> None:
        self._hooks: Mapping[str, Hook] = {
            "skill": Skill(doors.skill, intake),
            "bot": BotApi(doors.bot, intake),
            "consult": Consult(doors.consult, intake),
        }

    async def take(self, call: Call) -> Reply:
        """Hand the call to the door that its path names. Raises as that door does."""
        name, _, rest = call.rest.partition("/")
        hook = self._hooks.get(name)
        if hook is None:
            return _NOWHERE
        return await hook.take(Call(call.url, rest, call.headers, call.body))


def kakao_sender(doors: KakaoDoors, line: Line) -> KakaoSender:
    """Tickets first, for they are free and sure; then the Bot API, events, and the relay."""
    return KakaoSender(
        (
            (Callback(line, doors.skill.trusted), BotReply(line, doors.bot)),
            (BotPush(line, doors.bot),),
            (EventApi(line, doors.events),),
            (ConsultPush(line, doors.consult),),
        )
    )
