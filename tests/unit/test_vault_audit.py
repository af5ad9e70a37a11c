"""The audit chain: every change to it is seen at the first record it touches."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from vault.audit import GENESIS, AuditRecord, Link, link, verify
from vault.errors import Malformed, WeakKey

KEY = secrets.token_bytes(32)
START = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def chain() -> list[Link]:
    links: list[Link] = []
    for n in range(1, 8):
        record = AuditRecord(
            n, START + timedelta(seconds=n), "s-1", "opened", f"c-{n}", {"seq": n, "on": True}
        )
        links.append(Link(record, link(KEY, links[-1].mac if links else GENESIS, record)))
    return links


def test_a_sound_chain_holds(chain):
    assert verify(KEY, chain) is None
    assert verify(KEY, []) is None


@pytest.mark.parametrize(
    "change",
    [
        {"n": 9},
        {"at": START},
        {"actor": "s-2"},
        {"action": "closed"},
        {"subject": "c-9"},
        {"detail": {"seq": 4}},
        {"detail": {"seq": "4", "on": True}},
    ],
)
def test_a_changed_field_is_seen_where_it_is(chain, change):
    chain[3] = Link(replace(chain[3].record, **change), chain[3].mac)
    assert verify(KEY, chain) == 3


def test_a_changed_mark_is_seen(chain):
    chain[3] = Link(chain[3].record, bytes(32))
    assert verify(KEY, chain) == 3


def test_a_dropped_record_is_seen(chain):
    del chain[3]
    assert verify(KEY, chain) == 3


def test_a_dropped_start_is_seen(chain):
    assert verify(KEY, chain[1:]) == 0


def test_swapped_records_are_seen(chain):
    chain[3], chain[4] = chain[4], chain[3]
    assert verify(KEY, chain) == 3


def test_a_repeated_record_is_seen(chain):
    chain.insert(3, chain[2])
    assert verify(KEY, chain) == 3


def test_a_chain_written_under_another_key_is_seen(chain):
    assert verify(secrets.token_bytes(32), chain) == 0


def test_a_cut_end_holds_and_is_seen_only_against_a_kept_head(chain):
    head = chain[-1]
    assert verify(KEY, chain[:-2]) is None
    assert (chain[:-2][-1].record.n, chain[:-2][-1].mac) != (head.record.n, head.mac)


def test_a_later_stretch_can_be_checked_alone(chain):
    assert verify(KEY, chain[3:], after=chain[2].mac) is None
    assert verify(KEY, chain[3:], after=chain[1].mac) == 0
    del chain[5]
    assert verify(KEY, chain[3:], after=chain[2].mac) == 2


def test_a_time_read_back_in_another_zone_is_the_same_time(chain):
    moved = chain[0].record.at.astimezone(timezone(timedelta(hours=9)))
    assert verify(KEY, [Link(replace(chain[0].record, at=moved), chain[0].mac)]) is None


def test_detail_read_back_from_json_in_another_order_is_the_same(chain):
    detail = json.loads(json.dumps(dict(reversed(list(chain[0].record.detail.items())))))
    assert verify(KEY, [Link(replace(chain[0].record, detail=detail), chain[0].mac)]) is None


def test_a_time_without_a_zone_cannot_be_linked_and_breaks_a_chain(chain):
    naive = replace(chain[0].record, at=START.replace(tzinfo=None))
    with pytest.raises(Malformed):
        link(KEY, GENESIS, naive)
    assert verify(KEY, [Link(naive, bytes(32))]) == 0


def test_short_keys_and_marks_are_refused(chain):
    with pytest.raises(WeakKey):
        link(b"short", GENESIS, chain[0].record)
    with pytest.raises(Malformed):
        link(KEY, b"", chain[0].record)
