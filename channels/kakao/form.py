"""Requests of providers, parsed strictly where it matters; what providers add is no matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

UserKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
"""How a provider knows a visitor: letters, digits and signs, without space."""


class Form(BaseModel):
    """A part of a request. It shows nothing of itself: it holds what a visitor wrote."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()
