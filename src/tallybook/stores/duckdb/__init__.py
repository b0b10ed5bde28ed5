"""The facts as columns in one DuckDB file: a copy of the ledger that can be rebuilt at any time.

`store` is the port; `wire` reads events, `load` and `compact` write them, `query` and `facts`
ask, `dialect` is all SQL that depends on the engine.
"""
