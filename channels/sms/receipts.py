"""From the carrier's reports to ``Receipt`` events: only what moved, and only when it means something new."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from channels.errors import Blocked
from channels.port import Gone, Intake, Receipt
from channels.sms import CHANNEL
from channels.sms.status import advanced, meaning

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Report:
    """A carrier's word on one text.

    ``token``: our own name of it, which ``Sender.send`` gave instead of ``sent_id`` when the carrier's answer
    was lost. ``error``: a class of ``channels.errors``. ``address``: to whom it went, if the report says so.
    """

    sent_id: str = field(repr=False)
    status: str
    error: str = ""
    token: str = field(default="", repr=False)
    address: str | None = field(default=None, repr=False)


class Receipts:
    """Remembers the last status of recent texts, in memory: after a restart a receipt may be told twice."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._statuses: OrderedDict[str, str] = OrderedDict()

    async def tell(self, report: Report) -> None:
        """Hand over what moved: the receipt, and that somebody is gone if that is why it failed.

        Raises ``Busy``; then it counts as never told.
        """
        before = self._statuses.get(report.sent_id)
        now = advanced(before, report.status)
        if now is None:
            return
        state = meaning(now)
        if state is not None and state != meaning(before):
            error = report.error if state == "failed" else ""
            for sent_id in filter(None, (report.sent_id, report.token)):
                await self._intake.keep(Receipt(CHANNEL, sent_id, state, error))
            if error == Blocked.__name__ and report.address is not None:
                await self._intake.keep(Gone(CHANNEL, f"{report.sent_id}/gone", report.address))
        self._remember(report.sent_id, now)

    def _remember(self, sent_id: str, status: str) -> None:
        if (
            advanced(self._statuses.get(sent_id), status) is not None
        ):  # another report may have come meanwhile
            self._statuses[sent_id] = status
        self._statuses.move_to_end(sent_id)
        if len(self._statuses) > REMEMBERED:
            self._statuses.popitem(last=False)
