"""Sending on KakaoTalk: by the first door that still reaches the visitor."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from channels.errors import Blocked, ChannelError, Refused, Throttled, Unreachable, WindowClosed
from channels.kakao.answers import laid_out
from channels.kakao.line import Lost
from channels.port import Parcel, QuickReply, Way

REMEMBERED = 500
"""Parcels under way whose progress is remembered in this process."""


class Door(Protocol):
    """One way out. ``single``: one request a ticket."""

    @property
    def single(self) -> bool: ...

    def reaches(self, way: Way) -> bool:
        """Whether this way leads through this door."""

    def holds(self, bubbles: Sequence[str]) -> int:
        """How many of these bubbles, from the first, go into one request: at least one."""

    async def push(
        self, way: Way, bubbles: Sequence[str], quick: Sequence[QuickReply], key: str
    ) -> Sequence[str]:
        """Send one request; return the provider's ids. Raises a ``ChannelError``."""


@dataclass(slots=True)
class _Progress:
    """How far a parcel has come: bubbles that arrived, their ids, and where nobody knows."""

    done: int = 0
    ids: list[str] = field(default_factory=list)
    lost: set[tuple[int, Way]] = field(default_factory=set, repr=False)


class KakaoSender:
    """Tries ``doors`` rank by rank, in each rank the newest way first. A door that is shut is passed by.

    Kakao has no idempotency key, so what may have arrived (``Lost``) is not at once sent through another
    door. The outbox tries again: a ticket that is then found used has delivered, and a door that is lost in
    again is passed by.
    """

    def __init__(self, doors: Sequence[Sequence[Door]]) -> None:
        self._doors = doors
        self._under_way: OrderedDict[str, _Progress] = OrderedDict()

    async def send(self, ways: Sequence[Way], parcel: Parcel) -> Sequence[str]:
        """See ``channels.port.Sender``."""
        bubbles = laid_out(parcel.texts)
        progress = self._under_way.setdefault(parcel.key, _Progress())
        if len(self._under_way) > REMEMBERED:
            self._under_way.popitem(last=False)
        failures: list[ChannelError] = []
        for door, way in self._ranked(ways):
            try:
                await _through(door, way, parcel, bubbles, progress)
            except Lost as error:
                if (id(door), way) not in progress.lost:
                    progress.lost.add((id(door), way))
                    raise
                failures.append(error)
            except ChannelError as error:
                failures.append(error)
            else:
                self._under_way.pop(parcel.key, None)
                return tuple(progress.ids)
        raise _outcome(failures)

    async def erase(self, address: str, sent_ids: Sequence[str]) -> None:
        """KakaoTalk lets a bot delete nothing; what was sent stays in the visitor's room."""

    def _ranked(self, ways: Sequence[Way]) -> Sequence[tuple[Door, Way]]:
        return [(door, way) for rank in self._doors for way in ways for door in rank if door.reaches(way)]


async def _through(door: Door, way: Way, parcel: Parcel, bubbles: Sequence[str], progress: _Progress) -> None:
    """Send what is left of the parcel through one door."""
    while progress.done < len(bubbles):
        left = bubbles[progress.done :]
        some = left[: door.holds(left)]
        last = progress.done + len(some) == len(bubbles)
        try:
            ids = await door.push(way, some, parcel.quick if last else (), f"{parcel.key}/{progress.done}")
        except WindowClosed:
            if not (door.single and (id(door), way) in progress.lost):
                raise
            ids = ()
        progress.done += len(some)
        progress.ids.extend(ids)
        if door.single and not last:
            raise WindowClosed("the ticket is used, and more is to be said")


def _outcome(failures: Sequence[ChannelError]) -> ChannelError:
    """What the caller can do: wait if any door may open again, else what was the matter."""
    for kind in (Unreachable, Throttled, Blocked):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    if failures and all(isinstance(failure, Refused) for failure in failures):
        return failures[0]
    return WindowClosed("no door of KakaoTalk reaches this visitor now")
