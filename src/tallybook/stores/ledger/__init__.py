"""The ledger: every accepted fact in arrival order, durable and de-duplicated for ever.

`store` is the port, `frame` the layout of a row, `schema` the tables; `embedded` and `shared` are
where it may live; `index` and `run` are the embedded index of ids. Nothing here
knows what an event means.
"""

from tallybook.stores.ledger.store import SqlLedger

__all__ = ["SqlLedger"]
