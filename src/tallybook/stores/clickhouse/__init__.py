"""The facts as columns in ClickHouse, one server or a cluster: a copy of the ledger that can be
rebuilt at any time, shared by all who serve it.

`store` is the port, with what all stores of events share (`stores/events`); `address` reads the
setting, `nodes` speaks to the servers, `schema` makes the tables, `load` and `compact` write, and
`dialect` is all SQL of questions that depends on the engine.
"""
