"""Books and the ledger of a folder into a PostgreSQL database: begun again after any stop, and
compared row by row before the database counts. Knows nothing of the copy of the events.

`target` says whose a database is, `books` and `ledger` copy and compare, `move` is all of it in its
order.
"""

from tallybook.stores.move.move import Move

__all__ = ["Move"]
