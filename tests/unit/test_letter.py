from __future__ import annotations

from dataclasses import replace

import pytest

from handoff.conversation import DeliveryState
from handoff.letter import Letter, opened, posted
from tests.builders import KEY_RING, START
from vault.errors import Forged
from vault.keyring import ServiceKeyRing

TEXTS = ("혼자 아니에요.", 'He said: "send it" \\ \n 😢')


def letter() -> Letter:
    return Letter("l1", "c1", 4, "web", TEXTS, ("safe.yes", "safe.no"))


def test_a_letter_comes_back_as_it_was() -> None:
    ring = ServiceKeyRing.parse(KEY_RING)
    item = posted(ring, letter(), START)
    assert (item.id, item.conversation, item.seq, item.channel, item.due_at) == ("l1", "c1", 4, "web", START)
    assert (item.state, item.attempts, item.leased_until) == (DeliveryState.PENDING, 0, 0)
    assert opened(ring, item) == letter()


def test_nothing_of_it_is_readable() -> None:
    item = posted(ServiceKeyRing.parse(KEY_RING), letter(), START)
    for text in TEXTS:
        assert text.encode() not in item.sealed_body
        assert text not in repr(item) + repr(letter())


def test_a_letter_does_not_open_in_another_row() -> None:
    ring = ServiceKeyRing.parse(KEY_RING)
    with pytest.raises(Forged):
        opened(ring, replace(posted(ring, letter(), START), id="l2"))
