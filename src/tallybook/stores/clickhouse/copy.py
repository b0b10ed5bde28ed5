"""Opening the copy of a ledger that a ClickHouse database holds. Others may use it at this moment,
so one that is not ours is refused, and never emptied unasked.
"""

from tallybook.model.errors import Unavailable
from tallybook.model.ports import Ledger
from tallybook.model.scope import operator
from tallybook.stores.clickhouse.address import address
from tallybook.stores.clickhouse.store import ClickEvents


def open_copy(url: str, ledger: Ledger, epoch: str, *, anew: bool = False) -> ClickEvents:
    """Open the copy of the ledger with this epoch; `anew` empties it first.

    Raises:
        Unavailable: `events_url_invalid`, `events_ahead`, and what `ClickEvents` says.
    """
    events = ClickEvents(address(url), epoch, anew=anew)
    if events.position(operator()) <= ledger.head(operator()):
        return events
    events.close()
    raise Unavailable(
        "events_ahead",
        "The database of TALLYBOOK_EVENTS_URL has events that are not in the ledger; if this is "
        "the right ledger, `tallybook rebuild` empties the database and loads it again.",
    )
