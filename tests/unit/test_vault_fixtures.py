"""Values sealed by earlier versions, in Python and in a browser, still open: formats do not drift."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from vault.desk import open_conversation_key, open_share
from vault.entries import EntryBody, open_entry, open_note
from vault.places import EntryPlace
from vault.secret import SecretText
from vault.staffkeys import StaffKeys, derive, fingerprint, unlock

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / name).read_text(encoding="utf-8"))
    return found


def test_everything_sealed_by_python_opens_from_the_passphrase():
    kept = read("sealing_python.json")
    signed_in, conversation = kept["signed_in"], kept["conversation"]
    passphrase, salt = SecretText(kept["passphrase"]), b64decode(kept["start"]["salt"])
    public, wrapped = b64decode(signed_in["public_key"]), b64decode(signed_in["wrapped_private_key"])
    staff = signed_in["staff"]["id"]
    assert derive(passphrase, salt).proof == b64decode(kept["proof"])
    assert fingerprint(public) == kept["fingerprint"]

    private = unlock(passphrase, StaffKeys(staff, salt, b"", public, wrapped))
    share = signed_in["shares"][0]
    desk = open_share(private, b64decode(share["sealed"]), share["epoch"], staff)
    assert desk.pair.public == b64decode(share["public_key"])

    key = open_conversation_key(desk, b64decode(conversation["key"]["sealed"]), conversation["id"])
    assert kept["entries"]
    for row in kept["entries"]:
        place = EntryPlace(conversation["id"], row["seq"], row["author"])
        expected = EntryBody(tuple(row["texts"]), tuple(row["guidance"]))
        assert open_entry(key, b64decode(row["sealed"]), place) == expected
    note = kept["note"]
    assert open_note(key, b64decode(note["sealed"]), conversation["id"], note["note_id"]) == note["text"]


def test_what_a_browser_sealed_opens():
    kept, conversation = read("sealing_browser.json"), read("sealing_python.json")["conversation"]
    note, member = kept["note"], kept["member"]
    key = b64decode(conversation["private_key"])
    assert open_note(key, b64decode(note["sealed"]), conversation["id"], note["note_id"]) == note["text"]

    share = member["shares"][0]
    desk = open_share(
        b64decode(member["private_key"]), b64decode(share["sealed"]), share["epoch"], member["id"]
    )
    assert open_conversation_key(desk, b64decode(conversation["key"]["sealed"]), conversation["id"]) == key
