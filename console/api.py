"""The console's API: the queue, conversations, and what counselors do to them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from console import wire
from console.gate import Gate, Guarded, refused
from console.sign_in import Seat
from handoff.bell import Bell
from handoff.conversation import Conversation, Phase, Track
from handoff.desk import Desk, Note, Request
from handoff.errors import Closed, Conflict, Forbidden, HandoffError, NotFound, NotYours, StoreBusy, Taken
from handoff.people import DeskShare
from handoff.permissions import Action
from handoff.queue import ordered
from handoff.risk import Risk, Topic
from handoff.store.ports import Store, Transaction
from vault.secret import SecretText

Json: TypeAlias = dict[str, Any]
Id: TypeAlias = Annotated[str, Path(max_length=32, pattern=r"^[0-9A-Za-z-]+$")]

SESSION_CHECK = 20.0
NOTE_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Office:
    """What the console works with. ``model_state``: ``up``, ``away`` or ``off``.

    ``unreviewed``: how many texts of the bot no person of the centre has reviewed.
    """

    store: Store
    bell: Bell
    desk: Desk
    gate: Gate = field(repr=False)
    model_state: Callable[[], Awaitable[str]]
    now: Callable[[], int]
    unreviewed: int = 0


def router(office: Office) -> APIRouter:
    """All routes that need somebody to be signed in."""
    routes = APIRouter(prefix="/api", route_class=Guarded)
    _add_queue(routes, office)
    _add_reading(routes, office)
    _add_moves(routes, office)
    _add_writing(routes, office)
    _add_staff(routes, office)
    return routes


def _add_queue(routes: APIRouter, office: Office) -> None:
    may = office.gate.may

    @routes.get("/queue")
    async def queue(seat: Annotated[Seat, may(Action.SEE_QUEUE)]) -> Json:
        async with office.store.read() as tx:
            found = await tx.conversations.in_phase([Phase.WAITING, Phase.CLAIMED])
            with_bot = await tx.conversations.count(Phase.WITH_BOT)
            names = await _names(tx)
            failed = await tx.shown.failed([value.id for value in found])

        def rows(values: Sequence[Conversation]) -> list[dict[str, Any]]:
            return [wire.row_json(value, names, failed.get(value.id, 0)) for value in values]

        claimed = [value for value in found if value.phase is Phase.CLAIMED]
        sees_all = seat.staff.role == "supervisor"
        walled = ordered(found, Track.OFFENDER) if sees_all else []
        return {
            "waiting": rows(ordered(found)),
            "mine": rows([value for value in claimed if value.holder == seat.staff.id]),
            "held": rows(claimed) if sees_all else [],
            "walled": rows(walled),
            "with_bot": with_bot,
            "model": await office.model_state(),
            "unreviewed": office.unreviewed,
            "now": wire.iso(office.now()),
        }

    @routes.get("/events", response_class=EventSourceResponse)
    async def events(
        seat: Annotated[Seat, may(Action.SEE_QUEUE)],
    ) -> AsyncIterator[ServerSentEvent]:
        async with office.bell.listen() as rings:
            while await _still_there(office, seat):
                yield ServerSentEvent(event="changed", data={"id": ""}, retry=2000)
                check_at = time.monotonic() + SESSION_CHECK
                while (left := check_at - time.monotonic()) > 0:
                    try:
                        rung = await asyncio.wait_for(rings.next(), left)
                    except TimeoutError:
                        break
                    if rung is None:
                        return
                    yield ServerSentEvent(event="changed", data={"id": rung})

    @routes.post("/here")
    async def here(_sent: wire.Sent, _seat: Annotated[Seat, may(Action.SEE_QUEUE)]) -> Json:
        """Somebody reads or types: the gate has noted it."""
        return {"here": True}


def _add_reading(routes: APIRouter, office: Office) -> None:
    may = office.gate.may

    @routes.get("/conversations/{id}")
    async def read(id: Id, seat: Annotated[Seat, may(Action.OPEN)]) -> Json:
        with _in_words():
            found = await office.desk.open(seat.staff, id)
        async with office.store.read() as tx:
            entries = await tx.entries.of(id)
            assessments = await tx.entries.assessments(id)
            items = await tx.outbox.of(id)
            body = await _conversation_json(tx, found, seat)
        return body | {
            "key": {"epoch": found.desk_epoch, "sealed": wire.b64(found.sealed_key)},
            "public_key": wire.b64(found.public_key),
            "entries": [wire.entry_json(entry) for entry in entries],
            "assessments": [wire.assessment_json(record) for record in assessments],
            "deliveries": wire.deliveries_json(items),
        }


def _add_moves(routes: APIRouter, office: Office) -> None:
    may = office.gate.may

    @routes.post("/conversations/{id}/claim")
    async def claim(id: Id, sent: wire.Sent, seat: Annotated[Seat, may(Action.CLAIM)]) -> Json:
        with _in_words():
            return await _after(
                office, seat, await office.desk.claim(Request(seat.staff, id, sent.request_id))
            )

    @routes.post("/conversations/{id}/release")
    async def release(id: Id, sent: wire.Sent, seat: Annotated[Seat, may(Action.RELEASE)]) -> Json:
        with _in_words():
            return await _after(
                office, seat, await office.desk.release(Request(seat.staff, id, sent.request_id))
            )

    @routes.post("/conversations/{id}/close")
    async def close(id: Id, sent: wire.Sent, seat: Annotated[Seat, may(Action.CLOSE)]) -> Json:
        with _in_words():
            return await _after(
                office, seat, await office.desk.close(Request(seat.staff, id, sent.request_id))
            )


def _add_writing(routes: APIRouter, office: Office) -> None:
    may = office.gate.may

    @routes.post("/conversations/{id}/reply")
    async def reply(id: Id, sent: wire.Reply, seat: Annotated[Seat, may(Action.REPLY)]) -> Json:
        request = Request(seat.staff, id, sent.request_id)
        with _in_words():
            return await _after(office, seat, await office.desk.reply(request, SecretText(sent.text)))

    @routes.post("/conversations/{id}/note")
    async def note(id: Id, sent: wire.SealedNote, seat: Annotated[Seat, may(Action.NOTE)]) -> Json:
        sealed = wire.binary(sent.sealed, NOTE_BYTES)
        request = Request(seat.staff, id, sent.request_id)
        with _in_words():
            return await _after(office, seat, await office.desk.note(request, Note(sent.note_id, sealed)))

    @routes.post("/conversations/{id}/risk")
    async def correct(id: Id, sent: wire.Correction, seat: Annotated[Seat, may(Action.CORRECT)]) -> Json:
        try:
            risk, topic = Risk.of(sent.risk), Topic(sent.topic)
        except ValueError:
            raise refused(
                422, "malformed", "위험도나 주제가 올바르지 않아요. / Unknown risk or topic."
            ) from None
        with _in_words():
            changed = await office.desk.correct(Request(seat.staff, id, sent.request_id), risk, topic)
            return await _after(office, seat, changed)


def _add_staff(routes: APIRouter, office: Office) -> None:
    may = office.gate.may

    @routes.get("/staff")
    async def staff(_seat: Annotated[Seat, may(Action.SEE_STAFF)]) -> Json:
        async with office.store.read() as tx:
            people = await tx.staff.all()
            admitted = {share.staff for share in await tx.desk_keys.shares()}
        return {
            "staff": [
                wire.staff_json(person)
                | {
                    "admitted": person.id in admitted,
                    "disabled": person.disabled_at is not None,
                    "public_key": wire.b64(person.public_key),
                }
                for person in people
            ]
        }

    @routes.post("/staff/{id}/admit")
    async def admit(id: Id, sent: wire.Admission, seat: Annotated[Seat, may(Action.ADMIT)]) -> Json:
        shares = [DeskShare(share.epoch, id, wire.binary(share.sealed, 256)) for share in sent.shares]
        with _in_words():
            await office.desk.admit(seat.staff, id, shares)
        return {"admitted": True}


async def _still_there(office: Office, seat: Seat) -> bool:
    """Whether the session goes on; if so, its page was heard of just now."""
    async with office.store.begin() as tx:
        if await tx.sessions.find(seat.session.token_hash) is None:
            return False
        await tx.sessions.hear(seat.session.token_hash, office.now())
        return True


async def _names(tx: Transaction) -> dict[str, str]:
    return {person.id: person.name for person in await tx.staff.all()}


async def _conversation_json(tx: Transaction, value: Conversation, seat: Seat) -> Json:
    failed = await tx.shown.failed([value.id])
    row = wire.row_json(value, await _names(tx), failed.get(value.id, 0))
    return {"conversation": row, "may": wire.may_json(seat.staff, value)}


async def _after(office: Office, seat: Seat, value: Conversation) -> Json:
    async with office.store.read() as tx:
        return await _conversation_json(tx, value, seat)


_WORDS: dict[type[HandoffError], tuple[int, str, str]] = {
    NotFound: (404, "not_found", "그런 대화가 없어요. / There is no such conversation."),
    Forbidden: (403, "forbidden", "권한이 없어요. / Your role may not do this."),
    Taken: (409, "taken", "다른 상담원이 먼저 맡았어요. / Somebody else has just taken it."),
    NotYours: (409, "not_yours", "맡은 사람만 할 수 있어요. / Only its holder may do this."),
    Closed: (409, "closed", "끝난 대화예요. / The conversation is closed."),
    Conflict: (409, "conflict", "그사이에 바뀌었어요. / Somebody came first; look again."),
    HandoffError: (500, "broken", "우리 쪽 문제예요. / Something is wrong on our side."),
    StoreBusy: (503, "busy", "잠시 뒤에 다시 해 주세요. / Please try again in a moment."),
}


class _in_words:  # noqa: N801  reads as a verb at its place of use
    """The one place where this package's errors become HTTP."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, HandoffError):
            status, code, words = next(_WORDS[kind] for kind in type(error).__mro__ if kind in _WORDS)
            raise refused(status, code, words) from None
