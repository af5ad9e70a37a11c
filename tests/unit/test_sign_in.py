from __future__ import annotations

import pytest

from console.sign_in import (
    FAILURE_WINDOW,
    FAILURES,
    IDLE,
    LONGEST,
    TOUCH_EVERY,
    FrontDesk,
    SignInRefused,
    TooManyTries,
)
from handoff.people import Role
from tests.builders import START, Room, index, person, room
from vault.secret import SecretText
from vault.session import new_token, token_hash

A, S = person("a"), person("s", Role.SUPERVISOR)


async def front() -> tuple[Room, FrontDesk]:
    here = await room()
    await here.seat(A, S)
    return here, FrontDesk(here.store, index(), here.ledger, here.clock)


async def refusals(desk: FrontDesk, name: str, count: int) -> None:
    for _ in range(count):
        with pytest.raises(SignInRefused):
            await desk.sign_in(name, bytes(32))


async def test_the_right_proof_opens_a_session_and_brings_the_keys() -> None:
    here, desk = await front()
    signed_in = await desk.sign_in("a", A.proof)
    assert signed_in.staff == A.staff
    assert [(share.epoch, share.staff) for share in signed_in.shares] == [(1, "id-a")]
    assert [key.epoch for key in signed_in.desk] == [1]
    seat = await desk.seat(signed_in.token)
    assert seat is not None
    assert (seat.staff, seat.session.form_token) == (A.staff, signed_in.form_token)
    assert await here.deeds() == [("id-a", "signed_in", "id-a", {})]
    assert signed_in.token.reveal() not in repr(signed_in)
    assert signed_in.form_token not in repr(signed_in) + repr(seat)


async def test_only_the_hash_of_the_cookie_is_kept() -> None:
    here, desk = await front()
    signed_in = await desk.sign_in("a", A.proof)
    async with here.store.read() as tx:
        session = await tx.sessions.find(token_hash(signed_in.token))
    assert session is not None
    assert signed_in.token.reveal().encode() not in session.token_hash


@pytest.mark.parametrize("proof", [bytes(32), b"", b"short", S.proof, A.proof + b"x", A.staff.proof_hash])
async def test_a_wrong_proof_is_refused(proof: bytes) -> None:
    here, desk = await front()
    with pytest.raises(SignInRefused):
        await desk.sign_in("a", proof)
    assert await here.deeds() == []


async def test_an_unknown_name_is_refused_like_a_wrong_proof() -> None:
    _, desk = await front()
    await refusals(desk, "nobody", 1)


async def test_disabled_staff_are_out_at_once_and_stay_out() -> None:
    here, desk = await front()
    signed_in = await desk.sign_in("a", A.proof)
    async with here.store.begin() as tx:
        await tx.staff.disable("id-a", START)
    assert await desk.seat(signed_in.token) is None
    with pytest.raises(SignInRefused):
        await desk.sign_in("a", A.proof)
    assert (await desk.salt_of("a"))[1] != A.staff.salt


async def test_an_unknown_name_has_a_steady_false_salt_that_looks_like_a_true_one() -> None:
    _, desk = await front()
    first, again, other = [await desk.salt_of(name) for name in ("nobody", "nobody", "no one")]
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]
    assert len(first[1]) == len(A.staff.salt) == 16
    assert len(first[0]) == 24
    assert await desk.salt_of("a") == ("id-a", A.staff.salt)


async def test_an_idle_session_ends() -> None:
    here, desk = await front()
    token = (await desk.sign_in("a", A.proof)).token
    here.clock.pass_by(IDLE)
    assert await desk.seat(token) is not None
    here.clock.pass_by(1)
    assert await desk.seat(token) is None
    here.clock.at = START
    assert await desk.seat(token) is None  # gone, not only hidden


async def test_work_keeps_a_session_but_not_for_ever() -> None:
    here, desk = await front()
    token = (await desk.sign_in("a", A.proof)).token
    while here.clock.at + IDLE - 1 <= START + LONGEST:
        here.clock.pass_by(IDLE - 1)
        seat = await desk.seat(token)
        assert seat is not None
        await desk.touch(seat)
    here.clock.at = START + LONGEST + 1
    assert await desk.seat(token) is None


async def test_touching_writes_seldom() -> None:
    here, desk = await front()
    token = (await desk.sign_in("a", A.proof)).token
    seat = await desk.seat(token)
    assert seat is not None
    here.clock.pass_by(TOUCH_EVERY)
    await desk.touch(seat)
    unchanged = await desk.seat(token)
    assert unchanged is not None
    assert unchanged.session.seen_at == START
    here.clock.pass_by(1)
    await desk.touch(seat)
    changed = await desk.seat(token)
    assert changed is not None
    assert changed.session.seen_at == START + TOUCH_EVERY + 1


async def test_signing_out_ends_this_session_only() -> None:
    _, desk = await front()
    first, second = (await desk.sign_in("a", A.proof)).token, (await desk.sign_in("a", A.proof)).token
    await desk.sign_out(first)
    await desk.sign_out(new_token())
    assert await desk.seat(first) is None
    assert await desk.seat(second) is not None
    assert await desk.seat(SecretText("\ud800")) is None


async def test_tries_are_paced_by_name_and_the_right_proof_waits_too() -> None:
    here, desk = await front()
    await refusals(desk, "a", FAILURES)
    with pytest.raises(TooManyTries) as pause:
        await desk.sign_in("a", A.proof)
    assert pause.value.seconds == FAILURE_WINDOW // 1000 + 1
    await desk.sign_in("s", S.proof)
    here.clock.pass_by(FAILURE_WINDOW)
    assert (await desk.sign_in("a", A.proof)).staff == A.staff


async def test_success_forgets_the_failures() -> None:
    _, desk = await front()
    await refusals(desk, "a", FAILURES - 1)
    await desk.sign_in("a", A.proof)
    await refusals(desk, "a", FAILURES - 1)
    await desk.sign_in("a", A.proof)
