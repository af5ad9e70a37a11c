"""Messages as providers know them, in memory: the twin of ``SqlSentBook``."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

from handoff.conversation import Sent


class MemorySentBook:
    """What was sent, by channel and keyed index."""

    def __init__(self, sent: MutableMapping[tuple[str, bytes], Sent]) -> None:
        self._sent = sent

    async def put(self, sent: Sequence[Sent]) -> None:
        for value in sent:
            self._sent.setdefault((value.channel, value.index), value)

    async def find(self, channel: str, index: bytes) -> Sent | None:
        return self._sent.get((channel, index))

    async def change(self, sent: Sent) -> None:
        if (sent.channel, sent.index) in self._sent:
            self._sent[sent.channel, sent.index] = sent

    async def of(self, conversation: str) -> Sequence[Sent]:
        chosen = [value for value in self._sent.values() if value.conversation == conversation]
        return sorted(chosen, key=lambda value: (value.at, value.seq))

    async def drop(self, conversation: str) -> None:
        for key in [key for key, value in self._sent.items() if value.conversation == conversation]:
            del self._sent[key]

    async def sweep(self, before: int) -> int:
        old = [key for key, value in self._sent.items() if value.at < before]
        for key in old:
            del self._sent[key]
        return len(old)
