"""The bench that all gates of a process share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nlu import prepare
from tests.conftest import missing
from tests.triage.measuring import Bench, open_bench


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Rules and model. Without a model server (``GYEOT_NLU_URL``) or a trained model there is nothing to gate."""
    if not os.environ.get("GYEOT_NLU_URL"):
        try:
            prepare.model()
        except prepare.PrepareError as error:
            missing(f"no language model: {error}")
    with open_bench() as found:
        yield found
