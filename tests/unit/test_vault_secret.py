"""A secret text leaves through reveal() and through nothing else."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import pytest

from vault.secret import SecretText

MARKER = "제발 도와주세요 marker-7f3a"


@dataclass(frozen=True)
class Holder:
    text: SecretText


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        ascii,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>20}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - the old way is what logging uses
        lambda secret: "{:30}".format(secret),  # noqa: UP032, PLW0108 - the method is what is tried here
        lambda secret: repr([secret, {"text": secret}]),
        lambda secret: repr(Holder(secret)),
        lambda secret: repr(asdict(Holder(secret))),
        lambda secret: str(ValueError(secret)),
    ],
)
def test_no_way_of_printing_shows_the_text(shown):
    assert "<secret>" in shown(SecretText(MARKER))
    assert "marker" not in shown(SecretText(MARKER))


def test_logging_does_not_show_the_text(caplog):
    logging.getLogger("vault").error("got %s", SecretText(MARKER), extra={"text": SecretText(MARKER)})
    assert "got <secret>" in caplog.text
    assert "marker" not in caplog.text


@pytest.mark.parametrize(
    "leaving",
    [json.dumps, pickle.dumps, "".join, bytes, lambda secret: secret + "", lambda secret: "" + secret, list],
)
def test_text_cannot_leave_by_accident(leaving):
    with pytest.raises(TypeError) as caught:
        leaving([SecretText(MARKER)] if leaving == "".join else SecretText(MARKER))
    assert "marker" not in str(caught.value)


def test_reveal_gives_the_text():
    assert SecretText(MARKER).reveal() == MARKER


def test_equal_only_to_a_secret_text_with_the_same_text():
    assert SecretText(MARKER) == SecretText(MARKER)
    assert SecretText(MARKER) != SecretText("other")
    assert SecretText(MARKER) != MARKER
    assert len({SecretText("a"), SecretText("a"), SecretText("b")}) == 2


def test_half_a_surrogate_pair_compares():
    assert SecretText("\ud800") == SecretText("\ud800")
    assert SecretText("\ud800") != SecretText("?")


def test_length_and_truth_are_those_of_the_text():
    assert len(SecretText("네 글자")) == 4
    assert not SecretText("")


def test_copies_are_the_secret_itself():
    secret = SecretText(MARKER)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"a": secret})["a"] is secret


def test_does_not_change():
    secret = SecretText(MARKER)
    with pytest.raises(AttributeError):
        secret._text = "other"
    with pytest.raises(AttributeError):
        del secret._text
    assert secret.reveal() == MARKER
