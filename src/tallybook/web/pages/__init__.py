"""The pages people see: plain values in, HTML out. Routes and permissions live beside it."""
