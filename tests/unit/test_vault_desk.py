"""Desk shares and conversation keys: staff open the desk, the desk opens conversations, nobody else does."""

from __future__ import annotations

import pytest

from vault.desk import new_conversation_key, new_desk_key, open_conversation_key, open_share, seal_share
from vault.entries import EntryBody, open_entry, seal_entry
from vault.errors import Forged, Malformed
from vault.places import EntryPlace, conversation_key_info, desk_share_info
from vault.sealing import new_key_pair, seal


def test_from_staff_key_to_entry():
    staff, desk = new_key_pair(), new_desk_key(1)
    share = seal_share(desk, "s-1", staff.public)
    conversation = new_conversation_key(desk.pair.public, desk.epoch, "c-1")
    place = EntryPlace("c-1", 1, "visitor")
    sealed = seal_entry(conversation.public_key, EntryBody(("안녕하세요",)), place)

    opened_desk = open_share(staff.private, share, 1, "s-1")
    private = open_conversation_key(opened_desk, conversation.sealed_private, "c-1")
    assert opened_desk == desk
    assert private == conversation.private
    assert open_entry(private, sealed, place).texts == ("안녕하세요",)


def test_a_share_opens_only_for_its_member_and_epoch():
    staff, desk = new_key_pair(), new_desk_key(2)
    share = seal_share(desk, "s-1", staff.public)
    for private, epoch, member in (
        (new_key_pair().private, 2, "s-1"),
        (staff.private, 1, "s-1"),
        (staff.private, 2, "s-2"),
    ):
        with pytest.raises(Forged):
            open_share(private, share, epoch, member)


def test_a_conversation_key_opens_only_for_its_conversation_and_epoch():
    desk = new_desk_key(1)
    sealed = new_conversation_key(desk.pair.public, 1, "c-1").sealed_private
    with pytest.raises(Forged):
        open_conversation_key(desk, sealed, "c-2")
    with pytest.raises(Forged):
        open_conversation_key(type(desk)(2, desk.pair), sealed, "c-1")
    with pytest.raises(Forged):
        open_conversation_key(new_desk_key(1), sealed, "c-1")


def test_sealed_keys_are_not_padded():
    desk = new_desk_key(1)
    assert len(new_conversation_key(desk.pair.public, 1, "c-1").sealed_private) == 1 + 32 + 32 + 16
    assert len(seal_share(desk, "s-1", new_key_pair().public)) == 1 + 32 + 32 + 16


def test_a_sealed_key_of_another_length_is_malformed():
    staff, desk = new_key_pair(), new_desk_key(1)
    with pytest.raises(Malformed):
        open_share(staff.private, seal(staff.public, b"short", desk_share_info(1, "s-1")), 1, "s-1")
    sealed = seal(desk.pair.public, bytes(33), conversation_key_info(1, "c-1"))
    with pytest.raises(Malformed):
        open_conversation_key(desk, sealed, "c-1")


def test_private_keys_are_not_printed():
    desk = new_desk_key(1)
    key = new_conversation_key(desk.pair.public, 1, "c-1")
    assert repr(key.private) not in repr(key)
    assert repr(desk.pair.private) not in repr(desk)
