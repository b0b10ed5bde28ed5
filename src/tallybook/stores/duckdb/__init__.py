"""The facts as columns in one DuckDB file: a copy of the ledger that can be rebuilt at any time.

`store` is the port, with what all stores of events share (`stores/events`); `load` and `months`
write, `schema` opens the file, `dialect` is all SQL of questions that depends on the engine.
"""
