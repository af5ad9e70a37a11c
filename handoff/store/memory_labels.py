"""Labels in memory: the twin of ``SqlLabels``."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

from handoff.conversation import Assessed, AssessmentRecord, Conversation, Label
from handoff.errors import Conflict


class MemoryLabels:
    """Looks at the containers of one transaction of ``MemoryStore``."""

    def __init__(
        self,
        labels: MutableMapping[str, Label],
        assessments: Mapping[tuple[str, int], AssessmentRecord],
        conversations: Mapping[str, Conversation],
    ) -> None:
        self._labels = labels
        self._assessments = assessments
        self._conversations = conversations

    async def put(self, labels: Sequence[Label]) -> None:
        if any(label.id in self._labels for label in labels):
            raise Conflict("such a row exists already")
        self._labels.update({label.id: label for label in labels})

    async def since(self, at: int) -> Sequence[Label]:
        chosen = [label for label in self._labels.values() if label.at >= at]
        return sorted(chosen, key=lambda label: (label.at, label.id))

    async def assessed(self, after: tuple[int, str, int], limit: int) -> Sequence[Assessed]:
        found = [self._assessed(record) for record in self._assessments.values()]
        return sorted((one for one in found if one.mark > after), key=lambda one: one.mark)[:limit]

    def _assessed(self, record: AssessmentRecord) -> Assessed:
        return Assessed(
            record.conversation,
            record.seq,
            record.at,
            self._conversations[record.conversation].lang,
            record.confidence,
            record.model,
            record.version,
        )
