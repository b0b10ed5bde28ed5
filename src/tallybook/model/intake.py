"""What became of events as they were sent, counted by hour, and the store of these counts. Says
nothing about an event: its receipt does.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from tallybook.model.fact import Status
from tallybook.model.scope import Scope


class Sent(NamedTuple):
    """What was counted together: the hour in UTC, by its start; who sent it, as a key or a user is
    written down; what became of it; and why it was not accepted, as a code, "" where it was.
    """

    hour: datetime
    sender: str
    status: Status
    code: str


class Intake(Protocol):
    """How many events were accepted and refused, kept by Books for `limits.INTAKE_DAYS`."""

    def add(self, scope: Scope, counts: Iterable[tuple[Sent, int]]) -> None:
        """Add to what is kept, and forget what is too old beside the newest of these."""

    def since(self, scope: Scope, instant: datetime) -> list[tuple[Sent, int]]:
        """Return what is kept from the hour of an instant on, in order; nothing to who is bound to
        accounts, as much of what is refused is of none.
        """
