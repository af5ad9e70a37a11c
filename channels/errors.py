"""What can go wrong at a channel: one closed list, drawn by what the caller can do.

::

    ChannelError
    ├── Forged         not from the provider: answer nothing, change nothing
    ├── Malformed      from the provider, but not of its form: answer 4xx, change nothing
    ├── Unreachable    the provider does not answer now: try again later
    ├── Throttled      too fast: try again after ``seconds``
    └── Undeliverable  trying again is no use; the counselor is told
        ├── Refused        the provider will not take this message
        ├── WindowClosed   the time in which this visitor could be answered is over
        └── Blocked        the visitor blocked us
"""

from __future__ import annotations


class ChannelError(Exception):
    """Root. Messages hold our own words only."""


class Forged(ChannelError):
    """The sender could not be verified."""


class Malformed(ChannelError):
    """The request is not of the provider's form."""


class Unreachable(ChannelError):
    """The provider did not answer, or asked to come back later."""


class Throttled(ChannelError):
    """Too fast. ``seconds`` is how long to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds:.0f} s")
        self.seconds = seconds


class Undeliverable(ChannelError):
    """This message will not arrive however often it is sent."""


class Refused(Undeliverable):
    """The provider refuses this message."""


class WindowClosed(Undeliverable):
    """The provider's time window for answering is over."""


class Blocked(Undeliverable):
    """The visitor blocked us."""
