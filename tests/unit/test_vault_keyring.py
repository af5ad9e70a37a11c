"""The service key ring: the newest key seals, all open, nothing opens away from its place."""

from __future__ import annotations

import pytest

from vault.errors import Forged, Malformed, UnknownKey, WeakKey
from vault.keyring import Place, ServiceKeyRing
from vault.keytext import EXAMPLE_KEY
from vault.secret import SecretText

OLD, NEW = (
    "y6BrVzb69n5UsHtWHq6UOV53TFF6fZEKVDaeEmPM+9Q=",
    "EVB6Di9eadXfpApiob17buV+a82FxnybhDGzb/8hxDc=",
)  # keys of these tests only
PLACE = Place("inbox", "17", "text")


def test_opens_what_was_sealed():
    ring = ServiceKeyRing.parse(f"k1:{OLD}")
    assert ring.open(PLACE, ring.seal(PLACE, b"plain")) == b"plain"
    assert ring.seal(PLACE, b"plain") != ring.seal(PLACE, b"plain")


def test_blob_is_written_as_agreed():
    blob = ServiceKeyRing.parse(f"k-2026:{OLD}").seal(PLACE, b"plain")
    assert blob[:8] == b"\x01\x06k-2026"
    assert len(blob) == 8 + 12 + len(b"plain") + 16


def test_texts_stay_secret():
    ring = ServiceKeyRing.parse(f"k1:{OLD}")
    text = SecretText("도와주세요 \ud800")
    assert ring.open_text(PLACE, ring.seal_text(PLACE, text)) == text


@pytest.mark.parametrize(
    "place", [Place("outbox", "17", "text"), Place("inbox", "18", "text"), Place("inbox", "17", "address")]
)
def test_a_moved_blob_does_not_open(place):
    ring = ServiceKeyRing.parse(f"k1:{OLD}")
    with pytest.raises(Forged):
        ring.open(place, ring.seal(PLACE, b"plain"))


@pytest.mark.parametrize("place", [Place("inbox|17", "x", "text"), Place("inbox", "", "text")])
def test_places_that_read_like_others_are_refused(place):
    with pytest.raises(Malformed):
        ServiceKeyRing.parse(f"k1:{OLD}").seal(place, b"plain")


def test_any_changed_byte_does_not_open():
    ring = ServiceKeyRing.parse(f"k1:{OLD}")
    blob = ring.seal(PLACE, b"plain")
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises((Forged, Malformed, UnknownKey)):
            ring.open(PLACE, bytes(changed))


def test_after_rotation_old_blobs_open_and_new_ones_use_the_new_key():
    before = ServiceKeyRing.parse(f"k1:{OLD}")
    after = ServiceKeyRing.parse(f"k2:{NEW}, k1:{OLD}")
    old_blob, new_blob = before.seal(PLACE, b"plain"), after.seal(PLACE, b"plain")
    assert after.open(PLACE, old_blob) == b"plain"
    assert (after.is_current(old_blob), after.is_current(new_blob)) == (False, True)
    assert after.ids == ("k2", "k1")
    with pytest.raises(UnknownKey, match="k2"):
        before.open(PLACE, new_blob)


@pytest.mark.parametrize(
    "blob", [b"", b"\x01", b"\x02\x02k1" + bytes(40), b"\x01\x02k1" + bytes(27), b"\x01\xffk1"]
)
def test_what_is_no_blob_is_malformed(blob):
    with pytest.raises(Malformed):
        ServiceKeyRing.parse(f"k1:{OLD}").open(PLACE, blob)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", Malformed, "number 1"),
        (OLD, Malformed, "number 1"),
        (f"k1:{OLD},{NEW}", Malformed, "number 2"),
        (f"K1:{OLD}", Malformed, "number 1"),
        (f"k1:{OLD},k1:{NEW}", Malformed, "k1 is given twice"),
        (f"k1:{OLD},k2:{OLD}", WeakKey, "same key"),
        (f"k1:{OLD},k2:{EXAMPLE_KEY}", WeakKey, "service key k2 is the example value"),
        ("k1:c2hvcnQ=", WeakKey, "service key k1 is 5 bytes long"),
        ("k1:!!", Malformed, "service key k1 is not base64"),
    ],
)
def test_bad_rings_are_refused_by_name(text, error, words):
    with pytest.raises(error, match=words) as caught:
        ServiceKeyRing.parse(text)
    assert OLD not in str(caught.value)
    assert NEW not in str(caught.value)


def test_an_empty_ring_is_refused():
    with pytest.raises(Malformed):
        ServiceKeyRing({})


def test_prints_ids_only():
    assert repr(ServiceKeyRing.parse(f"k1:{OLD}")) == "ServiceKeyRing(k1)"
