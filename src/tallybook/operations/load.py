"""One step of the loader: entries of the ledger become columns of the events store."""

from dataclasses import replace

from tallybook.model.limits import LOAD_EVENTS_MAX
from tallybook.model.ports import Events, Ledger, Loaded
from tallybook.model.scope import Scope


def load_once(scope: Scope, ledger: Ledger, events: Events) -> Loaded | None:
    """Load what was accepted since the last step, up to a limit; None when there is nothing new.

    The events store keeps the position reached in the same commit, so a step that was cut off is
    simply done again.
    """
    after = events.position(scope)
    batches = ledger.read(scope, after, LOAD_EVENTS_MAX)
    if not batches:
        return None
    loaded = events.load(scope, batches)
    return replace(loaded, after=after, received_at=batches[-1].received_at)
