"""Opening the copy of a ledger that a data folder holds. The ledger holds every fact, so an empty
copy is only one that has yet to be loaded.
"""

from pathlib import Path

import structlog

from tallybook.model.errors import Unavailable
from tallybook.model.ports import Ledger
from tallybook.model.scope import operator
from tallybook.stores.duckdb.store import DuckEvents

log = structlog.get_logger()


def open_copy(path: Path, ledger: Ledger) -> DuckEvents:
    """Open the copy of a ledger; one that is damaged or no prefix of the ledger is set aside."""
    try:
        events = DuckEvents(path)
        if events.position(operator()) <= ledger.head(operator()):
            return events
        events.close()
        reason = "it is ahead of the ledger"
    except Unavailable as e:
        reason = e.detail
    log.error("events set aside, to be loaded again from the ledger", reason=reason)
    for part in sorted(path.parent.glob(f"{path.name}*")):
        if ".aside" not in part.name:
            part.replace(part.with_name(f"{part.name}.aside"))
    return DuckEvents(path)
