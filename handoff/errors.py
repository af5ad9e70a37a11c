"""What can go wrong between people and conversations.

::

    HandoffError
    ├── NotFound            no such conversation, or none that this person may know of
    ├── Forbidden           this role may never do this
    ├── Conflict            somebody or something came first; look again
    │   ├── Taken           another counselor holds it
    │   ├── NotYours        only its holder may do this
    │   └── Closed          the conversation is over
    ├── StoreBusy           the database did not answer in time; try again
    └── StoreFault          the database refused a statement; trying again would not help
"""

from __future__ import annotations


class HandoffError(Exception):
    """Root of this package's errors. Messages hold ids and words of our own, never a visitor's."""


class NotFound(HandoffError):
    """No such thing."""


class Forbidden(HandoffError):
    """The permission table says no."""


class Conflict(HandoffError):
    """The conversation is not in the state the action needs."""


class Taken(Conflict):
    """Another counselor holds the conversation."""


class NotYours(Conflict):
    """Only the holder may do this."""


class Closed(Conflict):
    """The conversation is closed."""


class StoreBusy(HandoffError):
    """The database did not answer in time; nothing was changed."""


class StoreFault(HandoffError):
    """The database refused a statement: a fault of ours. Nothing was changed; the message has no values."""
