"""One file an aggregation: a fold, whether parts merge, its SQL expression. Pure."""
