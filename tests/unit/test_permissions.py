"""Every cell of action × role × relation, written out by hand apart from the code's own table."""

from __future__ import annotations

import pytest

from handoff.conversation import Phase, Speaker, Talk
from handoff.desk import Note
from handoff.errors import Closed, Forbidden, HandoffError, NotYours, Taken
from handoff.people import Role
from handoff.permissions import TABLE, Action, Relation, allowed, may, relation
from handoff.risk import Risk, Topic
from tests.builders import Person, Room, conversation, person, request, room
from vault.secret import SecretText

#            counselor                      supervisor                     administrator
#            holder other free walled past  holder other free walled past  holder other free walled past
MATRIX = """
open         yes    no    yes  no     no    yes    yes   yes  yes    yes   no     no    no   no     no
claim        no     no    yes  no     no    no     no    yes  yes    no    no     no    no   no     no
reply        yes    no    no   no     no    yes    no    no   no     no    no     no    no   no     no
note         yes    no    no   no     no    yes    yes   yes  yes    yes   no     no    no   no     no
release      yes    no    no   no     no    yes    yes   no   no     no    no     no    no   no     no
close        yes    no    no   no     no    yes    no    no   no     no    no     no    no   no     no
risk         yes    no    no   no     no    yes    yes   yes  yes    no    no     no    no   no     no
"""
#            counselor                supervisor               administrator
APART = """
see_queue    yes                      yes                      no
see_staff    no                       yes                      no
admit        no                       yes                      no
"""
ROLES = ("counselor", "supervisor", "administrator")
RELATIONS = ("holder", "other", "free", "walled", "past")


def talk_of(standing: str) -> Talk:
    return Talk(speaker=Speaker.OFFENDER if standing == "walled" else Speaker.SELF)


def cells() -> list[tuple[str, str, str, bool]]:
    found = []
    for line in MATRIX.strip().splitlines():
        action, *words = line.split()
        pairs = [(role, standing) for role in ROLES for standing in RELATIONS]
        found += [(action, *pair, word == "yes") for pair, word in zip(pairs, words, strict=True)]
    return found


def apart() -> list[tuple[str, str, bool]]:
    lines = [line.split() for line in APART.strip().splitlines()]
    return [
        (action, role, word == "yes")
        for action, *words in lines
        for role, word in zip(ROLES, words, strict=True)
    ]


def test_the_matrix_names_every_action_and_role() -> None:
    named = {action for action, *_ in cells()} | {action for action, *_ in apart()}
    assert named == set(Action)
    assert set(ROLES) == set(Role)
    assert set(RELATIONS) == set(Relation)
    assert len(cells()) == 7 * 3 * 5


@pytest.mark.parametrize(("action", "role", "standing", "yes"), cells())
def test_each_cell(action: str, role: str, standing: str, yes: bool) -> None:
    assert allowed(Action(action), Role(role), Relation(standing)) is yes
    assert not allowed(Action(action), Role(role))


@pytest.mark.parametrize(("action", "role", "yes"), apart())
def test_each_cell_apart_from_conversations(action: str, role: str, yes: bool) -> None:
    assert allowed(Action(action), Role(role)) is yes
    assert not any(allowed(Action(action), Role(role), standing) for standing in Relation)


def test_the_table_holds_nothing_else() -> None:
    assert len(TABLE) == sum(yes for *_, yes in cells()) + sum(yes for *_, yes in apart())


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("standing", RELATIONS)
def test_may_lists_what_the_matrix_and_the_phase_allow(phase: Phase, role: str, standing: str) -> None:
    holder = {"holder": "me", "other": "somebody"}.get(standing)
    needs = {
        "claim": {"waiting", "with_bot"},
        "reply": {"claimed"},
        "release": {"claimed"},
        "close": {"claimed"},
        "risk": {"with_bot", "waiting", "claimed"},
    }
    value = conversation(phase=phase, holder=holder, talk=talk_of(standing))
    if (phase is Phase.CLOSED) != (standing == "past"):
        assert relation("me", value) == "past" or standing == "past"
        return
    wanted = {
        a
        for a, r, s, yes in cells()
        if (r, s) == (role, standing) and yes and phase in needs.get(a, set(Phase))
    }
    assert set(may("me", Role(role), value)) == wanted
    assert relation("me", value) == standing


async def act(here: Room, action: str, who: Person) -> None:
    asked = request(who)
    if action == "open":
        await here.desk.open(who.staff, "c1")
    elif action == "reply":
        await here.desk.reply(asked, SecretText("네"))
    elif action == "note":
        await here.desk.note(asked, Note("n1", b"sealed"))
    elif action == "risk":
        await here.desk.correct(asked, Risk.LOW, Topic.HUMAN)
    else:
        await getattr(here.desk, action)(asked)


@pytest.mark.parametrize(("action", "role", "standing", "yes"), cells())
async def test_each_cell_at_the_desk(action: str, role: str, standing: str, yes: bool) -> None:
    here, who = await room(), person("who", Role(role))
    await here.seat(who, person("somebody"))
    holder = {"holder": who.staff.id, "other": "id-somebody"}.get(standing)
    phase = Phase.WAITING if holder is None else Phase.CLAIMED
    phase = Phase.CLOSED if standing == "past" else phase
    before = await here.open("c1", phase=phase, holder=holder, talk=talk_of(standing))
    held_already = action == "claim" and standing == "holder" and role != "administrator"
    if yes or held_already:
        await act(here, action, who)
        assert len(await here.deeds()) == (0 if held_already else 1)
        return
    with pytest.raises(HandoffError) as refusal:
        await act(here, action, who)
    assert await here.find("c1") == before
    assert await here.deeds() == []
    never = not any(cell[3] for cell in cells() if cell[:2] == (action, role))
    apart_from_it = standing == "walled" and role == "counselor"
    expected: type[HandoffError] = Forbidden if never or apart_from_it or action == "open" else NotYours
    if action == "claim" and standing == "other" and not never:
        expected = Taken
    if standing == "past" and not never and action not in {"open", "note"}:
        expected = Closed
    assert refusal.type is expected or held_already


@pytest.mark.parametrize("action", ["claim", "reply", "release", "close", "risk"])
async def test_a_closed_conversation_is_closed_to_everybody(action: str) -> None:
    here, who = await room(), person("who", Role.SUPERVISOR)
    await here.seat(who)
    await here.open("c1", phase=Phase.CLOSED, waiting_since=None)
    with pytest.raises(Closed):
        await act(here, action, who)
    assert await here.deeds() == []
