"""Counts in memory what becomes of events that are sent, until it is written down. What a process
counted since it last wrote is lost when it is killed; the events and their receipts are not.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from threading import Lock

from tallybook.model.errors import TooLarge, Unreadable
from tallybook.model.intake import Intake, Sent
from tallybook.model.ports import Ledger
from tallybook.model.scope import Scope
from tallybook.model.time import hour_of
from tallybook.operations import ingest as ingest_op
from tallybook.operations.ingest import Receipt


class Tally:
    """The counts of one process; all threads add to them."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self._lock = Lock()
        self._counts: Counter[Sent] = Counter()

    def add(self, sender: str, now: datetime, receipt: Receipt) -> None:
        """Count what became of a batch; one that was accepted whole is looked at no further."""
        hour = hour_of(now)
        if receipt.accepted < receipt.received:
            kinds = Counter([(verdict.status, verdict.code or "") for verdict in receipt.verdicts])
        elif receipt.accepted:
            kinds = Counter({("accepted", ""): receipt.accepted})
        else:
            return
        self._add(Counter({Sent(hour, sender, *kind): n for kind, n in kinds.items()}))

    def refuse(self, sender: str, now: datetime, code: str) -> None:
        """Count a body that was refused as a whole as one event: nobody knows how many it held."""
        self._add(Counter([Sent(hour_of(now), sender, "rejected", code)]))

    def flush(self, scope: Scope, intake: Intake) -> None:
        """Write down what was counted since the last time; where that fails, it is kept.

        Raises:
            Unavailable: the store does not answer.
        """
        with self._lock:
            found, self._counts = self._counts, Counter()
        if not found:
            return
        try:
            intake.add(scope, found.items())
        except BaseException:
            self._add(found)
            raise

    def _add(self, found: Counter[Sent]) -> None:
        with self._lock:
            self._counts.update(found)


def ingest(
    tally: Tally,
    scope: Scope,
    ledger: Ledger,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
    *,
    backlog: int = 0,
) -> Receipt:
    """Take events as `operations.ingest` does, and count what became of them.

    Raises:
        TallybookError: as `operations.ingest`; what may be sent again later is not counted.
    """
    try:
        receipt = ingest_op.ingest(scope, ledger, body, headers, now, backlog=backlog)
    except (Unreadable, TooLarge) as e:
        tally.refuse(scope.who, now, e.code)
        raise
    tally.add(scope.who, now, receipt)
    return receipt
