"""The secret a provider shows us. Kakao and HappyTalk sign nothing: a long random value is all there is."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

SHORTEST = 32


@dataclass(frozen=True, slots=True)
class DoorKey:
    """A shared secret. Empty: the door is closed. Shorter than 32 characters: ``ValueError``."""

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.secret and len(self.secret) < SHORTEST:
            raise ValueError(f"a secret needs at least {SHORTEST} characters")

    def fits(self, shown: str | None) -> bool:
        """Compare in constant time. A closed door is opened by nothing."""
        if not self.secret or shown is None:
            return False
        return hmac.compare_digest(_raw(self.secret), _raw(shown))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
