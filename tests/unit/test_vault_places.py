"""Two places never read alike."""

from __future__ import annotations

import pytest

from vault.errors import Malformed
from vault.places import (
    EntryPlace,
    conversation_key_info,
    counted,
    desk_share_info,
    entry_info,
    joined,
    note_info,
)


def test_infos_are_written_as_agreed_with_the_browser():
    assert entry_info(EntryPlace("c-1", 7, "visitor")) == "gyeot/entry/v1|c-1|7|visitor"
    assert note_info("c-1", "n-1") == "gyeot/note/v1|c-1|n-1"
    assert conversation_key_info(3, "c-1") == "gyeot/conversation-key/v1|3|c-1"
    assert desk_share_info(3, "s-1") == "gyeot/desk-share/v1|3|s-1"


@pytest.mark.parametrize("part", ["", "a|b", "a\nb", "a\0", "a\u200bb"])
def test_ids_that_could_read_as_two_are_refused(part):
    with pytest.raises(Malformed):
        joined("gyeot", part)


@pytest.mark.parametrize("number", [-1, True])
def test_numbers_are_whole_from_zero(number):
    with pytest.raises(Malformed):
        counted(number)


def test_an_unknown_author_is_refused():
    with pytest.raises(Malformed):
        entry_info(EntryPlace("c-1", 7, "supervisor"))
